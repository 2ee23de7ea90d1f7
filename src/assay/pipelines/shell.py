"""Running one command line: in its own process group, its output streamed and kept."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import Popen

Sink = Callable[[bytes], None]
"""Takes output as it comes."""

_DRAIN_SECONDS = 0.3
_POLL_SECONDS = 0.05
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What commands are started with.

    ``environ`` is the whole environment of the child; ``grace_seconds`` is how long it may take
    to end after it was asked to.
    """

    environ: Mapping[str, str]
    grace_seconds: float = 10.0

    def argv(self, command: str) -> list[str]:
        """The argument vector: the user's shell without its start-up files."""
        if sys.platform == "win32":
            return [self.environ.get("COMSPEC", "cmd.exe"), "/c", command]
        shell = self.environ.get("SHELL") or "/bin/sh"
        quiet = {"bash": ["--noprofile", "--norc"], "zsh": ["--no-rcs"], "fish": ["--no-config"]}
        return [shell, *quiet.get(os.path.basename(shell), []), "-c", command]


class TimedOut(Exception):
    """A command that took longer than it may."""


def run_command(
    shell: Shell,
    command: str,
    *,
    cwd: bytes,
    sinks: tuple[Sink, ...],
    timeout_seconds: float | None = None,
    held: tuple[int, ...] = (),
    merge_errors: bool = True,
) -> int:
    """Run a command line to its end; its exit code (negative: the signal that ended it).

    An interrupt of this process (also SIGTERM) is passed on to the whole process group, which is
    killed when it does not end in time.  ``held`` are descriptors that the child keeps open.
    Raises :class:`TimedOut` after ending the group.
    """
    import subprocess

    with _interrupts() as started:
        process = subprocess.Popen(
            shell.argv(command),
            cwd=cwd,
            env=dict(shell.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_errors else None,
            bufsize=0,
            pass_fds=held,
            process_group=0 if sys.platform != "win32" else None,
        )
        try:
            started()
            _stream(process, sinks, timeout_seconds)
            return process.wait()
        except TimedOut:
            _end(process, signal.SIGTERM, shell.grace_seconds)
            raise
        except BaseException:
            _end(process, signal.SIGINT, shell.grace_seconds)
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()


def _stream(process: Popen[bytes], sinks: tuple[Sink, ...], timeout_seconds: float | None) -> None:
    """Hand output on until the command has ended and what it had written is read.

    Not until the pipe closes: a server that the command left running may hold it for ever.
    """
    import selectors

    assert process.stdout is not None
    fd = process.stdout.fileno()
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    ended_at: float | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if deadline is not None and now > deadline and process.poll() is None:
                raise TimedOut
            if selector.select(_POLL_SECONDS):
                data = os.read(fd, _CHUNK_BYTES)
                if not data:
                    _wait(process, deadline)
                    return
                for sink in sinks:
                    sink(data)
            elif process.poll() is not None:
                ended_at = ended_at or now
                if now - ended_at > _DRAIN_SECONDS:
                    return


def _wait(process: Popen[bytes], deadline: float | None) -> None:
    """A command may close its output long before it ends."""
    import subprocess

    try:
        process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TimedOut from None


def _end(process: Popen[bytes], first: signal.Signals, grace_seconds: float) -> None:
    """Ask the group to end, wait, then make it."""
    import subprocess

    _signal_group(process, first)
    try:
        process.wait(grace_seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        pass
    # What of the group is left when its leader has gone is ended as well.
    _signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()


def _signal_group(process: Popen[bytes], number: int) -> None:
    try:
        if sys.platform == "win32":
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


@contextmanager
def _interrupts() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C and SIGTERM interrupt this thread, where handlers may be set at all.

    Held back until the function that it yields was called: an interrupt while a command is being
    started would leave it running, with nobody who knows that it does.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    is_started = is_interrupted = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal is_interrupted
        is_interrupted = True
        if is_started:
            raise KeyboardInterrupt

    def started() -> None:
        nonlocal is_started
        is_started = True
        if is_interrupted:
            raise KeyboardInterrupt

    # Under `nohup`, or in the background of a script, Ctrl-C is not meant for us: leave it so.
    is_ours = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    numbers = [signal.SIGTERM, *([signal.SIGINT] if is_ours else [])]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield started
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
