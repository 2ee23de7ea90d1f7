"""Parameter files: values by dotted key, from YAML, JSON, TOML or Python."""

from __future__ import annotations

import os
from typing import Any

from assay.errors import InvalidInput, NotFound
from assay.pipelines.model import ParamFile, Params

ABSENT = object()
"""Stands for a key that a file does not have."""


def read_params(root: bytes, wanted: tuple[ParamFile, ...]) -> Params:
    """The values that a stage depends on, in the order of the lock; absent keys are left out.

    A file that is absent gives no values.
    """
    found: dict[str, dict[str, Any]] = {}
    for item in wanted:
        try:
            with open(os.path.join(root, item.path), "rb") as file:
                data = file.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
        values = parse_params(data, name=item.name)
        keys = item.keys or tuple(sorted(values))
        picked = {key: value_at(values, key) for key in keys}
        found[item.name] = {key: value for key, value in picked.items() if value is not ABSENT}
    return found


def require_params(root: bytes, wanted: tuple[ParamFile, ...], stage: str) -> None:
    """Raise :class:`NotFound` ``param-missing`` for a file or key that is not there."""
    values = read_params(root, wanted)
    for item in wanted:
        lost = [key for key in item.keys if key not in values.get(item.name, {})]
        if item.name not in values or lost:
            what = f"the parameter {lost[0]!r} in {item.name}" if lost else item.name
            if item.name not in values:
                what = f"the parameter file {item.name}"
            raise NotFound(
                "param-missing",
                f"Stage {stage!r} depends on {what}, which is not there.",
                fix="Set it, or take it out of the stage's `params`.",
                paths=(item.name,),
            )


def parse_params(data: bytes, *, name: str) -> dict[str, Any]:
    """Everything that a parameter file says; its name's ending tells the format."""
    from assay.core.yaml_reader import YamlProblem, read_mapping

    ending = name.rpartition(".")[2].lower()
    try:
        if ending == "json":
            import json

            values = json.loads(data)
        elif ending == "toml":
            import tomllib

            values = tomllib.loads(data.decode("utf-8"))
        elif ending == "py":
            values = _python_values(data)
        else:
            return read_mapping(data) if data.strip() else {}
    except YamlProblem as problem:
        raise _invalid(name, problem.why, problem.line) from None
    except (ValueError, SyntaxError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise _invalid(name, str(error).split("\n")[0], line) from None
    if not isinstance(values, dict):
        raise _invalid(name, "it is not a mapping")
    return values


def _python_values(data: bytes) -> dict[str, Any]:
    """Constants assigned at the top of a module or in a class there; nothing is executed."""
    import ast
    import warnings

    with warnings.catch_warnings():  # of what is not run nobody needs to hear
        warnings.simplefilter("ignore")
        return _assigned(ast.parse(data).body)


def _assigned(body: list[Any]) -> dict[str, Any]:
    import ast

    values: dict[str, Any] = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            values[node.name] = _assigned(node.body)
            continue
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name):
                try:
                    values[target.id] = _plain(ast.literal_eval(node.value))
                except (ValueError, TypeError):
                    continue  # computed: not a parameter
    return values


def _plain(value: Any) -> Any:
    """Tuples and sets as the lists that a lock can hold."""
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def value_at(values: Any, key: str) -> Any:
    """The value at a dotted key (``a.b.0``), or :data:`ABSENT`."""
    if isinstance(values, dict) and key in values:
        return values[key]
    for part in key.split("."):
        if isinstance(values, dict) and part in values:
            values = values[part]
        elif isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        else:
            return ABSENT
    return values


def _invalid(name: str, why: str, line: int | None = None) -> InvalidInput:
    return InvalidInput(
        "params-invalid",
        f"{name}{f':{line}' if line else ''} cannot be read: {why}.",
        fix="Correct the file; parameters are a mapping in YAML, JSON, TOML or Python.",
        paths=(name,),
    )
