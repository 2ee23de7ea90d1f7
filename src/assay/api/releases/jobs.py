"""Releases as jobs hold them: taken, verified, and with runs that stamp what they make."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.api.releases.taking import Taken, TakeOptions, take
from assay.core.progress import SILENT, Progress
from assay.errors import InvalidInput, NotFound
from assay.releases.names import Reference, parse_reference
from assay.settings import current_environment, state_folder

if TYPE_CHECKING:
    from assay.jobs.record import JobRun
    from assay.jobs.run import Run


class TakenRelease:
    """Exactly one release, verified, in a folder of its own."""

    def __init__(self, taken: Taken, *, progress: Progress = SILENT) -> None:
        self._taken = taken
        self._progress = progress

    def __repr__(self) -> str:
        return f"<release {self.title} in {self.folder}>"

    @property
    def title(self) -> str:
        """``NAME@VERSION``."""
        return self._taken.release.title

    @property
    def name(self) -> str:
        """The release's name."""
        return self._taken.release.name

    @property
    def version(self) -> str:
        """Its version."""
        return self._taken.release.version

    @property
    def digest(self) -> str:
        """What names it for ever, hexadecimal."""
        return self._taken.digest

    @property
    def commit(self) -> str:
        """The Git commit that it was made from."""
        return self._taken.release.commit

    @property
    def channel(self) -> str | None:
        """The channel that it was asked for by."""
        state = self._taken.admitted.state
        return state.value.channel if state else None

    @property
    def signed_by(self) -> str | None:
        """Who vouches for it; None for a release that is UNSIGNED."""
        return self._taken.admitted.evidence.release.signed_by or None

    @property
    def folder(self) -> Path:
        """Where its artifacts lie, each at its path in the repository."""
        return Path(self._taken.folder)

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The parameters that made it, by file."""
        return self._taken.release.parameters

    def path(self, artifact: str) -> Path:
        """Where an artifact lies, named by its role (``model``) or its path.

        Raises :class:`NotFound` ``artifact-unknown``.
        """
        found = self._taken.release.artifact(artifact)
        if found is None:
            known = ", ".join(f"{a.role} ({a.name})" for a in self._taken.release.artifacts)
            raise NotFound(
                "artifact-unknown", f"{self.title} has no {artifact!r}.", why=f"It has: {known}."
            )
        return self.folder / found.name

    def run(
        self,
        job: str,
        *,
        output: str | os.PathLike[str] | None = None,
        inputs: Iterable[str | os.PathLike[str]] = (),
    ) -> Run:
        """Begin a run of ``job``; a context manager whose ``record`` stamps outputs.

        ``output``: a file of JSON lines for them.  ``inputs``: files that the run reads, of which
        the digests are recorded.
        """
        from assay.jobs.run import Basis, Run

        admitted = self._taken.admitted
        state = admitted.state
        return Run(
            job,
            Basis(
                release=self._taken.release,
                digest=self.digest,
                policy=admitted.trust.current.digest if admitted.trust else None,
                channel=state.value.channel if state else "",
                sequence=state.value.sequence if state else 0,
                address=self._taken.address,
            ),
            output=output,
            inputs=inputs,
            log_folder=runs_folder(),
            seal=self._seal(),
            clock=time.time_ns,
            environment={"python": platform.python_version(), "system": platform.platform()},
            progress=self._progress,
        )

    def _seal(self) -> Callable[[JobRun], tuple[bytes, str]]:
        """What signs a run's record; a key that cannot be used is told before the run begins."""
        from assay.api.releases.signing import load_signer, sealed
        from assay.settings import signing_key

        trust = self._taken.admitted.trust
        path = signing_key() if trust is not None else None
        signer = load_signer(path) if path else None
        # A key that the policy does not let sign runs would only make the record worthless.
        if signer and trust and trust.policy.allowed("run", [signer.key]) is None:
            signer = None
        return lambda run: sealed(run.statement(), signer, trust)


def runs_folder() -> str:
    """Where the records of this user's job runs are kept."""
    return str(state_folder(current_environment()) / "runs")


def release(
    name: str,
    *,
    version: str | None = None,
    channel: str | None = None,
    repo: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    with_code: bool = False,
    trust_local: bool = False,
    unproven: bool = False,
    policy_root: str | None = None,
    progress: Progress = SILENT,
) -> TakenRelease:
    """Take exactly one release: by ``version``, or what ``channel`` serves now.

    ``name`` may also be a whole reference (``intent-bot@prod``).  ``repo`` is a path or Git URL
    (default: the repository around here), ``folder`` where it goes (default: a folder of its own
    in the user's cache, shared by all jobs).  Everything is verified before it can be used:
    signatures, policy, gates, the channel's state, quarantine, every byte.
    """
    taken = take(
        _reference(name, version, channel),
        os.fspath(folder) if folder is not None else None,
        repo=os.fspath(repo) if repo is not None else None,
        options=TakeOptions(
            with_code=with_code,
            trust_local=trust_local,
            unproven=unproven,
            policy_root=policy_root,
        ),
        progress=progress,
    )
    return TakenRelease(taken, progress=progress)


def _reference(name: str, version: str | None, channel: str | None) -> Reference:
    given = [word for word in (version, channel) if word is not None]
    if "@" in name and not given:
        return parse_reference(name)
    if len(given) != 1 or "@" in name:
        raise InvalidInput(
            "reference-invalid",
            "Name either a version or a channel of the release.",
            fix='assay.release("intent-bot", channel="prod")',
        )
    return parse_reference(f"{name}@{given[0]}")
