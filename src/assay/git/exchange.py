"""Exchanging record refs with another repository: fetched forward only, pushed all or none."""

from __future__ import annotations

from collections.abc import Sequence

from assay.errors import AssayError, InvalidInput, RemoteRefused, Untrusted
from assay.git.program import Location, run_git
from assay.git.records import PREFIX, RefChange, raced

_PENDING = f"{PREFIX}pending/"


def git_remotes(root: Location) -> list[str]:
    """The names of Git's own remotes."""
    return run_git(["remote"], cwd=root).decode("utf-8", "replace").split()


def tag_commits(root: Location, name: str, remote: str | None) -> dict[str, set[str]]:
    """The commits that each tag of a release's name (as tags spell it) leads to.

    Here and on ``remote``, where there is one: another clone may have made tags of which this one
    knows nothing.  Raises what reaching the remote raises.
    """
    patterns = [f"refs/tags/{name}@*", f"refs/tags/{name}#*"]
    listed = run_git(["show-ref", "--tags", "-d"], cwd=root, accept=(0, 1))
    if remote is not None:
        listed += run_git(["ls-remote", "--quiet", remote, *patterns], cwd=root)
    found: dict[str, set[str]] = {}
    peeled: dict[str, set[str]] = {}
    for row in listed.decode("utf-8", "replace").splitlines():
        oid, ref = row.replace("\t", " ").split(" ", 1)
        tag = ref.removeprefix("refs/tags/")
        if tag.startswith((f"{name}@", f"{name}#")):
            bare = tag.removesuffix("^{}")
            # An annotated tag comes twice: as itself, then as what it leads to.
            (found if bare == tag else peeled).setdefault(bare, set()).add(oid)
    return {tag: peeled.get(tag, oids) for tag, oids in found.items()}


def fetch_records(root: Location, remote: str) -> None:
    """Bring every record ref up to date; none moves but forward.

    Raises Untrusted ``record-rewritten`` where the other side's history is not a continuation of
    ours, and what reaching it raises.
    """
    # Not --quiet: then Git does not say which ref it refused.
    args = ["fetch", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"]
    args += ["--no-recurse-submodules", remote, f"{PREFIX}*:{PREFIX}*", f"^{_PENDING}*"]
    try:
        run_git(args, cwd=root)
    except InvalidInput as error:
        rejected = [row.strip() for row in error.why.splitlines() if "[rejected]" in row]
        if rejected:
            raise Untrusted(
                "record-rewritten",
                f"{remote} has records that do not continue those of this clone.",
                why=f"Somebody replaced what had been recorded. {'; '.join(rejected[:5])}",
                fix="Find out who pushed to refs/assay/; what was replaced was not taken over.",
            ) from error
        raise


def unknown_tips(root: Location, remote: str) -> list[str]:
    """The refs of ``remote`` that lead to something this clone does not have."""
    listed = run_git(["ls-remote", "--quiet", remote], cwd=root).decode("utf-8", "replace")
    rows = [line.split("\t", 1) for line in listed.splitlines() if "\t" in line]
    refs = {name: oid for oid, name in rows}
    if not refs:
        return []
    wanted = "".join(f"{oid}\n" for oid in refs.values()).encode("ascii")
    answers = run_git(["cat-file", "--batch-check"], cwd=root, input=wanted).decode("ascii")
    return [
        name
        for name, answer in zip(refs, answers.splitlines(), strict=True)
        if answer.endswith(" missing")
    ]


def push_records(root: Location, remote: str, changes: Sequence[RefChange]) -> None:
    """Move refs there, all or none, each only if it is still where we saw it.

    Raises Conflict ``record-raced``, RemoteRefused ``git-refused``.
    """
    args = ["push", "--quiet", "--atomic", "--no-verify"]
    args += [f"--force-with-lease={change.ref}:{change.old or ''}" for change in changes]
    args += [remote, *(f"{change.new}:{change.ref}" for change in changes)]
    try:
        run_git(args, cwd=root)
    except AssayError as error:
        raise _refused(error, remote) from error


def _refused(error: AssayError, remote: str) -> AssayError:
    said = error.why
    if "stale info" in said or "already exists" in said or "cannot lock ref" in said:
        return raced()
    if "does not support --atomic" in said:
        return RemoteRefused(
            "git-not-atomic",
            f"{remote} cannot move several refs at once.",
            why="A release whose parts arrive one by one could be seen half done.",
            fix="Use a Git host that supports `git push --atomic`.",
        )
    if "rejected" in said or "denied" in said:
        return RemoteRefused(
            "git-refused",
            f"{remote} did not take the records.",
            why=said[-600:],
            fix=f"You need the right to push refs below {PREFIX} and tags.",
        )
    return error
