"""Taking a release: judged, fetched, verified to the last byte, and only then in its place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.api.source import Source, local_project, mirrored, snapshot_of, source_of
from assay.core.progress import SILENT, Progress
from assay.errors import IntegrityError
from assay.git.clone import checkout_less_clone, is_remote_url, require_safe_url
from assay.git.objects import ObjectReader
from assay.releases import taken_folder
from assay.releases.admit import Admitted, admit, remember_trust
from assay.releases.judge import RELEASE_FILE
from assay.releases.ledger import Ledger
from assay.releases.memory import remembering
from assay.releases.memory_file import load_memory, memory_path, save_memory
from assay.releases.names import Reference
from assay.releases.parts import all_objects, artifact_parts, contents_of, whole_parts
from assay.releases.release import Release
from assay.releases.verify import count_good
from assay.settings import (
    cache_folder,
    current_environment,
    state_folder,
    trusted_root,
)
from assay.store.cache import Cache
from assay.store.locks import locked

if TYPE_CHECKING:
    from assay.api.context import Context
    from assay.releases.part import Part

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A repository that releases are taken from; ``address`` is what it is remembered by."""

    ledger: Ledger
    source: Callable[[str], Source]
    address: str
    policy_root: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A release in its folder, and what it was admitted by.

    ``was_there``: the folder held exactly this release already, and nothing was written.
    """

    admitted: Admitted
    folder: str
    address: str
    with_code: bool
    was_there: bool

    @property
    def release(self) -> Release:
        """The release."""
        return self.admitted.evidence.release.value

    @property
    def digest(self) -> str:
        """The release's digest."""
        return self.admitted.evidence.release.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOptions:
    """How to take a release.

    ``trust_local`` believes a file whose stat row is as it was when its bytes were verified;
    ``unproven`` takes an exact version that is unsigned or has not passed its gates; ``force``
    replaces a folder that holds something else.
    """

    with_code: bool = False
    trust_local: bool = False
    unproven: bool = False
    force: bool = False
    policy_root: str | None = None
    jobs: int | None = None


@contextmanager
def open_home(repo: str | None, *, progress: Progress = SILENT) -> Iterator[Home]:
    """The repository at ``repo`` (path or Git URL; the one around here when ``None``).

    Nothing of it is run.  Of another repository a bare copy is kept and brought up to date; its
    objects come to a cache that all jobs of this user share.
    """
    # A consumer of another repository has no use for the machinery of a project.
    if repo is None:
        from assay.api.context import Context
        from assay.api.releases.desk import open_desk

        context = Context.find(Path(), progress=progress)
        try:
            with open_desk(context) as desk:
                yield _local_home(context, desk.reader, str(context.root))
        finally:
            context.close()
        return
    require_safe_url(repo)
    start = local_project(repo)
    if start is not None:
        from assay.api.context import Context

        context = Context.find(start, progress=progress)
        try:
            with ObjectReader(context.root, foreign=True) as reader:
                yield _local_home(context, reader, str(context.root))
        finally:
            context.close()
        return
    with _mirrored_home(repo, progress) as home:
        yield home


def _local_home(context: Context, reader: ObjectReader, address: str) -> Home:
    return Home(
        ledger=Ledger(reader),
        source=lambda commit: source_of(context, reader, commit),
        address=address,
        policy_root=context.settings.release.policy_root,
    )


@contextmanager
def _mirrored_home(url: str, progress: Progress) -> Iterator[Home]:
    folder = cache_folder()
    mirror = checkout_less_clone(url, folder / "clones", progress=progress)
    address = url if is_remote_url(url) else os.path.abspath(url)
    cache = Cache(str(folder / "objects"))
    try:
        with ObjectReader(mirror, bare=True, foreign=True) as reader:
            yield Home(
                ledger=Ledger(reader, is_bare=True),
                source=lambda commit: mirrored(reader, commit, cache, url, progress=progress),
                address=address,
                policy_root=trusted_root(),
            )
    finally:
        cache.close()


def admitted_by(
    home: Home, reference: Reference, options: TakeOptions, *, progress: Progress = SILENT
) -> Admitted:
    """The release that a reference means, judged by what is there and what was seen before."""
    folder = str(state_folder(current_environment()) / "seen")
    path = memory_path(folder, home.address)
    os.makedirs(folder, exist_ok=True)
    with locked(f"{path}.lock", what="what was seen of a repository", progress=progress):
        before = load_memory(path)
        memory = remember_trust(
            home.ledger, reference.name, before, options.policy_root or home.policy_root
        )
        try:
            admitted = admit(home.ledger, reference, memory, unproven=options.unproven)
            memory = remembering(memory, admitted.trust, admitted.evidence, admitted.state)
            return admitted
        finally:
            if memory != before:
                save_memory(path, memory, home.address)


