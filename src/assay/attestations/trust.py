"""The chain of policies: each version vouched for by the one before it.  Bytes in, verdict out.

Who trusts the first version (its digest is the chain's *root*) trusts every later one: a change
counts only when somebody whom the version before allows ``policy`` has signed it.  The idea is
that of The Update Framework's root metadata (specification 1.0, section 5.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.attestations.envelope import Envelope, decode
from assay.attestations.policy import Policy
from assay.attestations.policy_file import parse_policy
from assay.attestations.signature import signers
from assay.attestations.statement import Statement, Subject, parse_statement, statement_digest
from assay.errors import Untrusted

KIND = "policy"
POLICY_NAME = "policy.yaml"
_FILE = re.compile(r"([0-9]{6})\.(json|yaml)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One link of the chain: its digest, its policy, and who signed it."""

    digest: str
    policy: Policy
    signed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A verified chain, oldest first; never empty."""

    versions: tuple[PolicyVersion, ...]

    @property
    def root(self) -> str:
        """What a consumer pins."""
        return self.versions[0].digest

    @property
    def current(self) -> PolicyVersion:
        """The version in force."""
        return self.versions[-1]

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.versions[-1].policy

    def version(self, digest: object) -> PolicyVersion | None:
        """The version that a statement names."""
        return next((v for v in self.versions if v.digest == digest), None)

    def number(self, digest: object) -> int:
        """Which version of the chain a digest names, from 1; 0 for none."""
        return next((n for n, v in enumerate(self.versions, 1) if v.digest == digest), 0)

    def signer_of(
        self, envelope: Envelope, statement: Statement, action: str, *, where: str
    ) -> str:
        """Who signed the statement ``where`` and was allowed ``action`` by the policy it names.

        A key that the policy in force revokes counts for nothing, whenever it signed.  Raises
        :class:`Untrusted` ``signature-untrusted``.
        """
        said = statement.predicate
        version = self.version(said.get("policy"))
        if said.get("repository") != self.policy.repository:
            raise _untrusted(where, "It was made for another repository.")
        if version is None:
            raise _untrusted(where, "It names a policy that is not in this chain.")
        revoked = self.policy.revoked
        keys = [key for key in version.policy.keys if key.fingerprint not in revoked]
        found = signers(envelope, keys)
        name = version.policy.allowed(action, found)
        if name is not None:
            return name
        raise _untrusted(where, self._why_not(envelope, version, action, bool(found)))

    def _why_not(
        self, envelope: Envelope, version: PolicyVersion, action: str, is_somebody: bool
    ) -> str:
        if not envelope.signatures:
            return "It is UNSIGNED."
        names = {signature.key_id for signature in envelope.signatures}
        if names & self.policy.revoked:
            return f"The key that signed it, {min(names & self.policy.revoked)}, is revoked."
        if is_somebody:
            return f"Whoever signed it may not {action!r} by the policy."
        known = {key.fingerprint for key in version.policy.keys}
        if names & known:
            return "Its signature does not match: it was changed after it was signed."
        return f"No key of the policy signed it; {min(names)} is nobody's."


def _untrusted(where: str, why: str) -> Untrusted:
    return Untrusted(
        "signature-untrusted",
        f"{where[:1].upper()}{where[1:]} is not signed by whoever may sign it.",
        why=why,
        fix="Do not use it; ask the repository's maintainers (`assay policy show`).",
    )


def verify_chain(files: Mapping[str, bytes]) -> Trust | None:
    """The chain of the policy ref's files, ``NNNNNN.json`` and ``NNNNNN.yaml``; None for none.

    Raises :class:`Untrusted` ``policy-chain-broken`` and what reading them raises.
    """
    numbers = sorted({int(m[1]) for name in files if (m := _FILE.fullmatch(name))})
    if not numbers:
        return None
    if numbers != list(range(1, len(numbers) + 1)):
        raise _broken("a version is missing")
    versions: list[PolicyVersion] = []
    for number in numbers:
        envelope, text = files.get(f"{number:06d}.json"), files.get(f"{number:06d}.yaml")
        if envelope is None or text is None:
            raise _broken(f"version {number} is incomplete")
        versions.append(_next_version(versions, envelope, text, number))
    return Trust(versions=tuple(versions))


def _next_version(
    before: list[PolicyVersion], data: bytes, text: bytes, number: int
) -> PolicyVersion:
    where = f"policy version {number}"
    envelope = decode(data, where=where)
    said = parse_statement(envelope.payload, kind=KIND, where=where)
    if {subject.name: dict(subject.digest) for subject in said.subjects} != _subject(text):
        raise _broken(f"version {number} was signed for another text")
    policy = parse_policy(text, where=f"{POLICY_NAME} version {number}")
    previous = before[-1].digest if before else None
    if said.predicate.get("sequence") != number or said.predicate.get("previous") != previous:
        raise _broken(f"version {number} does not follow the one before it")
    if before and policy.repository != before[-1].policy.repository:
        raise _broken(f"version {number} is for another repository")
    judge = before[-1].policy if before else policy
    # A key that the new version revokes may not vouch for it either.
    keys = [key for key in judge.keys if key.fingerprint not in policy.revoked]
    name = judge.allowed(KIND, signers(envelope, keys))
    if name is None:
        raise _broken(f"version {number} is not signed by anybody who may change the policy")
    return PolicyVersion(digest=statement_digest(envelope.payload), policy=policy, signed_by=name)


def policy_statement(
    text: bytes, repository: str, sequence: int, previous: str | None, at: str
) -> Statement:
    """What is signed when a policy comes into force."""
    predicate: dict[str, Any] = {
        "repository": repository,
        "sequence": sequence,
        "previous": previous,
        "at": at,
    }
    subjects = tuple(Subject(name=n, digest=d) for n, d in _subject(text).items())
    return Statement(kind=KIND, subjects=subjects, predicate=predicate)


def _subject(text: bytes) -> dict[str, dict[str, str]]:
    from blake3 import blake3

    return {POLICY_NAME: {"blake3": blake3(text).hexdigest()}}


def _broken(why: str) -> Untrusted:
    return Untrusted(
        "policy-chain-broken",
        f"The repository's policy cannot be trusted: {why}.",
        why="Every version must be signed by somebody whom the version before it allows that.",
        fix="Fetch refs/assay/policy again; if it stays so, ask who pushed to it.",
    )
