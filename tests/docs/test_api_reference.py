"""The API reference has every public name with its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import assay
from assay import api
from source_tree import document

PAGE = document("docs/reference/api.md")
_OBJECTS = {"progress": "SILENT", "dialect": "NATIVE"}


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every function and method that a user may call."""
    for name in (*assay.__all__, *api.__all__):
        value = getattr(api, name, None)
        if inspect.isfunction(value):
            yield name, value
    for name, value in vars(api.Repository).items():
        if inspect.isfunction(value) and not name.startswith("_") and name != "close":
            yield name, value


def spelled(name: str, function: Callable[..., Any]) -> str:
    """A signature as the page writes it: no annotations, no `self`, objects by their name."""
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    shown = []
    is_keyword = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not is_keyword:
            shown.append("*")
            is_keyword = True
        if parameter.default is inspect.Parameter.empty:
            shown.append(parameter.name)
        else:
            default = _OBJECTS.get(parameter.name, repr(parameter.default))
            shown.append(f"{parameter.name}={default}")
    return f"{name}({', '.join(shown)})"


def test_every_public_name_is_there_with_its_signature() -> None:
    wanted = {spelled(name, function) for name, function in public()}
    assert wanted
    assert not [line for line in sorted(wanted) if f"\n`{line}`\n" not in PAGE]
