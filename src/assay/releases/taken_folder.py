"""The folder that a release was put into: what it says of itself, and what of it would be lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from assay.errors import Conflict
from assay.releases.declared import OWN_FOLDER
from assay.releases.inspect import Stamps, first_difference, stamps_of
from assay.releases.part import Part
from assay.store.durable import write_atomic
from assay.store.walk import stat_row

_TAKEN, _RECORD, _STAMPS = "taken.json", "release.json", "stamps.json"


def holds(
    folder: str,
    said: Mapping[str, object],
    record: bytes,
    parts: Iterable[Part],
    *,
    trust_stamps: bool,
) -> bool:
    """Whether the folder holds exactly a release: it says ``said``, and every byte is right.

    With ``trust_stamps`` a file that looks as it did when its bytes were verified is believed.
    """
    found = _mapping(folder, _TAKEN)
    if found is None or any(found.get(key) != value for key, value in said.items()):
        return False
    if _read(folder, _RECORD) != record:
        return False
    stamps = _stamps(folder) if trust_stamps else None
    return first_difference(folder, parts, stamps) is None


def label(folder: str, fields: Mapping[str, object], record: bytes) -> None:
    """Let a folder say what it holds."""
    os.makedirs(os.path.join(folder, OWN_FOLDER), exist_ok=True)
    write_atomic(os.path.join(folder, OWN_FOLDER, _RECORD), record, durable=False)
    relabel(folder, fields)


def relabel(folder: str, fields: Mapping[str, object]) -> None:
    """Let it say how its release was come by this time."""
    if _mapping(folder, _TAKEN) != fields:
        _write(folder, _TAKEN, fields)


def stamp(folder: str, parts: Iterable[Part]) -> None:
    """Remember how the files look, of which every byte was just verified."""
    _write(folder, _STAMPS, stamps_of(folder, parts))


def refuse_loss(folder: str) -> None:
    """Raise :class:`Conflict` where something would be lost if the folder were replaced.

    ``target-exists`` where no release was put there, ``target-changed`` for what was added or
    changed since.
    """
    if not os.path.lexists(folder):
        return
    said = _mapping(folder, _TAKEN)
    if said is None:
        if os.path.isdir(folder) and not os.path.islink(folder) and not os.listdir(folder):
            return
        raise Conflict(
            "target-exists",
            f"{folder} exists, and no release was put there.",
            why="A release takes the place of the whole folder.",
            fix="Choose another folder with -o, or replace it with --force.",
            paths=(folder,),
        )
    changed = _changed_files(folder)
    if changed:
        raise Conflict(
            "target-changed",
            f"{folder} holds {said.get('release')}, and {changed[0]} was added or changed since.",
            why="A release takes the place of the whole folder; that would be lost.",
            fix="Move it away, write outputs elsewhere, or replace the folder with --force.",
            paths=tuple(changed[:20]),
        )


def _changed_files(folder: str) -> list[str]:
    """Files of a release's folder that are not as the release left them."""
    stamps = _stamps(folder)
    found = []
    for top, below, names in os.walk(folder):
        # Running the code leaves its compiled form; nobody misses that.
        below[:] = [n for n in below if n != "__pycache__" and (top != folder or n != OWN_FOLDER)]
        for name in names:
            place = os.path.join(top, name)
            path = os.path.relpath(place, folder).replace(os.sep, "/")
            row = list(stat_row(os.lstat(place)))
            # The size and the time of its bytes: a rename of the folder may touch the rest.
            known = stamps.get(path)
            is_same = isinstance(known, list) and known[:2] == row[:2]
            if not os.path.islink(place) and not is_same:
                found.append(path)
    return sorted(found)


def _stamps(folder: str) -> Stamps:
    return _mapping(folder, _STAMPS) or {}


def _mapping(folder: str, name: str) -> dict[str, Any] | None:
    """What a file of the release's own folder holds; None for anything but a mapping."""
    try:
        value = json.loads(_read(folder, name))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, OWN_FOLDER, name), "rb") as file:
            return file.read()
    except OSError:
        return b""


def _write(folder: str, name: str, value: Mapping[str, object]) -> None:
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    write_atomic(os.path.join(folder, OWN_FOLDER, name), text.encode("ascii"), durable=False)
