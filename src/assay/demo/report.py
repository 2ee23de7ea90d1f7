"""What a run of the demo did: its steps, what they took, and the claims that were checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command as a user types it, or one piece of work (then ``folder`` is empty).

    ``output`` is what it printed as its result, ``notes`` what it said about it.
    """

    text: str
    folder: str = ""
    seconds: float
    exit_code: int = 0
    output: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """The program of a command; empty for work."""
        return self.text.split(" ", 1)[0] if self.folder else ""

    def as_dict(self) -> dict[str, object]:
        """The step as JSON has it."""
        return {
            "command" if self.folder else "work": self.text,
            "folder": self.folder,
            "seconds": round(self.seconds, 3),
            "exit_code": self.exit_code,
            "output": list(self.output),
            "notes": list(self.notes),
        }


@dataclass(slots=True, kw_only=True)
class Chapter:
    """A part of the story as far as it has been told.

    ``facts`` are sentences about what was measured; ``checks`` are claims that held.
    """

    title: str
    steps: list[Step] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The title's first word."""
        return self.title.split(":")[0]

    @property
    def seconds(self) -> float:
        """What its steps took."""
        return sum(step.seconds for step in self.steps)

    def as_dict(self) -> dict[str, object]:
        """The chapter as JSON has it."""
        return {
            "title": self.title,
            "seconds": round(self.seconds, 3),
            "steps": [step.as_dict() for step in self.steps],
            "facts": self.facts,
            "checks": self.checks,
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """The whole run.  ``was_offline``: nothing had to be downloaded."""

    folder: Path
    chapters: list[Chapter] = field(default_factory=list)
    seconds: float = 0.0
    was_offline: bool = True

    @property
    def steps(self) -> list[Step]:
        """Every step in order."""
        return [step for chapter in self.chapters for step in chapter.steps]

    @property
    def check_count(self) -> int:
        """How many claims were checked; all of them held."""
        return sum(len(chapter.checks) for chapter in self.chapters)

    def as_dict(self) -> dict[str, object]:
        """The report as JSON has it."""
        return {
            "folder": str(self.folder),
            "seconds": round(self.seconds, 3),
            "offline": self.was_offline,
            "checks_passed": self.check_count,
            "chapters": [chapter.as_dict() for chapter in self.chapters],
        }
