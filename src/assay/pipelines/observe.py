"""What lies in a stage's paths now, in the form in which the lock remembers it."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.core.pointer import Output
from assay.core.progress import SILENT, Progress
from assay.data.record import describe
from assay.data.scan import ABSENT, Workspace, look
from assay.pipelines.model import Params, Stage
from assay.pipelines.params import read_params


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A stage's paths as they are; an absent path is ``None``.  Names as the pipeline has them."""

    deps: dict[str, Output | None]
    params: Params
    outs: dict[str, Output | None]


@dataclass(kw_only=True)
class Observer:
    """Looks at paths, each once until it is told that the path changed."""

    workspace: Workspace
    progress: Progress = SILENT
    _known: dict[bytes, Output | None] = field(default_factory=dict)

    def at(self, path: bytes, name: str) -> Output | None:
        """What lies at ``path``, under the name that a lock gives it."""
        if path not in self._known:
            state = look(self.workspace, path, progress=self.progress)
            self._known[path] = None if state.kind == ABSENT else describe(state, name, {})
        found = self._known[path]
        if found is None or found.path == name:
            return found
        from dataclasses import replace

        return replace(found, path=name)

    def forget(self, paths: tuple[bytes, ...]) -> None:
        """Look again at these paths and at whatever holds them or lies in them."""
        for path in paths:
            self._known = {
                known: value
                for known, value in self._known.items()
                if not (
                    known == path or known.startswith(path + b"/") or path.startswith(known + b"/")
                )
            }

    def stage(self, stage: Stage) -> Observed:
        """Everything that a stage reads and writes."""
        return Observed(
            deps={dep.name: self.at(dep.path, dep.name) for dep in stage.deps},
            params=read_params(self.workspace.root, stage.params),
            outs={out.name: self.at(out.path, out.name) for out in stage.outs},
        )
