"""Pins: what a push in progress, or one just done, needs the collector to keep.

A pin lists the roots that Git is about to point to, and every pack and large object that the
push relies on or will publish.  It is written before the remote is looked at for the last
time, renewed while the push runs, and counts until :data:`LIFETIME_NS` after its last
writing, by the store's clock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass

from assay.core.digest import DIGEST_WIDTH
from assay.errors import IntegrityError, NotFound
from assay.store.objectstore.port import ObjectStore
from assay.store.packs import newer_format
from assay.store.remote.packed.index import PINS

FORMAT_VERSION = 1
DAY_NS = 24 * 3600 * 10**9
LIFETIME_NS = 14 * DAY_NS
SLACK_NS = DAY_NS // 24
"""Collectors honour a pin for this much longer than pushes rely on it."""


class PinExpired(Exception):
    """The pin was not renewed in time, so collectors may have ignored it; start over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRecord:
    """A pin as a collector reads it: ``keys`` are of packs and large objects."""

    key: str
    mtime_ns: int
    roots: frozenset[bytes]
    keys: frozenset[str]


class Pin:
    """The pin of one push."""

    def __init__(self, store: ObjectStore, roots: Iterable[bytes], *, lifetime_ns: int) -> None:
        self._store = store
        self._key = f"{PINS}{os.urandom(16).hex()}.json"
        self._roots = sorted(set(roots))
        self._lifetime_ns = lifetime_ns
        self._data = b""
        self._renewed_ns = 0
        self.keys: set[str] = set()

    def cover(self, *keys: Iterable[str]) -> None:
        """Make the pin list these keys too; written only when that changes it."""
        wanted = self.keys.union(*keys)
        if self._renewed_ns:
            if wanted == self.keys:
                self.keep_alive()
                return
            self._require_alive(self._store.now_ns())
        self.keys = wanted
        self._data = encode_pin(self._roots, wanted)
        self._write()

    def keep_alive(self) -> None:
        """Renew when a good part of the life is over; :class:`PinExpired` when all of it is."""
        now_ns = self._store.now_ns()
        self._require_alive(now_ns)
        if now_ns - self._renewed_ns > self._lifetime_ns // 14:
            self._write()

    def require_alive(self) -> None:
        """:class:`PinExpired` unless no collector can have overlooked the pin until now."""
        if self._store.head(self._key) is None:
            raise PinExpired
        self._require_alive(self._store.now_ns())

    def drop(self) -> None:
        """Remove the pin of a push that came to nothing."""
        if self._renewed_ns:
            self._store.delete(self._key)

    def _require_alive(self, now_ns: int) -> None:
        if now_ns - self._renewed_ns > self._lifetime_ns:
            raise PinExpired

    def _write(self) -> None:
        self._store.put(self._key, self._data)
        written = self._store.head(self._key)
        if written is None:
            raise PinExpired
        self._renewed_ns = written.mtime_ns


def encode_pin(roots: Iterable[bytes], keys: Iterable[str]) -> bytes:
    """A pin's bytes."""
    content = {
        "format": FORMAT_VERSION,
        "roots": [root.hex() for root in sorted(roots)],
        "keys": sorted(keys),
    }
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def decode_pin(data: bytes, key: str, mtime_ns: int) -> PinRecord:
    """A pin from its bytes; :class:`IntegrityError` ``pin-invalid`` when it is not one."""
    try:
        content = json.loads(data)
        version = content["format"]
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise newer_format(key, version)
        if version != FORMAT_VERSION:
            raise ValueError
        names = content["keys"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError
        roots = frozenset(bytes.fromhex(root) for root in content["roots"])
        if not all(len(root) == DIGEST_WIDTH for root in roots):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise IntegrityError(
            "pin-invalid",
            f"Pin {key} on the remote cannot be read.",
            why="Without it nobody can tell what a push in progress needs.",
            fix="If no push is running, delete that file and run the command again.",
            paths=(key,),
        ) from None
    return PinRecord(key=key, mtime_ns=mtime_ns, roots=roots, keys=frozenset(names))


def read_pins(
    store: ObjectStore, *, now_ns: int, lifetime_ns: int
) -> tuple[list[PinRecord], list[str]]:
    """``(live pins, keys of expired ones)``."""
    live: list[PinRecord] = []
    expired: list[str] = []
    for row in list(store.list(PINS)):
        if now_ns - row.mtime_ns > lifetime_ns + SLACK_NS:
            expired.append(row.key)
            continue
        try:
            live.append(decode_pin(store.get(row.key), row.key, row.mtime_ns))
        except NotFound:
            continue  # its push came to nothing
    return live, expired