def take(
    reference: Reference,
    target: str | None,
    *,
    repo: str | None = None,
    options: TakeOptions | None = None,
    progress: Progress = SILENT,
) -> Taken:
    """Bring a release into the folder ``target`` (one of its own in the user's cache for None).

    Nothing appears there before everything is verified.  A folder that holds exactly this
    release is verified where it is.  Raises :class:`Conflict` ``target-exists`` or
    ``target-changed`` where something else would be lost.
    """
    options = options or TakeOptions()
    with open_home(repo, progress=progress) as home:
        admitted = admitted_by(home, reference, options, progress=progress)
        release = admitted.evidence.release
        source = home.source(release.value.commit)
        snapshot = snapshot_of(source)
        contents = contents_of(snapshot, release.value)
        parts = (
            whole_parts(snapshot, source.dialect.home, release.value, contents)
            if options.with_code
            else artifact_parts(release.value, contents)
        )
        folder = os.path.abspath(target) if target else _own_folder(release.digest, options)
        taken = Taken(
            admitted=admitted,
            folder=folder,
            address=home.address,
            with_code=options.with_code,
            was_there=True,
        )
        if not _is_there(taken, parts, options):
            with _alone_at(folder, progress):
                # Whoever was before us may have put exactly this there.
                if not _is_there(taken, parts, options):
                    if target is not None and not options.force:
                        taken_folder.refuse_loss(folder)
                    source.fetch(all_objects(snapshot, contents))
                    taken = replace(taken, was_there=False)
                    _write(source, taken, parts, options, progress)
        if taken.was_there:
            taken_folder.relabel(folder, taken_fields(taken))
            if not options.trust_local:
                taken_folder.stamp(folder, parts)
        return taken


@contextmanager
def _alone_at(folder: str, progress: Progress) -> Iterator[None]:
    """One process at a time puts a release into a folder; the others then find it there."""
    locks = cache_folder() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]
    with locked(str(locks / f"{name}.lock"), what="this folder", progress=progress):
        yield


def _own_folder(digest: str, options: TakeOptions) -> str:
    kind = "code" if options.with_code else "data"
    return str(cache_folder() / "releases" / digest[:2] / f"{digest}-{kind}")


def _is_there(taken: Taken, parts: list[Part], options: TakeOptions) -> bool:
    """Whether the folder holds exactly this release."""
    said = {"digest": taken.digest, "with_code": taken.with_code}
    record = taken.admitted.evidence.files[RELEASE_FILE]
    trust = options.trust_local
    return taken_folder.holds(taken.folder, said, record, parts, trust_stamps=trust)


def _write(
    source: Source, taken: Taken, parts: list[Part], options: TakeOptions, progress: Progress
) -> None:
    from assay.releases.materialize import fresh_folder, write_parts

    with fresh_folder(taken.folder) as scratch:
        write_parts(
            source.cache,
            source.reader,
            scratch,
            parts,
            heal=source.heal,
            jobs=options.jobs,
            progress=progress,
        )
        record = taken.admitted.evidence.files[RELEASE_FILE]
        taken_folder.label(scratch, taken_fields(taken), record)
        taken_folder.stamp(scratch, parts)


def taken_fields(taken: Taken) -> dict[str, object]:
    """What a release's folder says of itself, for programs that do not read Git."""
    state = taken.admitted.state
    evidence = taken.admitted.evidence
    return {
        "format": _FORMAT,
        "release": taken.release.title,
        "name": taken.release.name,
        "version": taken.release.version,
        "digest": taken.digest,
        "commit": taken.release.commit,
        "repository": taken.address,
        "repository_id": taken.release.repository,
        "channel": state.value.channel if state else None,
        "sequence": state.value.sequence if state else None,
        "signed_by": evidence.release.signed_by or None,
        "gates": {gate: found.value.verdict.verdict for gate, found in evidence.results.items()},
        "artifacts": {
            a.name: {"role": a.role, "digest": a.digest.hex()} for a in taken.release.artifacts
        },
        "with_code": taken.with_code,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A release of which everything holds; ``files`` and ``size_bytes`` were hashed."""

    admitted: Admitted
    files: int
    size_bytes: int


def verify_release(
    reference: Reference,
    *,
    repo: str | None = None,
    options: TakeOptions | None = None,
    progress: Progress = SILENT,
) -> Verified:
    """Demand of a release what :func:`take` demands, and hash every byte; nothing is written.

    Raises :class:`IntegrityError` ``artifact-damaged`` for bytes that do not match.
    """
    options = options or TakeOptions()
    with open_home(repo, progress=progress) as home:
        admitted = admitted_by(home, reference, options, progress=progress)
        release = admitted.evidence.release.value
        source = home.source(release.commit)
        snapshot = snapshot_of(source)
        contents = contents_of(snapshot, release)
        source.fetch(all_objects(snapshot, contents))
        files, problem = count_good(
            contents, source.cache, source.reader, heal=source.heal, progress=progress
        )
        if problem:
            raise IntegrityError(
                "artifact-damaged",
                f"{release.title} is damaged: {problem}",
                why="Its bytes do not have the digest that the release binds.",
                fix="Run `assay verify --repair`, which fetches a good copy from a remote.",
            )
        return Verified(admitted=admitted, files=files, size_bytes=release.size_bytes)
