"""A child process for work that may hang, crash or eat memory: frames in, frames out, a deadline.

The scripts it runs use the standard library only and are started in isolated mode, so that
nothing in the current folder is ever imported.
"""

from __future__ import annotations

import json
import os
import pickle
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

_HEADER = struct.Struct("<Q")
_MAX_FRAME_BYTES = 1 << 30


class ChildFailed(Exception):
    """The child died or was too slow; ``why`` says which."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Child:
    """One script beside this module, as its own process.  A context manager.

    ``stdin`` is a descriptor that the child reads instead of frames.
    """

    def __init__(self, script: str, arguments: Sequence[Any], *, stdin: int | None = None) -> None:
        place = os.path.join(os.path.dirname(__file__), script)
        words = [sys.executable, "-I", "-S", place, json.dumps(list(arguments))]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, value: Any) -> None:
        """Hand a value over."""
        data = pickle.dumps(value)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_HEADER.pack(len(data)) + data)
            self._process.stdin.flush()
        except OSError:
            raise ChildFailed(self._ending()) from None

    def receive(self, timeout_seconds: float) -> Any:
        """The next value that the child hands back; kills it when that takes too long."""
        deadline = time.monotonic() + timeout_seconds
        (length,) = _HEADER.unpack(self._read(_HEADER.size, deadline))
        if length > _MAX_FRAME_BYTES:
            raise ChildFailed("it answered with far too much")
        return pickle.loads(self._read(length, deadline))

    def _read(self, length: int, deadline: float) -> bytearray:
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        data = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(fd, selectors.EVENT_READ)
            while len(data) < length:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    self._process.kill()
                    raise ChildFailed("it took too long")
                part = os.read(fd, min(length - len(data), 100 << 10))
                if not part:
                    raise ChildFailed(self._ending())
                data += part
        return data

    def _ending(self) -> str:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it stopped answering"
        return f"it was killed by signal {-code}" if code < 0 else f"it ended with code {code}"

    def close(self) -> None:
        """End the child, whatever it does."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass
        self._process.wait()
