"""What ``doctor`` says of releases: the key, the policy, the Git remote, tags without a record."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.api.context import Context
from assay.api.findings import OK, PROBLEM, WARNING, Finding
from assay.errors import AssayError
from assay.git.objects import ObjectReader
from assay.git.records import PREFIX, list_refs
from assay.releases.ledger import Ledger
from assay.releases.names import is_name, releases_prefix, spelled, version_of

_VERSION_TAG = re.compile(r"refs/tags/(.+)@v?([^@#!]+)(!?)")
_CHANNEL_TAG = re.compile(r"refs/tags/([^@#]+)#([^#]+)#([0-9]+)")
_MOST_NAMED = 5


def examine(context: Context) -> Iterator[Finding]:
    """Findings about releases; none where the repository has nothing to do with them."""
    if not context.uses_git or not list_refs(context.root, PREFIX):
        return
    with ObjectReader(context.root) as reader:
        ledger = Ledger(reader)
        yield _policy(context, ledger)
        yield from _publishing(context)
        yield from _tags(context, ledger)


def _policy(context: Context, ledger: Ledger) -> Finding:
    from assay.api.releases.signing import signer_of

    trust = ledger.trust
    if trust is None:
        return Finding(
            check="policy",
            verdict=WARNING,
            detail="none: releases are UNSIGNED and enter no protected channel",
            fix="assay policy init",
        )
    detail = f"{len(trust.versions)} version(s), root {trust.root}"
    signer = signer_of(context)
    person = trust.policy.person(signer.key) if signer else None
    if person is None:
        return Finding(
            check="policy",
            verdict=WARNING,
            detail=f"{detail}; no key here that it knows",
            fix="assay config --global signing.key PATH",
        )
    return Finding(check="policy", verdict=OK, detail=f"{detail}; signing as {person}")


def _publishing(context: Context) -> Iterator[Finding]:
    """Whether the Git remote takes several refs at once, as far as a dry run tells."""
    from assay.api.releases.desk import git_remote_of
    from assay.git.program import run_git

    remote = git_remote_of(context)
    if remote is None:
        yield Finding(
            check="git remote",
            verdict=WARNING,
            detail="none: releases are seen in this clone only",
            fix="git remote add origin URL",
        )
        return
    probe = ["push", "--dry-run", "--atomic", "--no-verify", "--quiet", remote]
    try:
        run_git([*probe, f"HEAD:{PREFIX}pending/probe"], cwd=context.root)
    except AssayError as error:
        yield Finding(
            check="git remote",
            verdict=PROBLEM,
            detail=f"{remote}: {error.why.splitlines()[-1] if error.why else error.what}",
            fix="releases need a host that takes refs below refs/assay/ and atomic pushes",
        )
    else:
        yield Finding(check="git remote", verdict=OK, detail=f"{remote} (atomic pushes)")


def _tags(context: Context, ledger: Ledger) -> Iterator[Finding]:
    """Tags that look like releases or channels without being the view of a record."""
    loose, moved = [], []
    known = {f"{spelled(name)} {version}" for name, version in ledger.versions()}
    names = {pair.split(" ")[0] for pair in known}
    for ref in list_refs(context.root, "refs/tags"):
        version = _VERSION_TAG.fullmatch(ref)
        channel = _CHANNEL_TAG.fullmatch(ref)
        if version and is_name(version[1].replace("=", "/")) and version_of(version[2]):
            name, number = version[1].replace("=", "/"), version_of(version[2]) or ""
            if f"{version[1]} {number}" not in known:
                loose.append(ref)
            elif not version[3]:
                evidence = ledger.evidence(name, number)
                if evidence.tag_commit not in (None, evidence.release.value.commit):
                    moved.append(ref)
        elif channel and channel[1] not in names:
            loose.append(ref)
    for what, refs, verdict in (
        ("have no record and count for nothing", loose, WARNING),
        ("lead elsewhere than their record", moved, PROBLEM),
    ):
        if refs:
            shown = ", ".join(ref.removeprefix("refs/tags/") for ref in refs[:_MOST_NAMED])
            more = f" and {len(refs) - _MOST_NAMED} more" if len(refs) > _MOST_NAMED else ""
            yield Finding(
                check="tags",
                verdict=verdict,
                detail=f"{shown}{more} {what}",
                fix="find out who made them; a release is made with `assay release create`",
            )
    if not loose and not moved:
        count = len(list_refs(context.root, releases_prefix()))
        yield Finding(check="releases", verdict=OK, detail=f"{count} recorded, tags agree")
