"""Moving objects between cache and remotes: what tracked paths need, and where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from assay.core.digest import ObjectKind
from assay.core.manifest import split_digests
from assay.core.progress import SILENT, Progress
from assay.core.prolly import Node, decode_node, load_folder, walk
from assay.data.model import Heal, join_path, printable
from assay.data.outputs import Selection
from assay.errors import AssayError, IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.remote.port import Remote

_ABSENT = bytes(32)


@dataclass(kw_only=True)
class Needed:
    """Objects by digest and kind.

    ``unknown`` are manifest nodes that are not here, ``damaged`` those that are here with the
    wrong bytes; what lies below either is not among the objects.
    """

    objects: dict[bytes, int] = field(default_factory=dict)
    roots: list[bytes] = field(default_factory=list)
    unknown: set[bytes] = field(default_factory=set)
    damaged: set[bytes] = field(default_factory=set)

    @property
    def unreadable(self) -> set[bytes]:
        """Manifest nodes that must be fetched before the rest is known."""
        return self.unknown | self.damaged

    def merge(self, other: Needed) -> None:
        """Take in another set."""
        self.objects.update(other.objects)
        self.roots += other.roots
        self.unknown |= other.unknown
        self.damaged |= other.damaged


def needed_by(cache: Cache, selection: Selection) -> Needed:
    """Everything one selection stands for, as far as the cache's manifests tell."""
    output = selection.tracked.output
    needed = Needed()
    if output.digest is None or not output.is_cached:
        return needed
    needed.roots.append(output.digest)
    if not output.is_folder:
        needed.objects[output.digest] = ObjectKind.BLOB
        return needed

    at_hand: dict[bytes, bytes] = {}

    def is_unreadable(digest: bytes) -> bool:
        needed.objects[digest] = ObjectKind.NODE
        try:
            at_hand[digest] = cache.read(digest, ObjectKind.NODE)
        except NotFound:
            needed.unknown.add(digest)
        except IntegrityError as error:
            if error.code != "object-damaged":
                raise
            needed.damaged.add(digest)
        return digest not in at_hand

    low, high = selection.inside, selection.inside + b"0" if selection.inside else None
    for node in walk(output.digest, at_hand.pop, low=low, high=high, known=is_unreadable):
        if node.level == 0:
            _note_content(node, selection.inside, needed.objects)
    return needed


def _note_content(node: Node, inside: bytes, objects: dict[bytes, int]) -> None:
    digests = split_digests(node.digests, node.width)
    if inside:
        below = inside + b"/"
        digests = [
            digest
            for path, digest in zip(node.paths, digests, strict=True)
            if path == inside or path.startswith(below)
        ]
    objects.update(dict.fromkeys(digests, ObjectKind.BLOB))
    objects.pop(_ABSENT, None)


def lacks(cache: Cache, selection: Selection) -> bool:
    """Whether anything of a selection is not in the cache (no remote is asked)."""
    needed = needed_by(cache, selection)
    return bool(needed.unreadable or cache.missing(needed.objects))


def complete_manifest(cache: Cache, selection: Selection, heal: Heal) -> None:
    """Bring the manifest nodes that are missing or damaged here, where a remote has them."""
    tried: set[bytes] = set()
    # Level by level: what lies below a node is known only once the node is here.
    while bad := needed_by(cache, selection).unreadable - tried:
        heal(dict.fromkeys(bad, int(ObjectKind.NODE)))
        tried |= bad


def require_recorded(cache: Cache, selection: Selection) -> None:
    """Raise :class:`NotFound` ``target-unknown`` for a part that the manifest does not have."""
    tracked, inside = selection.tracked, selection.inside
    if not inside or tracked.output.digest is None or needed_by(cache, selection).unreadable:
        return
    rows = load_folder(
        tracked.output.digest, inside, lambda digest: cache.read(digest, ObjectKind.NODE)
    )
    if not len(rows):
        name = printable(join_path(tracked.path, inside))
        raise NotFound(
            "target-unknown",
            f"{name} is not tracked.",
            why=f"{tracked.pointer_name} records nothing there.",
            fix=f"Track it with `assay add {name}`, or look at `assay ls . {tracked.name}`.",
            paths=(name,),
        )


@dataclass(kw_only=True)
class TransferResult:
    """What a push or fetch did.

    ``missing``: tracked paths of which something is nowhere to be had; ``damaged``: digest to
    the place that holds bad bytes.
    """

    objects: int = 0
    size_bytes: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: dict[bytes, str] = field(default_factory=dict)
    roots: dict[str, bytes] = field(default_factory=dict)


