"""Which stages run and why: recorded against present, decided without changing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from assay.core.pointer import Output
from assay.pipelines.graph import Graph
from assay.pipelines.model import LockEntry, Params, Stage
from assay.pipelines.observe import Observed, Observer

MODIFIED, DELETED, NEW = "modified", "deleted", "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Why a stage is not as its lock says; names as the pipeline writes them.

    ``params`` has the changed keys by file.  ``upstream`` names stages that would run first.
    """

    deps: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    outs: Mapping[str, str] = field(default_factory=dict)
    is_command_changed: bool = False
    is_always_changed: bool = False
    is_forced: bool = False
    upstream: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(
            self.deps
            or self.params
            or self.outs
            or self.upstream
            or self.is_command_changed
            or self.is_always_changed
            or self.is_forced
        )

    def as_status(self) -> list[object]:
        """The shape of DVC's ``status --json``."""
        shown: list[object] = []
        if self.deps or self.params:
            shown.append({"changed deps": {**self.deps, **self.params}})
        if self.outs:
            shown.append({"changed outs": dict(self.outs)})
        if self.is_command_changed:
            shown.append("changed command")
        if self.is_always_changed:
            shown.append("always changed")
        return shown

    def reasons(self) -> list[str]:
        """One sentence each."""
        said = [f"dependency {name} is {how}" for name, how in self.deps.items()]
        for file, keys in self.params.items():
            said += [f"parameter {key} in {file} is {how}" for key, how in keys.items()]
        said += [f"output {name} is {how}" for name, how in self.outs.items()]
        said += ["its command changed"] * self.is_command_changed
        said += ["it is marked as always changed"] * self.is_always_changed
        said += ["it is forced"] * self.is_forced
        said += [f"stage {name!r} runs before it" for name in self.upstream]
        return said


def changes_of(
    stage: Stage, entry: LockEntry | None, now: Observed, *, is_forced: bool = False
) -> Changes:
    """Compare what a lock remembers of a stage with what is there."""
    known = entry or LockEntry(command="")
    if stage.is_frozen:
        # Its inputs do not matter: only what it made must be there.
        return Changes(outs=_outs(stage, known, now), is_forced=is_forced)
    return Changes(
        deps=_items([d.name for d in stage.deps], known.deps, now.deps),
        params=_params(known.params, now.params, stage),
        outs=_outs(stage, known, now),
        is_command_changed=entry is None or entry.command != stage.command,
        is_always_changed=stage.is_always_changed,
        is_forced=is_forced,
    )


def _outs(stage: Stage, known: LockEntry, now: Observed) -> dict[str, str]:
    return _items([out.name for out in stage.outs], known.outs, now.outs)


def _items(
    names: list[str], recorded: tuple[Output, ...], now: Mapping[str, Output | None]
) -> dict[str, str]:
    by_name = {item.path: item for item in recorded}
    found = {}
    for name in names:
        old, new = by_name.get(name), now[name]
        if new is None:
            found[name] = DELETED
        elif old is None or old.digest is None:
            found[name] = NEW
        elif not is_same(old, new):
            found[name] = MODIFIED
    return found


def is_same(old: Output, new: Output) -> bool:
    """Whether two records are of the same content."""
    return (old.digest, old.is_folder) == (new.digest, new.is_folder)


def _params(old: Params, new: Params, stage: Stage) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for item in stage.params:
        before, now = old.get(item.name, {}), new.get(item.name, {})
        wanted = item.keys or tuple(sorted({*before, *now}))
        changed: dict[str, str] = {}
        for key in wanted:
            how = _value_change(key, before, now)
            if how:
                changed[key] = how
        if changed:
            found[item.name] = changed
    return found


def _value_change(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if key not in new:
        return DELETED
    if key not in old:
        return NEW
    # True == 1 in Python, but not to whoever reads the file.
    same = old[key] == new[key] and type(old[key]) is type(new[key])
    return "" if same else MODIFIED


def plan_stages(
    graph: Graph,
    order: list[str],
    entries: Mapping[str, LockEntry | None],
    observer: Observer,
    *,
    force: bool,
) -> dict[str, Changes]:
    """Why each stage would run, as far as can be told before the first one has run."""
    found: dict[str, Changes] = {}
    for address in order:
        stage = graph.stages[address]
        changes = changes_of(stage, entries[address], observer.stage(stage), is_forced=force)
        upstream = tuple(a for a in graph.before[address] if found.get(a))
        found[address] = changes if stage.is_frozen else replace(changes, upstream=upstream)
    return found
