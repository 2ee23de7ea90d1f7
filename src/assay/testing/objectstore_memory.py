"""An object store in memory with a clock of the test's own: a fake that passes the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from assay.errors import IntegrityError
from assay.store.objectstore.port import (
    Buffer,
    Listed,
    Stat,
    missing_key,
    require_key,
    require_prefix,
)

Observe = Callable[[str, str], None]
"""Called with the name and the key of each operation, before it takes effect at once."""


class MemoryStore:
    """Keys and bytes in a dictionary.

    ``clock`` gives the store's time in ns.  ``observe`` hears of every operation first: a
    scheduler may block in it to choose an interleaving, a fault may be raised from it.
    """

    in_processes = False

    def __init__(self, clock: Callable[[], int], observe: Observe | None = None) -> None:
        self.files: dict[str, tuple[bytes, int]] = {}
        self.clock = clock
        self._observe = observe

    def watched(self, observe: Observe) -> MemoryStore:
        """The same contents, seen by somebody whose operations are observed."""
        other = MemoryStore(self.clock, observe)
        other.files = self.files
        return other

    def _step(self, operation: str, key: str) -> None:
        if self._observe is not None:
            self._observe(operation, key)

    def describe(self) -> str:
        """Not a place."""
        return "memory"

    def create(self) -> None:
        """It is always there."""

    def get(self, key: str) -> bytes:
        """All bytes of a key."""
        self._step("get", require_key(key))
        return self._data(key)

    def _data(self, key: str) -> bytes:
        try:
            return self.files[key][0]
        except KeyError:
            raise missing_key(key, self.describe()) from None

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most ``length`` bytes from ``start``."""
        self._step("get_range", require_key(key))
        return self._data(key)[start : start + length]

    def get_file(self, key: str, local_path: str, size_bytes: int) -> None:
        """Copy a key to a new local file."""
        self._step("get_file", require_key(key))
        data = self._data(key)
        if len(data) != size_bytes:
            raise IntegrityError("remote-size-differs", f"{key} has {len(data)} bytes.")
        with open(local_path, "xb") as file:
            file.write(data)

    def head(self, key: str) -> Stat | None:
        """Size and time of a key."""
        self._step("head", require_key(key))
        found = self.files.get(key)
        return None if found is None else Stat(len(found[0]), found[1])

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every key that starts with ``prefix``."""
        self._step("list", require_prefix(prefix))
        found = [
            Listed(key, len(data), mtime_ns)
            for key, (data, mtime_ns) in self.files.items()
            if key.startswith(prefix)
        ]
        return iter(found)

    def put(self, key: str, data: Buffer, *, create_only: bool = False) -> bool:
        """Store bytes."""
        self._step("put", require_key(key))
        if create_only and key in self.files:
            return False
        self.files[key] = (bytes(data), self.clock())
        return True

    def put_blocks(self, key: str, blocks: Iterable[Buffer]) -> int:
        """Store the concatenation of blocks."""
        data = b"".join(bytes(block) for block in blocks)
        self.put(key, data)
        return len(data)

    def put_file(self, key: str, local_path: str) -> None:
        """Store a local file."""
        with open(local_path, "rb") as file:
            self.put(key, file.read())

    def put_many(self, items: Iterable[tuple[str, Buffer]]) -> int:
        """Store many objects."""
        count = 0
        for key, data in items:
            self.put(key, data)
            count += 1
        return count

    def copy(self, source: str, target: str) -> None:
        """Store the bytes of one key under another."""
        self.put(target, self._data(require_key(source)))

    def delete(self, key: str) -> None:
        """Remove a key."""
        self._step("delete", require_key(key))
        self.files.pop(key, None)

    def now_ns(self) -> int:
        """The clock's time."""
        return self.clock()

    def local_path(self, key: str) -> str | None:
        """Nothing here is a file."""
        require_key(key)
        return None

    def sweep_unfinished(self, before_ns: int) -> int:
        """Nothing is ever unfinished."""
        del before_ns
        return 0


class Clock:
    """A clock that stands until it is set forward."""

    def __init__(self, now_ns: int = 1_000_000_000 * 10**9) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, ns: int) -> None:
        """Set the clock forward."""
        self.now_ns += ns


def damage(store: MemoryStore, key: str, at: int) -> None:
    """Flip the bits of one byte, without a trace in size or time."""
    data, mtime_ns = store.files[key]
    at %= len(data)
    store.files[key] = (data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :], mtime_ns)
