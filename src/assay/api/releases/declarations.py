"""Which releases the pipeline files declare: in the workspace, or at a commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from assay.api.context import Context
from assay.errors import Conflict, NotFound
from assay.pipelines.model import Pipeline
from assay.releases.declared import Declaration
from assay.releases.files import read_declarations

_SECTION = "releases"


def workspace_declarations(context: Context) -> dict[str, Declaration]:
    """The releases that the workspace declares, by name."""
    context.tracked()

    def read(path: bytes) -> bytes:
        with open(os.path.join(os.fsencode(context.root), path), "rb") as file:
            return file.read()

    return declarations_of(context.stage_files.loaded, read)


def declarations_of(
    pipelines: Mapping[bytes, Pipeline], read: Callable[[bytes], bytes]
) -> dict[str, Declaration]:
    """The releases of pipeline files by name; two of one name are refused."""
    found: dict[str, Declaration] = {}
    for pipeline in pipelines.values():
        if _SECTION not in pipeline.extra:
            continue
        listed = read_declarations(
            pipeline.extra[_SECTION], path=pipeline.path, data=read(pipeline.path)
        )
        for name, declaration in listed.items():
            if name in found:
                other = os.fsdecode(found[name].pipeline_path)
                raise Conflict(
                    "release-declared-twice",
                    f"{name!r} is declared in {other} and in {os.fsdecode(pipeline.path)}.",
                    fix="Give one of them another name.",
                )
            found[name] = declaration
    return found


def require_declared(declarations: Mapping[str, Declaration], name: str) -> Declaration:
    """The declaration of a name; raises :class:`NotFound` ``release-undeclared``."""
    found = declarations.get(name)
    if found is None:
        known = ", ".join(declarations)
        raise NotFound(
            "release-undeclared",
            f"No release {name!r} is declared.",
            why=f"Declared here: {known}." if known else "assay.yaml has no `releases:`.",
            fix="Declare it in assay.yaml; docs/how-to/releases.md begins with an example.",
        )
    return found
