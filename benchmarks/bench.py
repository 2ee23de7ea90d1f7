"""Lets tools take turns through the steps of a scenario and records what each took."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.aside import in_own_process
from benchmarks.ballast import Ballast
from benchmarks.inputs import fingerprint
from benchmarks.measure import CommandFailed, measure
from benchmarks.model import Count, Measurement, Omission, Results
from benchmarks.scratch import Scratch
from benchmarks.site import GIT_CONFIG, Site
from benchmarks.tools.tool import Commands, NotOffered, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One set of inputs of one scenario, and the disk space one turn on it may need."""

    scenario: str
    label: str
    disk_bytes: int
    target: str = "data"
    links: str = ""
    is_quickly_deleted: bool = False
    """True for few files: they need not wait for the end of the run to be deleted."""


class WrongResult(Exception):
    """A tool said it was done, but the workspace is not what it should be."""


class Bench:
    """What all scenarios share: the tools, the limits, the space and the record."""

    def __init__(
        self,
        *,
        tools: Sequence[Tool],
        scratch: Scratch,
        results: Results,
        timeout_seconds: float,
        first_on_path: Sequence[Path] = (),
        ballast: Ballast | None = None,
    ) -> None:
        self.tools = tools
        self.scratch = scratch
        self.results = results
        self.timeout_seconds = timeout_seconds
        self.first_on_path = first_on_path
        self.ballast = ballast

    def alternate(
        self,
        case: Case,
        rounds: int,
        walk: Callable[[Turn], None],
        *,
        tools: Sequence[Tool] | None = None,
    ) -> None:
        """Let every tool walk through the steps ``rounds`` times, in alternation.

        Each round starts with another tool, so that none always follows the same one; a tool
        that fails in its turn leaves the others and its own later rounds untouched.
        """
        chosen = list(self.tools if tools is None else tools)
        for number in range(rounds):
            start = number % max(1, len(chosen))
            for tool in chosen[start:] + chosen[:start]:
                self._one_turn(case, number, tool, walk)

    def _one_turn(self, case: Case, number: int, tool: Tool, walk: Callable[[Turn], None]) -> None:
        say(f"{case.scenario}: {case.label}, round {number + 1}, {tool.name}")
        self.scratch.make_room(case.disk_bytes)
        site = self._new_site(tool, case)
        turn = Turn(bench=self, case=case, number=number, tool=tool, site=site)
        try:
            tool.set_up(site)
            walk(turn)
        except (CommandFailed, WrongResult) as error:
            turn.omit(turn.current_step, str(error), is_failure=True)
        finally:
            if case.is_quickly_deleted:
                self.scratch.drop(site.root)
            else:
                self.scratch.retire(site.root, case.disk_bytes)

    def _new_site(self, tool: Tool, case: Case) -> Site:
        root = self.scratch.fresh(tool.name)
        home = root / "home"
        for folder in (home, root / "work", root / "temporary"):
            folder.mkdir()
        (home / ".gitconfig").write_text(GIT_CONFIG, encoding="utf-8")
        path = os.pathsep.join([*map(str, self.first_on_path), os.environ.get("PATH", "")])
        environment = {
            "PATH": path,
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(root / "temporary"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **tool.environment(root),
        }
        return Site(root=root, environment=environment, target=case.target, links=case.links)


class Turn:
    """One tool's walk through the steps of a case."""

    def __init__(self, *, bench: Bench, case: Case, number: int, tool: Tool, site: Site) -> None:
        self.tool = tool
        self.site = site
        self.current_step = "set up"
        self._bench = bench
        self._case = case
        self._round = number

    def step(self, name: str, prepare: Callable[[Site], Commands], *, repeats: int = 1) -> bool:
        """Time what ``prepare`` returns, ``repeats`` times; False if the tool has no such step."""
        self.current_step = name
        for repeat in range(repeats):
            try:
                commands = prepare(self.site)
            except NotOffered as reason:
                self.omit(name, str(reason), is_failure=False)
                return False
            self._measure(name, repeat, commands)
        return True

    def _measure(self, name: str, repeat: int, commands: Commands) -> None:
        if self._bench.ballast:
            self._bench.ballast.top_up()
        # What earlier steps left to write must not be charged to this one.
        os.sync()
        samples = tuple(
            measure(
                command,
                environment=self.site.environment,
                log=self.site.log,
                timeout_seconds=self._bench.timeout_seconds,
            )
            for command in commands
        )
        row = Measurement(
            scenario=self._case.scenario,
            case=self._case.label,
            step=name,
            tool=self.tool.name,
            round=self._round,
            repeat=repeat,
            commands=samples,
        )
        self._bench.results.measurements.append(row)
        say(f"    {name:<40} {row.wall_seconds:9.3f} s  {row.peak_bytes / 1e6:7.0f} MB")

    def save(self) -> None:
        """Commit untimed, where the tool has commits."""
        try:
            commands = self.tool.save(self.site)
        except NotOffered:
            return
        for command in commands:
            self.site.quiet(*command.argv, cwd=command.cwd)

    def omit(self, step: str, reason: str, *, is_failure: bool) -> None:
        """Record that ``step`` has no time."""
        if is_failure:
            say(f"    {step}: FAILED: {reason}")
        self._bench.results.omissions.append(
            Omission(
                scenario=self._case.scenario,
                case=self._case.label,
                step=step,
                tool=self.tool.name,
                round=self._round,
                reason=reason,
                is_failure=is_failure,
            )
        )

    def count(
        self, name: str, value: float, unit: str, detail: dict[str, float] | None = None
    ) -> None:
        """Record a quantity that is not a time."""
        say(f"    {name:<40} {value:,.0f} {unit}")
        self._bench.results.counts.append(
            Count(
                scenario=self._case.scenario,
                case=self._case.label,
                name=name,
                tool=self.tool.name,
                round=self._round,
                value=value,
                unit=unit,
                detail=detail or {},
            )
        )

    def expect(self, path: Path, wanted: tuple[int, int, int]) -> None:
        """WrongResult unless ``path`` has the content of fingerprint ``wanted``."""
        found = in_own_process(fingerprint, path) if path.exists() else (0, 0, 0)
        if found != wanted:
            raise WrongResult(
                f"{path.name} has {found[0]:,} files of {found[1]:,} bytes in all and not the "
                f"content of the {wanted[0]:,} files of {wanted[1]:,} bytes it should have"
            )


def say(text: str) -> None:
    """Tell whoever watches how far the run is; standard output is for the report."""
    print(text, file=sys.stderr, flush=True)
