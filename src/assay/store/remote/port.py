"""The port to a shared store of objects, whatever its layout, with the reports of its verbs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from assay.core.progress import SILENT, Progress
from assay.store.cache import Cache


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What a push sent: objects, their plain bytes, and packs made."""

    objects: int = 0
    size_bytes: int = 0
    packs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchReport:
    """What a fetch brought.  Nothing in ``missing`` or ``damaged`` entered the cache.

    ``damaged`` says for each digest where on the remote its bad bytes lie.
    """

    fetched: int = 0
    size_bytes: int = 0
    missing: set[bytes] = field(default_factory=set)
    damaged: dict[bytes, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a remote holds: objects read and compared, those damaged (and where), those whose
    pack is gone although the index names them.

    ``invalid``: keys of packs and index segments that are damaged outside any object.
    """

    checked: int = 0
    size_bytes: int = 0
    damaged: dict[bytes, str] = field(default_factory=dict)
    missing: set[bytes] = field(default_factory=set)
    invalid: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What a repair mended, and what no good copy was at hand for."""

    repaired: int = 0
    unrepaired: set[bytes] = field(default_factory=set)


class Remote(Protocol):
    """A remote of either layout.  Digests are raw; kinds are :class:`ObjectKind` values."""

    @property
    def layout(self) -> str:
        """``packed`` or ``plain``."""
        ...

    def describe(self) -> str:
        """The place as people write it."""
        ...

    def missing(self, digests: set[bytes]) -> set[bytes]:
        """Those that a push would have to send."""
        ...

    def push(
        self,
        cache: Cache,
        wanted: dict[bytes, int],
        *,
        roots: list[bytes],
        progress: Progress = SILENT,
        jobs: int | None = None,
    ) -> PushReport:
        """Send what is missing of ``wanted`` (digest to kind), verified while it is read.

        ``roots`` are the digests that Git is about to point to; the collector of a packed
        remote keeps what they need from now on.  Raises :class:`NotFound` ``object-missing``
        or :class:`IntegrityError` ``object-damaged`` for what the cache cannot give; then
        nothing refers to what was sent.
        """
        ...

    def fetch(
        self,
        cache: Cache,
        digests: dict[bytes, int],
        *,
        progress: Progress = SILENT,
        jobs: int | None = None,
    ) -> FetchReport:
        """Bring what ``cache`` lacks of ``digests`` (to kind), each verified before it counts."""
        ...

    def read_object(self, digest: bytes, kind: int) -> bytes:
        """One small object, verified; ``remote-object-missing`` or ``object-damaged``."""
        ...

    def verify(self, *, progress: Progress = SILENT, sample: float | None = None) -> VerifyReport:
        """Read and compare everything there, or about the fraction ``sample`` of it."""
        ...

    def repair(self, cache: Cache, *, progress: Progress = SILENT) -> RepairReport:
        """Replace what :meth:`verify` finds wrong by good copies from ``cache``."""
        ...
