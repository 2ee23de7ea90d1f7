"""Where the records of one repository are worked on: brought up to date, judged, published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from assay.api.context import Context
from assay.api.releases.signing import require_allowed, sealed, signer_of
from assay.api.source import Source, source_of
from assay.attestations.signer import Signer
from assay.attestations.statement import Statement
from assay.attestations.trust import Trust
from assay.errors import InvalidInput, NotFound, RemoteRefused, Temporary
from assay.git.exchange import fetch_records, git_remotes, tag_commits
from assay.git.objects import ObjectReader
from assay.pipelines.records import iso_time
from assay.releases.ledger import Ledger, Publication, publish
from assay.releases.names import spelled


@dataclass(kw_only=True)
class Desk:
    """One repository's records, open for reading and for publishing.

    ``git_remote`` is where they are published to (None where Git has no remote), ``is_synced``
    whether it could be reached.
    """

    context: Context
    reader: ObjectReader
    ledger: Ledger
    git_remote: str | None
    is_synced: bool = True

    @property
    def trust(self) -> Trust | None:
        """The policy, or None where there is none."""
        return self.ledger.trust

    @cached_property
    def signer(self) -> Signer | None:
        """Who signs here."""
        return signer_of(self.context)

    @property
    def now(self) -> str:
        """The present moment, as records spell it."""
        return iso_time(self.context.clock())

    @property
    def repository_id(self) -> str:
        """The repository's id; empty without a policy."""
        return self.trust.policy.repository if self.trust else ""

    @property
    def policy_digest(self) -> str | None:
        """The policy version in force."""
        return self.trust.current.digest if self.trust else None

    def require_allowed(self, action: str) -> str:
        """Who will sign; refused before anything is done."""
        return require_allowed(self.signer, self.trust, action)

    def seal(self, statement: Statement) -> tuple[bytes, str]:
        """A statement signed, as it is stored; and its digest."""
        return sealed(statement, self.signer, self.trust)

    def tags(self, name: str) -> dict[str, set[str]]:
        """The commits that each tag of a release's name leads to, here and at the Git remote."""
        remote = self.git_remote if self.is_synced else None
        return tag_commits(self.context.root, spelled(name), remote)

    def publish(self, publication: Publication) -> None:
        """Record it for everybody, or not at all."""
        publish(self.context.root, publication, remote=self.git_remote)
        self.ledger.forget()

    def source(self, commit: str) -> Source:
        """One commit to read from."""
        return source_of(self.context, self.reader, commit)


@contextmanager
def open_desk(context: Context, *, must_sync: bool = False) -> Iterator[Desk]:
    """The records of a repository, brought up to date first.

    When the Git remote cannot be reached, what is here serves for looking; ``must_sync`` (for
    whoever publishes) raises instead.
    """
    if not context.uses_git:
        raise InvalidInput(
            "git-required",
            "Releases need a Git repository.",
            why="They are bound to commits and recorded in refs.",
            fix="Run `git init` here first.",
        )
    remote = git_remote_of(context)
    is_synced = True
    if remote is not None:
        try:
            fetch_records(context.root, remote)
        except (Temporary, RemoteRefused, NotFound) as error:
            if must_sync:
                raise
            is_synced = False
            context.progress.note(f"{remote} cannot be reached; what is here may be old.")
            context.progress.note(error.why.splitlines()[0] if error.why else error.what)
    with ObjectReader(context.root) as reader:
        yield Desk(
            context=context,
            reader=reader,
            ledger=Ledger(reader),
            git_remote=remote,
            is_synced=is_synced,
        )


def git_remote_of(context: Context) -> str | None:
    """The Git remote that the settings name, else `origin`, else the only one."""
    names = git_remotes(context.root)
    wanted = context.settings.release.git_remote
    if wanted is not None:
        if wanted not in names:
            raise NotFound(
                "git-remote-unknown",
                f"Git has no remote {wanted!r}, which release.git_remote names.",
                fix=f"It has: {', '.join(names) or 'none'}. `git remote add {wanted} URL`.",
            )
        return wanted
    if "origin" in names:
        return "origin"
    if len(names) > 1:
        raise InvalidInput(
            "git-remote-ambiguous",
            f"Git has several remotes: {', '.join(names)}.",
            why="Releases must be published to one and the same.",
            fix=f"Name it: `assay config release.git_remote {names[0]}`.",
        )
    return names[0] if names else None
