"""The pipeline file: ``assay.yaml`` read into stages, every mistake named by file, line and key.

The grammar is DVC's.  What of it assay does not run yet is refused as such, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from assay.core.paths import path_problem
from assay.core.yaml_reader import YamlProblem, line_of, read_mapping
from assay.data.model import printable
from assay.errors import InvalidInput
from assay.pipelines.model import (
    Check,
    Command,
    Dependency,
    ParamFile,
    Stage,
    StageOutput,
    beside,
)

Place = tuple[str | int, ...]

DEFAULT_PARAMS = "params.yaml"
_MAX_BYTES = 16 << 20
_NOT_YET = {"foreach", "do", "matrix", "vars", "datasets"}
# Top-level keys besides `stages`: others read them, a run does not.
_DECLARATIONS = {"params", "metrics", "plots", "artifacts", "releases", "desc", "meta"}
_STAGE_KEYS = {
    *("cmd", "wdir", "deps", "params", "outs", "metrics", "plots", "checks"),
    *("frozen", "always_changed", "desc", "meta"),
}
_OUTPUT_KEYS = {"cache", "persist", "remote", "push", "desc", "type", "labels", "meta"}
_PLOT_KEYS = _OUTPUT_KEYS | {"template", "x", "y", "x_label", "y_label", "title", "header"}
_CHECK_KEYS = {"name", "on", "command", "contract", "timeout"}
_BAD_NAME = frozenset("\\/@:${}\n\r\t ")


def read_pipeline(
    data: bytes, *, path: bytes, protected: tuple[bytes, ...] = ()
) -> tuple[dict[str, Stage], dict[str, Any]]:
    """Stages by name, and the top-level keys that only others read.

    ``path`` is the file's path from the root, ``protected`` names that no output may have.
    Raises :class:`InvalidInput` ``pipeline-invalid`` or ``pipeline-not-yet``.
    """
    return _PipelineText(data, path, protected).read()


class _PipelineText:
    """One file's bytes, and where in them a mistake is."""

    def __init__(self, data: bytes, path: bytes, protected: tuple[bytes, ...]) -> None:
        self._data = data
        self._path = path
        self._protected = protected
        self._folder = path.rpartition(b"/")[0]

    def read(self) -> tuple[dict[str, Stage], dict[str, Any]]:
        top = self._top()
        for key in top:
            if key in _NOT_YET:
                self._not_yet((key,))
            if key != "stages" and key not in _DECLARATIONS and not key.startswith("x-"):
                self._fail((key,), f"the key {key!r} is not known at the top")
        stages = top.get("stages", {})
        if stages is None:
            stages = {}
        if not isinstance(stages, dict):
            self._fail(("stages",), "`stages` is not a mapping")
        found = {self._name(name): self._stage(name, item) for name, item in stages.items()}
        return found, {key: value for key, value in top.items() if key != "stages"}

    def _top(self) -> dict[str, Any]:
        if len(self._data) > _MAX_BYTES:
            self._fail((), "it is far too large")
        if not self._data.strip():
            return {}
        try:
            return read_mapping(self._data)
        except YamlProblem as problem:
            raise self._error(problem.why, problem.line, ()) from None

    # -- stages ---------------------------------------------------------------------------

    def _name(self, name: object) -> str:
        place: Place = ("stages", str(name))
        if not isinstance(name, str) or not name or set(name) & _BAD_NAME or len(name) > 200:
            self._fail(place, "a stage's name has no blanks and none of \\ / @ : $ { }")
        return name

    def _stage(self, name: str, item: object) -> Stage:
        at: Place = ("stages", name)
        if not isinstance(item, dict):
            self._fail(at, "a stage is a mapping with at least `cmd`")
        for key in item:
            if key in _NOT_YET:
                self._not_yet((*at, key))
            if key not in _STAGE_KEYS:
                self._fail((*at, key), f"the key {key!r} is not known in a stage")
        if "cmd" not in item:
            self._fail(at, "it has no `cmd`")
        self._refuse_templates(item, at)
        folder = self._wdir(item, at)
        stage = Stage(
            name=name,
            pipeline_path=self._path,
            folder=folder,
            command=self._command(item["cmd"], (*at, "cmd")),
            deps=tuple(
                self._dependency(folder, value, place)
                for value, place in self._items(item, (*at, "deps"))
            ),
            params=self._params(folder, item, at),
            outs=tuple(
                self._output(folder, kind, value, place)
                for kind in ("outs", "metrics", "plots")
                for value, place in self._items(item, (*at, kind))
            ),
            checks=tuple(
                self._check(value, place) for value, place in self._items(item, (*at, "checks"))
            ),
            is_frozen=self._flag(item, "frozen", at),
            is_always_changed=self._flag(item, "always_changed", at),
            description=str(item.get("desc") or ""),
        )
        self._require_sound(stage, at)
        return stage

    def _require_sound(self, stage: Stage, at: Place) -> None:
        outs = [out.path for out in stage.outs]
        for dep in stage.deps:
            if dep.path in outs:
                self._fail((*at, "deps"), f"{dep.name!r} is both read and written by the stage")
        if len(set(outs)) != len(outs):
            self._fail((*at, "outs"), "one path is written twice")
        names = [check.name for check in stage.checks]
        if len(set(names)) != len(names):
            self._fail((*at, "checks"), "two checks have one name")
        known = {*(dep.name for dep in stage.deps), *(out.name for out in stage.outs)}
        for number, check in enumerate(stage.checks):
            if check.on and check.on not in known:
                place = (*at, "checks", number, "on")
                self._fail(place, f"{check.on!r} is neither among `deps` nor among `outs`")

    def _wdir(self, item: Mapping[str, object], at: Place) -> bytes:
        wdir = item.get("wdir", ".")
        folder = beside(self._folder, wdir) if isinstance(wdir, str) and wdir else None
        if folder is None:
            self._fail((*at, "wdir"), "`wdir` is not a folder of this repository")
        return folder

    def _command(self, value: object, at: Place) -> Command:
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, dict):
            self._not_yet(at)
        lines = value if isinstance(value, list) else []
        if not lines or not all(isinstance(line, str) and line.strip() for line in lines):
            self._fail(at, "`cmd` is a command line or a list of them")
        return tuple(lines)

    # -- what it reads --------------------------------------------------------------------

    def _items(self, item: Mapping[str, object], at: Place) -> list[tuple[object, Place]]:
        value = item.get(str(at[-1]))
        if value is None:
            return []
        if not isinstance(value, list):
            self._fail(at, f"`{at[-1]}` is not a list")
        return [(part, (*at, number)) for number, part in enumerate(value)]

    def _dependency(self, folder: bytes, value: object, at: Place) -> Dependency:
        if isinstance(value, dict):
            self._not_yet(at)
        path = self._inside(folder, value, at)
        if not path:
            self._fail(at, "a stage cannot depend on the whole repository, which holds its outputs")
        return Dependency(name=str(value), path=path)

    def _inside(self, folder: bytes, value: object, at: Place) -> bytes:
        if not isinstance(value, str) or not value:
            self._fail(at, "a path is text")
        if "://" in value:
            self._not_yet(at)
        path = beside(folder, value)
        if path is None:
            self._fail(at, f"{value!r} lies outside this repository")
        if path and path_problem(path):
            self._fail(at, f"{value!r} cannot be used: {path_problem(path)}")
        return path

    def _params(
        self, folder: bytes, item: Mapping[str, object], at: Place
    ) -> tuple[ParamFile, ...]:
        keys: dict[str, list[str]] = {}
        for value, place in self._items(item, (*at, "params")):
            if isinstance(value, str) and value:
                keys.setdefault(DEFAULT_PARAMS, []).append(value)
            elif isinstance(value, dict):
                for name, wanted in value.items():
                    keys.setdefault(str(name), []).extend(self._keys(wanted, (*place, name)))
            else:
                self._fail(place, "a parameter is a dotted key, or FILE: [KEYS]")
        names = sorted(keys, key=lambda name: (name != DEFAULT_PARAMS, name))
        return tuple(
            ParamFile(
                name=name,
                path=self._inside(folder, name, (*at, "params")),
                keys=tuple(sorted(set(keys[name]))),
            )
            for name in names
        )

    def _keys(self, wanted: object, at: Place) -> list[str]:
        if wanted is None:
            return []
        if not isinstance(wanted, list) or not all(isinstance(k, str) and k for k in wanted):
            self._fail(at, "the keys of a parameter file are a list of text")
        return list(wanted)

    # -- what it writes -------------------------------------------------------------------

    def _output(self, folder: bytes, kind: str, value: object, at: Place) -> StageOutput:
        flags: Mapping[str, Any] = {}
        if isinstance(value, dict):
            if len(value) != 1:
                self._fail(at, "an output with flags is PATH: {flag: value}")
            value, given = next(iter(value.items()))
            flags = self._flags(given, kind, (*at, str(value)))
        path = self._inside(folder, value, at)
        if not path or path.rpartition(b"/")[2] in self._protected:
            self._fail(at, f"{value!r} belongs to the repository itself")
        return StageOutput(
            name=str(value),
            path=path,
            kind=kind,
            is_cached=flags.get("cache") is not False,
            is_persistent=flags.get("persist") is True,
            is_pushed=flags.get("push") is not False,
            remote=flags.get("remote"),
            extra={k: v for k, v in flags.items() if k not in _OUTPUT_KEYS - {"type", "labels"}},
        )

    def _flags(self, given: object, kind: str, at: Place) -> Mapping[str, Any]:
        if given is None:
            return {}
        if not isinstance(given, dict):
            self._fail(at, "the flags of an output are a mapping")
        for key, value in given.items():
            if key not in (_PLOT_KEYS if kind == "plots" else _OUTPUT_KEYS):
                self._fail((*at, str(key)), f"the flag {key!r} is not known")
            if key in ("cache", "persist", "push") and not isinstance(value, bool):
                self._fail((*at, key), f"`{key}` is true or false")
            if key == "remote" and not isinstance(value, str):
                self._fail((*at, key), "`remote` is a name")
        return given

    def _check(self, value: object, at: Place) -> Check:
        if not isinstance(value, dict):
            self._fail(at, "a check is a mapping with `name` and `command` or `contract`")
        for key in value:
            if key not in _CHECK_KEYS:
                self._fail((*at, str(key)), f"the key {key!r} is not known in a check")
        for key in ("name", "on", "command", "contract"):
            if key in value and not (isinstance(value[key], str) and value[key]):
                self._fail((*at, key), f"`{key}` is not text")
        if "name" not in value or ("command" in value) == ("contract" in value):
            self._fail(at, "a check has a `name` and either a `command` or a `contract`")
        if "contract" in value and "on" not in value:
            self._fail(at, "a contract needs `on`: the data that it is about")
        limit = value.get("timeout")
        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0
        ):
            self._fail((*at, "timeout"), "`timeout` is a number of seconds")
        return Check(
            name=value["name"],
            on=value.get("on", ""),
            command=value.get("command", ""),
            contract=value.get("contract", ""),
            timeout_seconds=limit,
        )

    # -- mistakes -------------------------------------------------------------------------

    def _flag(self, item: Mapping[str, object], key: str, at: Place) -> bool:
        value = item.get(key, False)
        if not isinstance(value, bool):
            self._fail((*at, key), f"`{key}` is true or false")
        return value

    def _refuse_templates(self, value: object, at: Place) -> None:
        """``${key}`` is DVC's; in a shell command ``$NAME`` says the same as ``${NAME}``."""
        if isinstance(value, str) and "${" in value.replace("\\${", ""):
            self._not_yet(at)
        inside: list[tuple[str | int, object]] = []
        if isinstance(value, dict):
            inside = [(str(key), part) for key, part in value.items()]
            for key in value:
                self._refuse_templates(key, (*at, str(key)))
        elif isinstance(value, list):
            inside = list(enumerate(value))
        for key, part in inside:
            self._refuse_templates(part, (*at, key))

    def _fail(self, place: Place, why: str) -> NoReturn:
        raise self._error(why, line_of(self._data, place) if place else None, place)

    def _error(self, why: str, line: int | None, place: Place) -> InvalidInput:
        where = printable(self._path) + (f":{line}" if line else "")
        key = ".".join(map(str, place))
        return InvalidInput(
            "pipeline-invalid",
            f"{where}: {key + ': ' if key else ''}{why}.",
            why="The pipeline cannot be understood as it stands; nothing was run.",
            fix="Correct that line; docs/reference/assay.yaml.md has every key.",
            paths=(printable(self._path),),
        )

    def _not_yet(self, place: Place) -> NoReturn:
        line = line_of(self._data, place)
        where = printable(self._path) + (f":{line}" if line else "")
        raise InvalidInput(
            "pipeline-not-yet",
            f"{where}: {'.'.join(map(str, place))}: assay does not run this yet.",
            why="It is part of DVC's grammar: templates, foreach, matrix, vars and external "
            "dependencies come in a later version.",
            fix="Write the stages out, with plain values and with `params` for what varies.",
            paths=(printable(self._path),),
        )
