"""Verbs that make releases: create one, run its gates."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from assay.api.context import Context
from assay.api.looking import full_status
from assay.api.releases.declarations import declarations_of, require_declared
from assay.api.releases.desk import Desk, open_desk
from assay.api.source import Source, snapshot_of
from assay.core.digest import ObjectKind
from assay.errors import AssayError, Conflict, InvalidInput, NotFound
from assay.pipelines.records import iso_time
from assay.pipelines.shell import Shell
from assay.releases.contents import Content, content_at
from assay.releases.declared import GateDefinition
from assay.releases.gate_result import FAIL, GateResult
from assay.releases.gates.port import Room
from assay.releases.gates.run import judge
from assay.releases.judge import RELEASE_FILE, Evidence, Signed, failed, inconclusive, require_free
from assay.releases.ledger import Publication, RecordChange, Tag
from assay.releases.materialize import write_parts
from assay.releases.names import Reference, release_ref, version_tag
from assay.releases.parts import (
    all_objects,
    blobs_of,
    contents_of,
    objects_of,
    part_at,
    whole_parts,
)
from assay.releases.plan import History, Identity, ReleasePlan, plan_release
from assay.releases.release import CACHE, Release
from assay.releases.stages import pipelines_at
from assay.settings import current_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A release that was made, or would be: ``digest`` is empty in a dry run."""

    release: Release
    digest: str
    signed_by: str
    tag: str


def create(
    context: Context, reference: Reference, *, message: str = "", dry_run: bool = False
) -> Created:
    """Bind what assay.yaml declares to HEAD, and record it for everybody.

    Everything must be committed, up to date and pushed.  Raises :class:`Conflict`
    ``release-exists``, ``release-dirty``, ``release-stale`` or ``release-unpushed``.
    """
    with context.changing(), open_desk(context, must_sync=not dry_run) as desk:
        name, version = reference.name, reference.version
        ref = release_ref(name, version)
        if desk.ledger.record(ref) is not None:
            raise _exists(reference)
        signed_by = desk.require_allowed("create")
        require_clean(context)
        source = desk.source("HEAD")
        plan = _plan(desk, source, reference, message)
        require_pushed(context, source, plan)
        tag, is_there = _free_tag(desk, plan.release)
        if dry_run:
            return Created(release=plan.release, digest="", signed_by=signed_by, tag=tag)
        envelope, digest = desk.seal(plan.release.statement())
        change = RecordChange(
            ref=ref,
            before=None,
            files={RELEASE_FILE: envelope, **plan.files},
            message=f"Release {plan.release.title}\n\n{message}",
            about=(plan.release.commit,),
        )
        tags = [] if is_there else [_tag(plan.release, tag, digest)]
        desk.publish(Publication(records=[change], tags=tags))
        return Created(release=plan.release, digest=digest, signed_by=signed_by, tag=tag)


def _exists(reference: Reference) -> Conflict:
    return Conflict(
        "release-exists",
        f"There is a release {reference} already.",
        why="A release never changes; whoever has it relies on that.",
        fix="Choose the next version.",
    )


def _tag(release: Release, tag: str, digest: str) -> Tag:
    text = f"Release {release.title}\n\n{release.message or '-'}\n\nassay-release: {digest}"
    return Tag(name=tag, commit=release.commit, message=text)


def _free_tag(desk: Desk, release: Release) -> tuple[str, bool]:
    """``(the version's tag, whether it is there already)``; at another commit it must not be."""
    tag = version_tag(release.name, release.version)
    found = desk.tags(release.name).get(tag, set())
    others = found - {release.commit}
    if others:
        raise Conflict(
            "tag-exists",
            f"There is a tag {tag} at another commit, {min(others)[:12]}.",
            why="It would say that the release is something else than it is.",
            fix="Choose another version, or delete the tag here and where it was pushed: "
            f"`git tag -d {tag}`, `git push --delete {desk.git_remote or 'REMOTE'} {tag}`.",
        )
    return tag, bool(found)


