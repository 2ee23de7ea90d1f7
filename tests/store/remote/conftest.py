"""Remotes to share objects through: in a folder, and in memory with a clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.store.objectstore.local import LocalStore
from assay.store.remote.packed.remote import PackedRemote
from assay.testing.objectstore_memory import Clock, MemoryStore


@pytest.fixture
def clock() -> Clock:
    """A clock that the test sets forward."""
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryStore:
    """A store in memory that goes by the test's clock."""
    return MemoryStore(clock)


@pytest.fixture(params=["local", "memory"])
def packed(request: pytest.FixtureRequest, tmp_path: Path, memory: MemoryStore) -> PackedRemote:
    """A packed remote that is nothing yet."""
    if request.param == "memory":
        return PackedRemote(memory)
    return PackedRemote(LocalStore(str(tmp_path / "remote")), state_dir=str(tmp_path / "state"))
