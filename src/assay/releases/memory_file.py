"""Keeping what a consumer remembers: one small file for each repository that it takes from."""

from __future__ import annotations

import hashlib
import json
import os

from assay.errors import IntegrityError, Untrusted
from assay.releases.memory import Memory
from assay.store.durable import disk_errors, make_folder, write_atomic

FORMAT = 1


def memory_path(folder: str, address: str) -> str:
    """Where the memory of the repository at ``address`` lies."""
    name = hashlib.sha256(address.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(folder, f"{name}.json")


def load_memory(path: str) -> Memory:
    """What is remembered; nothing where there is no file.

    Raises :class:`IntegrityError` ``memory-damaged``: to forget is to trust anybody again.
    """
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read())
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from None
    try:
        version = value["format"]
        if version > FORMAT:
            raise Untrusted(
                "memory-newer-format",
                f"{path} has format {version}; this program reads format {FORMAT}.",
                why="A newer assay wrote it.",
                fix="Upgrade assay.",
                paths=(path,),
            )
        return Memory(
            root=value["root"],
            policy=value["policy"],
            channels={str(k): (int(v[0]), str(v[1])) for k, v in value["channels"].items()},
            releases={str(k): str(v) for k, v in value["releases"].items()},
            quarantined={str(k): str(v) for k, v in value["quarantined"].items()},
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise _damaged(path, "it has another shape") from None


def save_memory(path: str, memory: Memory, address: str) -> None:
    """Write what is remembered, whole or not at all."""
    value = {
        "format": FORMAT,
        "repository": address,
        "root": memory.root,
        "policy": memory.policy,
        "channels": {name: list(state) for name, state in memory.channels.items()},
        "releases": dict(memory.releases),
        "quarantined": dict(memory.quarantined),
    }
    text = json.dumps(value, indent=1, sort_keys=True).encode("ascii") + b"\n"
    with disk_errors(path):
        make_folder(os.path.dirname(path))
        write_atomic(path, text)


def _damaged(path: str, why: str) -> IntegrityError:
    return IntegrityError(
        "memory-damaged",
        f"{path}, which remembers what was seen of a repository, cannot be read.",
        why=f"{why[:1].upper()}{why[1:]}.",
        fix="If you know why, delete it; what is seen next is then trusted as if it were the "
        "first time.",
        paths=(path,),
    )