def require_clean(context: Context) -> None:
    """Raise :class:`Conflict` where the workspace is not what HEAD and its pointers record."""
    from assay.git.objects import head_commit
    from assay.git.program import run_git

    if head_commit(context.root) is None:
        raise Conflict(
            "release-dirty", "There is no commit yet.", fix="Commit first: `git commit`."
        )
    changed = run_git(
        ["status", "--porcelain", "-z", "--untracked-files=no"], cwd=context.root
    ).split(b"\0")
    names = tuple(os.fsdecode(row[3:]) for row in changed if row)
    if names:
        raise Conflict(
            "release-dirty",
            f"There are changes that no commit has: {', '.join(names[:5])}.",
            why="A release is bound to a commit; what is not in it would be lost.",
            fix="Commit them, or put them back, then try again.",
            paths=names,
        )
    outputs, stages = full_status(context, [])
    if outputs or stages:
        stale = (*(output.tracked.name for output in outputs), *stages)
        raise Conflict(
            "release-stale",
            f"What is there is not what is recorded: {', '.join(stale[:5])}.",
            why="Data changed, or a stage's inputs did, since pointers and lock were written.",
            fix="Run `assay status`; then `assay repro` or `assay checkout`, and commit.",
            paths=stale,
        )


def _plan(desk: Desk, source: Source, reference: Reference, message: str) -> ReleasePlan:
    snapshot = snapshot_of(source)
    pipelines = pipelines_at(desk.reader, source.rev, source.dialect)

    def read(path: bytes) -> bytes:
        return desk.reader.read_path(source.rev, path) or b""

    declaration = require_declared(declarations_of(pipelines, read), reference.name)
    identity = Identity(
        repository=desk.repository_id,
        policy=desk.policy_digest,
        version=reference.version,
        message=message,
        created=desk.now,
    )
    return plan_release(
        declaration,
        snapshot,
        pipelines,
        _history(desk.context),
        identity,
        read_blob=lambda digest: source.cache.read(digest, ObjectKind.BLOB),
    )


def _history(context: Context) -> History:
    """The runs of this clone, and the lists of packages that the cache still has."""
    from assay.api.pipelines import run_log

    runs = run_log(context).entries()
    packages: dict[str, bytes] = {}
    for digest in {str(run.body.get("packages", "")) for run in runs}:
        try:
            packages[digest] = context.cache.read(bytes.fromhex(digest), ObjectKind.BLOB)
        except (AssayError, ValueError):
            continue  # the record names it all the same
    return History(runs=runs, packages=packages)


def require_pushed(context: Context, source: Source, plan: ReleasePlan) -> None:
    """Raise :class:`Conflict` ``release-unpushed`` where a remote lacks a part of the release."""
    cached = [a for a in plan.release.artifacts if a.keeper == CACHE]
    if not cached:
        return
    snapshot = snapshot_of(source)
    lacking: list[str] = []
    for artifact in cached:
        tracked = plan.contents[artifact.path].tracked
        assert tracked is not None
        remote = context.remote(tracked.output.remote)
        if remote.missing(set(objects_of(snapshot, plan.contents[artifact.path]))):
            lacking.append(artifact.name)
    if lacking:
        raise Conflict(
            "release-unpushed",
            f"The remote does not have all of {', '.join(lacking)}.",
            why="Whoever takes the release could not get it.",
            fix="Run `assay push`, then try again.",
            paths=tuple(lacking),
        )


# -- gates --------------------------------------------------------------------------------


@dataclass(kw_only=True)
class GateRun:
    """What gates said about one release, in the order in which they ran."""

    evidence: Evidence
    results: list[GateResult] = field(default_factory=list)
    signed_by: str = ""

    def require_passed(self) -> None:
        """Raise :class:`GateFailed` or :class:`Inconclusive` for the worst of them."""
        title = self.evidence.release.value.title
        for result in self.results:
            if result.verdict.verdict == FAIL:
                raise failed(title, result)
        for result in self.results:
            if not result.verdict.is_pass:
                raise inconclusive(title, result)


def gate_run(context: Context, reference: Reference, names: list[str]) -> GateRun:
    """Judge a release by its gates (all that it declares) and record each verdict.

    Whatever the verdicts are, they are recorded; :meth:`GateRun.require_passed` is the caller's.
    """
    with open_desk(context, must_sync=True) as desk:
        evidence = desk.ledger.evidence(reference.name, reference.version)
        require_free(evidence)
        signed_by = desk.require_allowed("gate")
        chosen = _chosen(evidence.release, names)
        run = GateRun(evidence=evidence, signed_by=signed_by)
        room = open_room(context, desk, evidence.release.value)
        for definition in chosen:
            run.results.append(_judged(desk, evidence.release, definition, room))
        with context.changing():
            _record(desk, evidence, run.results)
        return run


