"""Runs several actors one operation at a time, in an order that the test chooses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Act = Callable[[Callable[[str, str], None]], None]
"""An actor: does its work, calling what it is given before each operation."""
Choose = Callable[[list[str], int], str]
"""Which of the actors that can go on goes on next, at the how-manieth step."""


class Actor(threading.Thread):
    """One actor in a thread of its own that runs only when it is let."""

    def __init__(self, name: str, act: Act) -> None:
        super().__init__(name=name, daemon=True)
        self._act = act
        self._go = threading.Semaphore(0)
        self._waits = threading.Semaphore(0)
        self.is_over = False
        self.error: BaseException | None = None
        self.trace: list[str] = []

    def run(self) -> None:
        try:
            self._act(self._step)
        except BaseException as error:
            self.error = error
        self.is_over = True
        self._waits.release()

    def _step(self, operation: str, key: str) -> None:
        self.trace.append(f"{operation} {key}")
        self._waits.release()
        self._go.acquire()

    def begin(self) -> None:
        """Run up to the first operation."""
        self.start()
        self._wait()

    def advance(self) -> None:
        """Do one operation and run up to the next."""
        self._go.release()
        self._wait()

    def _wait(self) -> None:
        assert self._waits.acquire(timeout=60), f"{self.name} hangs after {self.trace[-3:]}"


@dataclass(slots=True)
class Outcome:
    """What happened: which actor took each step and what it did, and how each ended."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, BaseException] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{name}: {what}" for name, what in self.steps]
        lines += [f"{name} raised {error!r}" for name, error in self.errors.items()]
        return "\n".join(lines)


def run_schedule(acts: dict[str, Act], choose: Choose) -> Outcome:
    """Run the actors to their ends."""
    actors = {name: Actor(name, act) for name, act in acts.items()}
    outcome = Outcome()
    for actor in actors.values():
        actor.begin()
    while ready := [name for name, actor in actors.items() if not actor.is_over]:
        name = choose(ready, len(outcome.steps))
        outcome.steps.append((name, actors[name].trace[-1]))
        actors[name].advance()
    for name, actor in actors.items():
        actor.join()
        if actor.error is not None:
            outcome.errors[name] = actor.error
    return outcome


def interrupting(switches: dict[int, str]) -> Choose:
    """Run one actor until it ends, except that at some steps another takes over."""
    current = ""

    def choose(ready: list[str], step: int) -> str:
        nonlocal current
        current = switches.get(step, current)
        if current not in ready:
            current = ready[0]
        return current

    return choose


def all_interruptions(names: list[str], steps: int, most: int) -> Iterator[dict[int, str]]:
    """Every way to switch actors at up to ``most`` of the first ``steps`` steps.

    Most faults of concurrent programs show with two switches (Musuvathi and Qadeer, "Iterative
    context bounding", 2007).
    """

    def extend(start: int, left: int) -> Iterator[dict[int, str]]:
        yield {}
        if left:
            for step in range(start, steps):
                for name in names:
                    for rest in extend(step + 1, left - 1):
                        yield {step: name, **rest}

    for first in names:
        for rest in extend(1, most):
            yield {0: first, **rest}