def push(
    cache: Cache,
    remote: Remote,
    selections: Iterable[Selection],
    *,
    dry_run: bool = False,
    progress: Progress = SILENT,
    jobs: int | None = None,
) -> TransferResult:
    """Upload what ``remote`` lacks of the selections.

    A path whose data is neither here nor there is reported in ``missing``; the others are
    pushed all the same.
    """
    result = TransferResult()
    wanted = Needed()
    per_path: list[tuple[str, Needed]] = []
    for selection in selections:
        if selection.tracked.output.is_pushed:
            require_recorded(cache, selection)
            needed = needed_by(cache, selection)
            per_path.append((selection.tracked.name, needed))
            wanted.merge(needed)
    lost = cache.missing(wanted.objects)
    if lost:
        lost = remote.missing(lost)
    for name, needed in per_path:
        if not lost.isdisjoint(needed.objects):
            result.missing.append(name)
    # An incomplete folder is not pushed at all: a manifest in the remote whose files are not
    # there would look whole to everyone who trusts it.
    send = Needed()
    for name, needed in per_path:
        if name not in result.missing:
            send.merge(needed)
    if dry_run:
        result.objects = len(remote.missing(set(send.objects)))
    elif send.objects:
        # The remote itself finds out what it lacks, after it has pinned what we rely on.
        report = remote.push(cache, send.objects, roots=send.roots, progress=progress, jobs=jobs)
        result.objects, result.size_bytes = report.objects, report.size_bytes
    return result


def fetch(
    cache: Cache,
    remote: Remote,
    selections: Iterable[Selection],
    *,
    dry_run: bool = False,
    progress: Progress = SILENT,
    jobs: int | None = None,
) -> TransferResult:
    """Download what the cache lacks of the selections: manifests first, then content."""
    chosen = list(selections)
    result = TransferResult()
    tried: set[bytes] = set()
    while True:
        wanted = Needed()
        for selection in chosen:
            wanted.merge(needed_by(cache, selection))
        nodes = wanted.unreadable - tried
        if not nodes:
            break
        tried |= nodes
        _discard(cache, wanted.damaged & nodes, remote, progress)
        _receive(cache, remote, dict.fromkeys(nodes, int(ObjectKind.NODE)), result, progress, jobs)
    for selection in chosen:
        require_recorded(cache, selection)
    absent = cache.missing(wanted.objects) - tried
    objects = {digest: wanted.objects[digest] for digest in absent}
    if dry_run:
        result.objects = len(objects)
    elif objects:
        _receive(cache, remote, objects, result, progress, jobs)
    lost = cache.missing(wanted.objects) if not dry_run else set()
    if lost:
        for selection in chosen:
            needed = needed_by(cache, selection)
            if not lost.isdisjoint(needed.objects):
                result.missing.append(selection.tracked.name)
    return result


def _receive(
    cache: Cache,
    remote: Remote,
    objects: dict[bytes, int],
    result: TransferResult,
    progress: Progress,
    jobs: int | None,
) -> None:
    with cache.writing(progress):
        report = remote.fetch(cache, objects, progress=progress, jobs=jobs)
    cache.refresh()
    result.objects += report.fetched
    result.size_bytes += report.size_bytes
    result.damaged.update(report.damaged)


def healer(
    cache: Cache,
    remotes: Callable[[], list[Remote]],
    on_heal: Callable[[bytes, bool], None],
    *,
    progress: Progress = SILENT,
) -> Heal:
    """A function that replaces damaged objects by good copies from any of the remotes.

    ``on_heal`` hears of each digest and whether it could be healed.
    """

    def heal(objects: dict[bytes, int]) -> None:
        left = dict(objects)
        for remote in remotes():
            try:
                came = _replace(cache, remote, left, progress)
            except AssayError:
                continue  # a remote that cannot be asked must not hide what is wrong here
            for digest in came:
                del left[digest]
                on_heal(digest, True)
        for digest in left:
            on_heal(digest, False)

    return heal


def _replace(
    cache: Cache, remote: Remote, objects: dict[bytes, int], progress: Progress
) -> set[bytes]:
    """Bring good copies in place of bad or absent ones; those that came."""
    there = objects.keys() - remote.missing(set(objects)) if objects else set()
    if not there:
        return set()
    _discard(cache, there, remote, progress)
    _receive(cache, remote, {d: objects[d] for d in there}, TransferResult(), progress, None)
    return there - cache.missing(there)


def _discard(cache: Cache, bad: set[bytes], remote: Remote, progress: Progress) -> None:
    """Make bad objects absent, if ``remote`` has them: else they would be forgotten, not healed."""
    from assay.store.collect import discard

    there = bad - remote.missing(bad) if bad else set()
    if there:
        with cache.writing(progress):
            discard(cache, there)


def read_node_anywhere(cache: Cache, remotes: list[Remote], digest: bytes) -> bytes:
    """A manifest node from the cache or, verified, from the first remote that has it."""
    try:
        return cache.read(digest, ObjectKind.NODE)
    except (NotFound, IntegrityError) as problem:
        error: Exception = problem
    for remote in remotes:
        try:
            data = remote.read_object(digest, ObjectKind.NODE)
        except (NotFound, IntegrityError) as problem:
            error = problem
            continue
        decode_node(data)
        return data
    raise error
