"""Which stages a user's words mean: names, addresses, pipeline files, outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.data.model import printable
from assay.errors import NotFound
from assay.pipelines.graph import Graph
from assay.pipelines.model import Pipeline


def resolve(
    graph: Graph,
    pipelines: Mapping[bytes, Pipeline],
    targets: Iterable[str],
    *,
    folder: bytes,
    relative: Mapping[str, bytes],
) -> list[str]:
    """Addresses of the stages that ``targets`` mean; no targets mean the pipeline of ``folder``.

    ``relative`` has each target read as a path from the root.  Raises :class:`NotFound`
    ``stage-unknown`` or ``pipeline-missing``.
    """
    wanted = list(targets)
    if not wanted:
        here = pipelines.get(folder)
        chosen = [here] if here and here.stages else list(pipelines.values())
        found = [stage.address for pipeline in chosen for stage in pipeline.stages.values()]
        if not found:
            raise NotFound(
                "pipeline-missing",
                "There is no pipeline here: no assay.yaml declares a stage.",
                fix="Write one; docs/how-to/pipelines.md begins with an example.",
            )
        return found
    return list(
        dict.fromkeys(a for t in wanted for a in _one(graph, pipelines, t, folder, relative))
    )


def _one(
    graph: Graph,
    pipelines: Mapping[bytes, Pipeline],
    target: str,
    folder: bytes,
    relative: Mapping[str, bytes],
) -> list[str]:
    here = pipelines.get(folder)
    if here is not None and target in here.stages:
        return [here.stages[target].address]
    if target in graph.stages:
        return [target]
    path, colon, name = target.rpartition(":")
    place = relative[path if colon else target]
    for pipeline in pipelines.values():
        if place == pipeline.path:
            if not colon:
                return [stage.address for stage in pipeline.stages.values()]
            if name in pipeline.stages:
                return [pipeline.stages[name].address]
    makers = [
        stage.address
        for stage in graph.stages.values()
        if any(place == out.path or place.startswith(out.path + b"/") for out in stage.outs)
    ]
    if makers:
        return makers
    raise NotFound(
        "stage-unknown",
        f"There is no stage {target!r}.",
        why=f"No pipeline has one of that name, and no stage writes {printable(place)}.",
        fix="`assay stage list` shows what there is.",
    )