def _chosen(release: Signed[Release], names: list[str]) -> list[GateDefinition]:
    known = release.value.gates
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NotFound(
            "gate-unknown",
            f"{release.value.title} declares no gate {unknown[0]!r}.",
            why=f"It declares: {', '.join(known) or 'none'}.",
        )
    if not known:
        raise InvalidInput(
            "gate-none",
            f"{release.value.title} declares no gates.",
            fix="Declare them in assay.yaml under `gates:`, commit, and make a new version.",
        )
    return [known[name] for name in names or known]


def _judged(
    desk: Desk, release: Signed[Release], definition: GateDefinition, room: Room
) -> GateResult:
    desk.context.progress.note(f"gate {definition.name} …")
    started_ns, before = desk.context.clock(), time.perf_counter()
    verdict = judge(definition, room)
    return GateResult(
        repository=desk.repository_id,
        policy=desk.policy_digest,
        name=release.value.name,
        version=release.value.version,
        release_digest=release.digest,
        gate=definition.name,
        definition=definition.digest,
        verdict=verdict,
        started=iso_time(started_ns),
        duration_seconds=round(time.perf_counter() - before, 6),
    )


def _record(desk: Desk, evidence: Evidence, results: list[GateResult]) -> None:
    release = evidence.release.value
    ref = release_ref(release.name, release.version)
    desk.ledger.forget()  # others may have recorded something while the gates ran
    before = desk.ledger.record(ref)
    files: dict[str, bytes] = {}
    for result in results:
        known = before.files if before else {}
        taken = sum(path.startswith(f"gates/{result.gate}/") for path in known)
        envelope, _ = desk.seal(result.statement())
        files[f"gates/{result.gate}/{taken + 1:06d}.json"] = envelope
    said = ", ".join(f"{r.gate} {r.verdict.verdict}" for r in results)
    change = RecordChange(
        ref=ref, before=before, files=files, message=f"Gates of {release.title}: {said}"
    )
    desk.publish(Publication(records=[change]))


def open_room(context: Context, desk: Desk, release: Release) -> Room:
    """What gates judge a release with: its bytes from cache and remotes, never the workspace."""
    source = desk.source(release.commit)
    snapshot = snapshot_of(source)
    contents = contents_of(snapshot, release)
    absent, lacking = _fetch(context, source, contents)

    def fetch(content: Content) -> None:
        if content.tracked is not None:
            source.fetch(dict.fromkeys(blobs_of(content), int(ObjectKind.BLOB)))

    @contextmanager
    def checkout(path: bytes | None) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="assay-gate-") as folder:
            if path is None:
                parts = whole_parts(snapshot, source.dialect.home, release, contents)
            else:
                content = content_at(snapshot, path)
                fetch(content)
                parts = [part_at(path, content)]
            write_parts(
                source.cache,
                source.reader,
                folder,
                parts,
                heal=source.heal,
                jobs=context.jobs or context.settings.jobs,
                progress=context.progress,
            )
            yield folder

    return Room(
        release=release,
        snapshot=snapshot,
        contents=contents,
        cache=source.cache,
        absent=absent,
        heal=source.heal,
        fetch=fetch,
        lacking=lacking,
        pipelines=pipelines_at(source.reader, release.commit, source.dialect),
        checkout=checkout,
        shell=Shell(environ=current_environment()),
        progress=context.progress,
    )


def _fetch(
    context: Context, source: Source, contents: dict[bytes, Content]
) -> tuple[dict[bytes, str], int]:
    """``(why each object that cannot be had is absent, how many a remote lacks)``."""
    snapshot = snapshot_of(source)
    wanted = all_objects(snapshot, contents)
    absent: dict[bytes, str] = {}
    try:
        source.fetch(wanted)
    except AssayError as error:
        absent = dict.fromkeys(source.cache.missing(wanted), error.what)
    lacking = 0
    for content in contents.values():
        if content.tracked is not None:
            remote = context.remote(content.tracked.output.remote)
            lacking += len(remote.missing(set(objects_of(snapshot, content))))
    return absent, lacking
