"""The ``releases:`` section of a pipeline file, every mistake named by file, line and key."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from assay.core.yaml_reader import line_of
from assay.data.model import is_at_or_below, printable
from assay.errors import InvalidInput
from assay.pipelines.model import beside
from assay.releases.declared import (
    COMMAND,
    CONTRACT,
    INTEGRITY,
    KINDS,
    METRIC,
    ArtifactDeclaration,
    ChannelDeclaration,
    Declaration,
    GateDefinition,
    artifact_problem,
)
from assay.releases.names import is_channel, is_name

Place = tuple[str | int, ...]

_RELEASE_KEYS = {"desc", "artifacts", "gates", "channels"}
_GATE_KEYS = {
    INTEGRITY: {"integrity"},
    METRIC: {"metric", "at_least", "at_most", "unit"},
    CONTRACT: {"contract", "on", "timeout"},
    COMMAND: {"command", "timeout"},
}


def read_declarations(section: object, *, path: bytes, data: bytes) -> dict[str, Declaration]:
    """The releases of one pipeline file by name.

    ``section`` is the value of its key ``releases``, ``data`` the file's bytes, for line numbers.
    Raises :class:`InvalidInput` ``releases-invalid``.
    """
    reader = _Section(path=path, data=data)
    if section is None:
        return {}
    if not isinstance(section, dict):
        reader.fail((), "`releases` is not a mapping")
    return {str(name): reader.release(str(name), item) for name, item in section.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """One file's section, and where in the file a mistake is."""

    path: bytes
    data: bytes

    def release(self, name: str, item: object) -> Declaration:
        at: Place = (name,)
        if not is_name(name):
            self.fail(at, "a release's name has letters, digits, `-`, `_` and `/` inside")
        if not isinstance(item, dict):
            self.fail(at, "a release is a mapping with at least `artifacts`")
        for key in item:
            if key not in _RELEASE_KEYS and not str(key).startswith("x-"):
                self.fail((*at, str(key)), f"the key {key!r} is not known in a release")
        gates = self._gates(item.get("gates"), (*at, "gates"))
        return Declaration(
            name=name,
            pipeline_path=self.path,
            artifacts=self._artifacts(item.get("artifacts"), (*at, "artifacts")),
            gates=gates,
            channels=self._channels(item.get("channels"), gates, (*at, "channels")),
            description=str(item.get("desc") or ""),
        )

    # -- artifacts ------------------------------------------------------------------------

    def _artifacts(self, value: object, at: Place) -> tuple[ArtifactDeclaration, ...]:
        if not isinstance(value, dict) or not value:
            self.fail(at, "`artifacts` is ROLE: PATH or ROLE: [PATHS], at least one")
        found = []
        for role, paths in value.items():
            listed = paths if isinstance(paths, list) else [paths]
            if not listed:
                self.fail((*at, str(role)), "it names no path")
            found += [self._artifact(str(role), path, (*at, str(role))) for path in listed]
        for one in found:
            for other in found:
                if one is not other and is_at_or_below(one.path, other.path):
                    shown = printable(one.path)
                    self.fail(at, f"{shown} stands twice, or lies in another artifact")
        return tuple(found)

    def _artifact(self, role: str, path: object, at: Place) -> ArtifactDeclaration:
        inside = beside(self.path.rpartition(b"/")[0], path) if isinstance(path, str) else None
        if not role.isidentifier():
            self.fail(at, f"{role!r} is not a role: a word such as data, prompts, model")
        if not inside or artifact_problem(inside):
            self.fail(at, f"{str(path)[:80]!r} is not a path of this repository that can be bound")
        return ArtifactDeclaration(role=role, path=inside)

    # -- gates ----------------------------------------------------------------------------

    def _gates(self, value: object, at: Place) -> dict[str, GateDefinition]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(at, "`gates` is a mapping")
        return {str(n): self._gate(str(n), item or {}, (*at, str(n))) for n, item in value.items()}

    def _gate(self, name: str, item: object, at: Place) -> GateDefinition:
        if not is_name(name) or "/" in name:
            self.fail(at, "a gate's name has letters, digits, `-` and `_`")
        if not isinstance(item, dict):
            self.fail(at, "a gate is a mapping")
        kinds = [kind for kind in KINDS if kind in item]
        if not kinds and name == INTEGRITY:
            kinds = [INTEGRITY]
        if len(kinds) != 1:
            self.fail(at, f"a gate has exactly one of {', '.join(KINDS)}")
        kind = kinds[0]
        for key in item:
            if key not in _GATE_KEYS[kind] and key != "desc":
                self.fail((*at, str(key)), f"the key {key!r} is not known in a gate of this kind")
        self._require_fit(kind, item, at)
        fields = {str(key): value for key, value in item.items() if key != "desc"}
        return GateDefinition(name=name, kind=kind, fields=fields)

    def _require_fit(self, kind: str, item: Mapping[str, Any], at: Place) -> None:
        for key in ("metric", "contract", "on", "command", "unit"):
            if key in item and not (isinstance(item[key], str) and item[key].strip()):
                self.fail((*at, key), f"`{key}` is not text")
        for key in ("at_least", "at_most", "timeout"):
            value = item.get(key)
            if key in item and not _is_number(value):
                self.fail((*at, key), f"`{key}` is not a number")
        if kind == INTEGRITY and item.get(INTEGRITY) not in (None, True, {}):
            self.fail((*at, INTEGRITY), "`integrity` has nothing to choose: write `{}`")
        if item.get("timeout") is not None and not item["timeout"] > 0:
            self.fail((*at, "timeout"), "`timeout` is a number of seconds above 0")
        if kind == METRIC:
            file, colon, key = str(item["metric"]).rpartition(":")
            if not file or not colon or not key:
                self.fail((*at, "metric"), "`metric` is FILE:KEY, such as metrics.json:accuracy")
            if "at_least" not in item and "at_most" not in item:
                self.fail(at, "a metric needs `at_least` or `at_most`")
        if kind == CONTRACT and "on" not in item:
            self.fail(at, "a contract needs `on`: the data that it is about")

    # -- channels -------------------------------------------------------------------------

    def _channels(
        self, value: object, gates: Mapping[str, GateDefinition], at: Place
    ) -> dict[str, ChannelDeclaration]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(at, "`channels` is a mapping")
        return {
            str(name): self._channel(str(name), item or {}, gates, (*at, str(name)))
            for name, item in value.items()
        }

    def _channel(
        self, name: str, item: object, gates: Mapping[str, GateDefinition], at: Place
    ) -> ChannelDeclaration:
        if not is_channel(name):
            self.fail(at, "a channel's name begins with a letter, then letters, digits, `-`, `_`")
        if not isinstance(item, dict) or not set(item) <= {"requires", "protected", "desc"}:
            self.fail(at, "a channel is a mapping with `requires` and `protected`")
        is_protected = item.get("protected", True)
        if not isinstance(is_protected, bool):
            self.fail((*at, "protected"), "`protected` is true or false")
        requires = item.get("requires", list(gates))
        if not isinstance(requires, list):
            self.fail((*at, "requires"), "`requires` is a list of gates")
        for number, gate in enumerate(requires):
            if not isinstance(gate, str) or gate not in gates:
                self.fail((*at, "requires", number), f"{gate!r} is none of the gates")
        return ChannelDeclaration(is_protected=is_protected, requires=tuple(requires))

    # -- mistakes -------------------------------------------------------------------------

    def fail(self, place: Place, why: str) -> NoReturn:
        """Raise for a mistake at ``place`` within the section."""
        whole: Place = ("releases", *place)
        line = line_of(self.data, whole)
        where = printable(self.path) + (f":{line}" if line else "")
        raise InvalidInput(
            "releases-invalid",
            f"{where}: {'.'.join(map(str, whole))}: {why}.",
            why="The releases cannot be understood as they stand.",
            fix="Correct that line; docs/reference/assay.yaml.md has every key.",
            paths=(printable(self.path),),
        )


def _is_number(value: object) -> bool:
    """Whether it is a number that JSON can say as well, as a record must."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)
