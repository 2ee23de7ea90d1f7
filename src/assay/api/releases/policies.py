"""Verbs of trust: begin a policy with a key, sign a change of it, show what is in force."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assay.api.context import Context
from assay.api.releases.desk import Desk, open_desk
from assay.api.releases.signing import load_signer
from assay.attestations.policy import Policy
from assay.attestations.policy_file import MAX_BYTES, first_policy, parse_policy
from assay.attestations.signature import signers
from assay.attestations.signer import Signer, seal
from assay.attestations.trust import Trust, policy_statement
from assay.errors import Conflict, InvalidInput, NotFound, Untrusted
from assay.releases.ledger import Publication, RecordChange
from assay.releases.names import POLICY_REF
from assay.settings import current_environment, default_key

FILE = "policy.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """A policy that came into force, and the key that signed it.

    ``left`` has the keys (fingerprint: person) that the version before had and this one neither
    has nor revokes: what they sign in the name of an older version still counts.
    """

    path: str
    root: str
    digest: str
    sequence: int
    fingerprint: str
    key_path: str
    is_new_key: bool = False
    left: Mapping[str, str] = field(default_factory=dict)


def policy_init(
    context: Context, *, name: str | None = None, key: str | None = None
) -> PolicyResult:
    """Begin a policy: a key (made where there is none), the file, its first signed version.

    ``name`` is what the policy calls the key's owner.  A file that is there already, by hand or
    from a run that was cut short, is taken as it is.  Raises :class:`Conflict` ``policy-exists``.
    """
    with context.changing(), open_desk(context, must_sync=True) as desk:
        path = os.path.join(context.home, FILE)
        if desk.trust is not None:
            raise Conflict(
                "policy-exists",
                "This repository has a policy already.",
                fix=f"Edit {os.path.relpath(path)} and run `assay policy sign`.",
                paths=(path,),
            )
        signer, key_path, is_new = _signer(context, key)
        is_there = os.path.lexists(path)
        if is_there:
            text = _read(path)
        else:
            person = name or _user_name(context)
            text = first_policy(
                os.urandom(16).hex(), person, signer.key, _declared_channels(context)
            )
        _require_own(parse_policy(text, where=os.path.relpath(path)), signer, path)
        if not is_there:
            _write(path, text)
        found = _publish(desk, text, signer)
        context.stage_in_git([os.fsencode(os.path.relpath(path, context.root))])
        return PolicyResult(
            path=path,
            root=found.root,
            digest=found.current.digest,
            sequence=len(found.versions),
            fingerprint=signer.key.fingerprint,
            key_path=key_path,
            is_new_key=is_new,
        )


def policy_sign(context: Context) -> PolicyResult:
    """Bring the edited policy file into force; it counts when the policy before allows it."""
    with context.changing(), open_desk(context, must_sync=True) as desk:
        path = os.path.join(context.home, FILE)
        trust = _require_policy(desk)
        text = _read(path)
        policy = parse_policy(text, where=os.path.relpath(path))
        signer = desk.signer
        if policy.repository != trust.policy.repository:
            raise InvalidInput(
                "policy-invalid",
                f"{os.path.relpath(path)} is for another repository.",
                why=f"`repository` was {trust.policy.repository}; it never changes.",
                fix="Put it back.",
                paths=(path,),
            )
        if signer is None:
            raise NotFound(
                "signing-key-missing",
                "There is no key to sign the policy with.",
                why="A change counts only when somebody whom the policy allows it signs it.",
                fix="Name your key: `assay config --global signing.key PATH`.",
            )
        desk.require_allowed("policy")
        if signer.key.fingerprint in policy.revoked:
            raise InvalidInput(
                "policy-invalid",
                f"{os.path.relpath(path)} revokes the very key that would sign it.",
                fix="Let somebody else sign, or sign with another key.",
                paths=(path,),
            )
        found = _publish(desk, text, signer)
        return PolicyResult(
            path=path,
            root=found.root,
            digest=found.current.digest,
            sequence=len(found.versions),
            fingerprint=signer.key.fingerprint,
            key_path=context.settings.release.signing_key or "",
            left=_left(trust.policy, policy),
        )


def _left(before: Policy, after: Policy) -> dict[str, str]:
    """The keys that went away without being revoked, and whose they were."""
    kept = {key.fingerprint for key in after.keys} | after.revoked
    return {
        key.fingerprint: name
        for name, keys in before.people.items()
        for key in keys
        if key.fingerprint not in kept
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """The chain in force, whether the file says the same, and who would sign here."""

    trust: Trust
    is_file_in_force: bool
    signer: str
    person: str


def policy_show(context: Context) -> PolicyView:
    """What is in force; raises :class:`NotFound` ``policy-missing``."""
    with open_desk(context) as desk:
        trust = _require_policy(desk)
        record = desk.ledger.record(POLICY_REF)
        newest = f"{len(trust.versions):06d}.yaml"
        try:
            text = _read(os.path.join(context.home, FILE))
        except NotFound:
            text = b""
        signer = desk.signer
        return PolicyView(
            trust=trust,
            is_file_in_force=record is not None and record.files.get(newest) == text,
            signer=signer.key.fingerprint if signer else "",
            person=(trust.policy.person(signer.key) if signer else None) or "",
        )


def _require_own(policy: Policy, signer: Signer, path: str) -> None:
    if policy.allowed("policy", [signer.key]) is None:
        raise Untrusted(
            "not-allowed",
            f"{os.path.relpath(path)} does not allow 'policy' to the key that would sign it.",
            why=f"The signing key is {signer.key.fingerprint}.",
            fix="Add the key's `.pub` line to a person who may, or delete the file.",
            paths=(path,),
        )


def _publish(desk: Desk, text: bytes, signer: Signer) -> Trust:
    trust = desk.trust
    number = len(trust.versions) + 1 if trust else 1
    policy = parse_policy(text, where=FILE)
    statement = policy_statement(
        text, policy.repository, number, trust.current.digest if trust else None, desk.now
    )
    envelope = seal(statement.payload(), signer)
    if not signers(envelope, [signer.key]):
        raise Untrusted("signing-failed", "The signature that was made does not verify.")
    before = desk.ledger.record(POLICY_REF)
    files = {f"{number:06d}.json": envelope.encode(), f"{number:06d}.yaml": text}
    change = RecordChange(
        ref=POLICY_REF, before=before, files=files, message=f"Policy version {number}"
    )
    desk.publish(Publication(records=[change]))
    found = desk.trust
    assert found is not None
    return found


def _signer(context: Context, key: str | None) -> tuple[Signer, str, bool]:
    """``(signer, where its key is, whether it was just made)``."""
    from assay.attestations.signer_file import make_key

    path = os.path.abspath(key) if key else context.settings.release.signing_key
    if path is not None:
        return load_signer(path), path, False
    path = str(default_key(current_environment()))
    return make_key(path, f"assay signing key of {_user_name(context)}"), path, True


def _user_name(context: Context) -> str:
    """What to call whoever runs this: by the e-mail address that their commits have."""
    from assay.git.program import run_git

    said = run_git(["var", "GIT_AUTHOR_IDENT"], cwd=context.root, check=False)
    text = said.decode("utf-8", "replace").rpartition("<")[2].partition("@")[0]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return name[:64] or "maintainer"


def _declared_channels(context: Context) -> dict[str, Iterable[str]]:
    """The protected channels that the workspace's releases declare, with their gates."""
    from assay.api.releases.declarations import workspace_declarations

    found: dict[str, dict[str, None]] = {}
    for declaration in workspace_declarations(context).values():
        for name, channel in declaration.channels.items():
            if channel.is_protected:
                found.setdefault(name, {}).update(dict.fromkeys(channel.requires))
    return {name: list(gates) for name, gates in found.items()}


def _require_policy(desk: Desk) -> Trust:
    if desk.trust is None:
        raise NotFound(
            "policy-missing",
            "This repository has no policy.",
            why="Nobody's signature means anything yet: everything is UNSIGNED.",
            fix="Begin one: `assay policy init`.",
        )
    return desk.trust


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(
            "policy-missing",
            f"{os.path.relpath(path)} is not there.",
            why="It should lie in Git beside the repository's settings.",
            fix="Restore it with Git.",
            paths=(path,),
        ) from None


def _write(path: str, text: bytes) -> None:
    from assay.store.durable import write_atomic

    write_atomic(path, text)
