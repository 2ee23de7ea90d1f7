"""Worker processes for many small files: batches go out, results come back, nothing is shared.

A worker is told to finish, or sees its pipe close when the parent dies, and ends by itself.
Interrupts are the parent's business; workers ignore them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from assay.errors import AssayError, Bug, Temporary

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from queue import SimpleQueue

_AHEAD = 2


class Worker(Protocol):
    """What one worker does: batches in, results out, and a last result at the end."""

    def run(self, batch: Any) -> Any: ...

    def finish(self) -> Any: ...

    def abandon(self) -> None: ...


def run_batches(
    make: Callable[..., Worker],
    arguments: tuple[Any, ...],
    batches: Iterable[Any],
    *,
    workers: int,
) -> Iterator[tuple[Any, Any]]:
    """Yield ``(batch, result)`` as results arrive, then ``(None, last)`` once per worker.

    ``make(*arguments)`` builds the worker in its own process (in this one when ``workers`` is
    1).  The first error of any worker is raised here, after all have stopped.
    """
    if workers <= 1:
        yield from _run_here(make(*arguments), batches)
    else:
        yield from _run_apart(make, arguments, iter(batches), workers)


def _run_here(worker: Worker, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    try:
        for batch in batches:
            yield batch, worker.run(batch)
        yield None, worker.finish()
    except BaseException:
        worker.abandon()
        raise


def _run_apart(
    make: Callable[..., Worker], arguments: tuple[Any, ...], batches: Iterator[Any], workers: int
) -> Iterator[tuple[Any, Any]]:
    import multiprocessing
    from multiprocessing.connection import wait

    # Forking a small process takes a millisecond; elsewhere a fresh interpreter is the safe way.
    method = "fork" if sys.platform == "linux" else "spawn"
    context: Any = multiprocessing.get_context(method)
    pipes: dict[Any, list[Any]] = {}
    processes = []
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            inherited = [*pipes, ours] if sys.platform == "linux" else []
            process = context.Process(
                target=_serve, args=(theirs, make, arguments, inherited), daemon=True
            )
            process.start()
            theirs.close()
            processes.append(process)
            pipes[ours] = []
        for pipe, sent in pipes.items():
            for _ in range(_AHEAD):
                _dispatch(pipe, sent, batches)
        while pipes:
            for ready in wait(list(pipes)):
                yield from _collect(ready, pipes, batches)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join()
            process.close()


_DONE = object()


def _dispatch(pipe: Any, sent: list[Any], batches: Iterator[Any]) -> None:
    if sent and sent[-1] is _DONE:
        return
    batch = next(batches, _DONE)
    sent.append(batch)
    try:
        pipe.send(None if batch is _DONE else (batch,))
    except OSError:
        return  # it is gone; what it still said, or that it said nothing, is read from the pipe


def _collect(pipe: Any, pipes: dict[Any, list[Any]], batches: Iterator[Any]) -> Iterator[Any]:
    try:
        outcome, value = pipe.recv()
    except (EOFError, OSError):
        raise _died() from None
    if outcome == "error":
        raise value
    batch = pipes[pipe].pop(0)
    if batch is _DONE:
        pipes.pop(pipe).clear()
        pipe.close()
        yield None, value
        return
    _dispatch(pipe, pipes[pipe], batches)
    yield batch, value


def _died() -> Temporary:
    return Temporary(
        "worker-died",
        "A worker process ended without an answer.",
        why="It was killed, perhaps because memory ran out.",
        fix="Run the command again; `--jobs 1` needs the least memory.",
    )


def _serve(
    pipe: Connection,
    make: Callable[..., Worker],
    arguments: tuple[Any, ...],
    inherited: list[Connection],
) -> None:
    """A worker's main loop.  Ends with the pipe, so that a killed parent leaves no orphan."""
    from queue import SimpleQueue
    from threading import Thread

    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Emptied by a thread of its own: else this process, sending a large result, and the parent,
    # sending a large batch, would wait for each other for ever.
    inbox: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_drain, args=(pipe, inbox), daemon=True).start()
    worker: Worker | None = None
    try:
        worker = make(*arguments)
        while (message := _next_message(inbox)) is not None:
            pipe.send(("value", worker.run(message[0])))
        pipe.send(("value", worker.finish()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        if worker is not None:
            worker.abandon()
    except BaseException as error:
        if worker is not None:
            worker.abandon()
        _report(pipe, error)
    finally:
        pipe.close()
        # Skip the parent's exit handlers: this process only borrowed its memory.
        os._exit(0)


def _drain(pipe: Connection, inbox: SimpleQueue[Any]) -> None:
    try:
        while (message := pipe.recv()) is not None:
            inbox.put(message)
        inbox.put(None)
    except (EOFError, OSError) as error:
        inbox.put(error)


def _next_message(inbox: SimpleQueue[Any]) -> Any:
    message = inbox.get()
    if isinstance(message, BaseException):
        raise EOFError
    return message


def _report(pipe: Connection, error: BaseException) -> None:
    if not isinstance(error, (AssayError, OSError)):
        import traceback

        error = Bug("worker-failed", "A worker process failed.", why=traceback.format_exc())
    try:
        pipe.send(("error", error))
    except OSError:
        return


def worker_count(items: int, size_bytes: int, jobs: int | None) -> int:
    """How many processes pay off: few files are done faster here than a process starts."""
    limit = jobs or os.cpu_count() or 1
    if items < 2000 and size_bytes < 256 << 20:
        return 1
    return max(1, min(limit, 16, items // 500 or 1))
