"""Releases as Python users hold them: one method per verb, each a single call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.api.context import Context

# Each verb imports what it needs when it is called.
if TYPE_CHECKING:
    from assay.api.releases.channels import Moved, QuarantineResult
    from assay.api.releases.making import Created, GateRun
    from assay.api.releases.policies import PolicyResult, PolicyView
    from assay.api.releases.views import ReleaseRow, ReleaseView


class Releases:
    """The releases of one repository.

    A reference is text: ``NAME@VERSION`` or ``NAME@CHANNEL``.  Every method raises
    :class:`assay.errors.AssayError` with a stable code.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def create(self, reference: str, *, message: str = "", dry_run: bool = False) -> Created:
        """Bind what assay.yaml declares to HEAD."""
        from assay.api.releases.making import create
        from assay.releases.names import require_version

        return create(self._context, require_version(reference), message=message, dry_run=dry_run)

    def all(self, name: str = "") -> list[ReleaseRow]:
        """Every release (of one name), oldest version first."""
        from assay.api.releases.views import list_releases

        return list_releases(self._context, name)

    def show(self, reference: str) -> ReleaseView:
        """One release, with gates and channels."""
        from assay.api.releases.views import show_release
        from assay.releases.names import parse_reference

        return show_release(self._context, parse_reference(reference))

    def run_gates(self, reference: str, gates: list[str] | None = None) -> GateRun:
        """Judge a release by its gates and record each verdict."""
        from assay.api.releases.making import gate_run
        from assay.releases.names import require_version

        return gate_run(self._context, require_version(reference), gates or [])

    def promote(
        self, reference: str, channel: str, *, reason: str = "", dry_run: bool = False
    ) -> Moved:
        """Let a channel serve a release."""
        from assay.api.releases.channels import promote
        from assay.releases.names import require_version

        return promote(
            self._context, require_version(reference), channel, reason=reason, dry_run=dry_run
        )

    def roll_back(
        self, channel: str, *, to: str | None = None, reason: str = "", dry_run: bool = False
    ) -> Moved:
        """Let a channel (``NAME@CHANNEL``) serve again what it served before."""
        from assay.api.releases.channels import roll_back
        from assay.releases.names import require_channel

        return roll_back(
            self._context, require_channel(channel), to=to, reason=reason, dry_run=dry_run
        )

    def quarantine(self, reference: str, *, reason: str) -> QuarantineResult:
        """Forbid a release everywhere."""
        from assay.api.releases.channels import quarantine
        from assay.releases.names import require_version

        return quarantine(self._context, require_version(reference), reason=reason)

    def init_policy(self, *, name: str | None = None, key: str | None = None) -> PolicyResult:
        """Begin a trust policy."""
        from assay.api.releases.policies import policy_init

        return policy_init(self._context, name=name, key=key)

    def sign_policy(self) -> PolicyResult:
        """Bring the edited policy file into force."""
        from assay.api.releases.policies import policy_sign

        return policy_sign(self._context)

    def policy(self) -> PolicyView:
        """The policy in force."""
        from assay.api.releases.policies import policy_show

        return policy_show(self._context)
