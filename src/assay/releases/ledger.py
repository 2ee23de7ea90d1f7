"""The records of a repository: read from its refs, and moved as one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from assay.attestations.trust import Trust, verify_chain
from assay.errors import NotFound
from assay.git.exchange import push_records
from assay.git.objects import ObjectReader
from assay.git.program import Location
from assay.git.records import (
    PREFIX,
    Record,
    RefChange,
    list_refs,
    move_refs,
    read_record,
    write_record,
    write_tag,
)
from assay.releases.channel import ChannelState
from assay.releases.judge import (
    Evidence,
    Signed,
    read_quarantines,
    read_release,
    read_results,
    read_states,
)
from assay.releases.names import (
    POLICY_REF,
    channels_ref,
    name_and_version,
    quarantine_ref,
    release_ref,
    releases_prefix,
    version_key,
    version_tag,
)
from assay.releases.quarantine import Quarantine
from assay.store.durable import process_is_running

_PENDING = f"{PREFIX}pending/"


class Ledger:
    """Reads the records of the repository behind ``reader``; each ref once.

    ``folder`` is where Git is started for lists of refs; ``is_bare`` as the reader's.
    """

    def __init__(self, reader: ObjectReader, *, is_bare: bool = False) -> None:
        self._reader = reader
        self._is_bare = is_bare
        self._records: dict[str, Record | None] = {}

    def record(self, ref: str) -> Record | None:
        """The record under a ref, or None."""
        if ref not in self._records:
            self._records[ref] = read_record(self._reader, ref)
        return self._records[ref]

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._records.clear()
        self.__dict__.pop("trust", None)

    @cached_property
    def trust(self) -> Trust | None:
        """The repository's policy, verified from its first version on."""
        found = self.record(POLICY_REF)
        return verify_chain(found.files) if found else None

    def evidence(self, name: str, version: str) -> Evidence:
        """What the repository says of a release; raises NotFound ``release-unknown``."""
        record = self.record(release_ref(name, version))
        if record is None:
            raise self._unknown(name, version)
        release = read_release(record.files, name, version, self.trust)
        results, stale = read_results(record.files, release, self.trust)
        return Evidence(
            release=release,
            files=record.files,
            results=results,
            stale=stale,
            quarantine=self.quarantines(name).get(version),
            tag_commit=self._commit(f"refs/tags/{version_tag(name, version)}"),
        )

    def states(self, name: str, channel: str) -> list[Signed[ChannelState]]:
        """The states of a channel, oldest first; empty where it never served anything."""
        record = self.record(channels_ref(name))
        return read_states(record.files, name, channel, self.trust) if record else []

    def channels(self, name: str) -> list[str]:
        """The channels of a name that serve or served something."""
        record = self.record(channels_ref(name))
        return sorted({path.split("/")[0] for path in record.files}) if record else []

    def quarantines(self, name: str) -> dict[str, Signed[Quarantine]]:
        """What is forbidden of a name, by version."""
        record = self.record(quarantine_ref(name))
        return read_quarantines(record.files, name, self.trust) if record else {}

    def versions(self, name: str = "") -> list[tuple[str, str]]:
        """``(name, version)`` of every release, or of those of one name, in version order."""
        folder = self._reader.folder
        refs = list_refs(folder, releases_prefix(name), foreign=True, bare=self._is_bare)
        found = [pair for pair in map(name_and_version, refs) if pair is not None]
        return sorted(found, key=lambda pair: (pair[0], version_key(pair[1])))

    def _commit(self, ref: str) -> str | None:
        found = self._reader.lookup(f"{ref}^{{commit}}")
        return found.id if found else None

    def _unknown(self, name: str, version: str) -> NotFound:
        known = [other for _, other in self.versions(name)]
        return NotFound(
            "release-unknown",
            f"There is no release {name}@{version}.",
            why=f"There are: {', '.join(known[-8:])}." if known else f"There is none of {name!r}.",
            fix="`assay release list` shows what there is; a fresh clone fetches it first.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChange:
    """New files in one ref's record; ``about`` are commits that it keeps alive."""

    ref: str
    before: Record | None
    files: Mapping[str, bytes]
    message: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """An annotated tag to make: the view that people and other tools have."""

    name: str
    commit: str
    message: str


@dataclass(kw_only=True)
class Publication:
    """What to record: all of it, or nothing."""

    records: list[RecordChange] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)


def publish(root: Location, publication: Publication, *, remote: str | None) -> None:
    """Write records and tags, move their refs on ``remote`` (where there is one), then here.

    The remote decides: when two publish at once the second is refused there, and nothing has
    changed here.  Killed in between, the next fetch brings what was published.
    """
    drop_pending(root, _left_behind(root))
    pending: list[str] = []
    changes: list[RefChange] = []
    for record in publication.records:
        place = f"{_PENDING}{os.getpid()}-{os.urandom(6).hex()}"
        new = write_record(
            root,
            record.files,
            before=record.before,
            about=record.about,
            message=record.message,
            pending=place,
        )
        pending.append(place)
        old = record.before.commit if record.before else None
        changes.append(RefChange(ref=record.ref, old=old, new=new))
    for tag in publication.tags:
        new = write_tag(root, tag.name, tag.commit, tag.message)
        changes.append(RefChange(ref=f"refs/tags/{tag.name}", old=None, new=new))
    try:
        if remote is not None:
            push_records(root, remote, changes)
        move_refs(root, changes)
    finally:
        drop_pending(root, pending)


def drop_pending(root: Location, refs: Iterable[str]) -> None:
    """Forget commits that were not published, or have their ref by now."""
    listed = list(refs)
    if listed:
        move_refs(root, (), drop=listed)


def _left_behind(root: Location) -> list[str]:
    """Pending refs of commands that were killed."""
    found = []
    for ref in list_refs(root, _PENDING):
        pid = ref.removeprefix(_PENDING).partition("-")[0]
        if not (pid.isascii() and pid.isdigit() and process_is_running(int(pid))):
            found.append(ref)
    return found
