"""The sizes of a run: everything that decides how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

FULL_LARGE_BYTES = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Sizes at full scale; ``scaled`` makes smaller ones of the same shape."""

    files: int = 100_000
    folders: int = 1_000
    file_bytes: int = 4_096
    large_bytes: int = FULL_LARGE_BYTES
    flat_files: int = 200_000
    release_bytes: int = 1 << 30
    scaling: tuple[int, ...] = (10_000, 30_000, 100_000, 300_000, 1_000_000)
    scaling_file_bytes: int = 4_096
    peer_limit: int = 100_000
    """The largest size of ``scaling`` at which others than the subject take part."""
    rounds: int = 3
    scaling_rounds: int = 1
    startup_repeats: int = 20
    status_repeats: int = 3
    seed: int = 1

    def scaled(self, factor: float) -> Settings:
        """The same run with every amount of data multiplied by ``factor``; file sizes stay."""
        return replace(
            self,
            files=_times(self.files, factor),
            folders=_times(self.folders, factor),
            large_bytes=_times(self.large_bytes, factor),
            flat_files=_times(self.flat_files, factor),
            release_bytes=_times(self.release_bytes, factor),
            scaling=tuple(_times(size, factor) for size in self.scaling),
            peer_limit=_times(self.peer_limit, factor),
        )


def _times(amount: int, factor: float) -> int:
    return max(1, round(amount * factor))
