"""Who signs here: the key that the settings name, and what the policy allows its owner."""

from __future__ import annotations

from assay.api.context import Context
from assay.attestations.envelope import Envelope
from assay.attestations.signer import Signer, seal
from assay.attestations.statement import Statement, statement_digest
from assay.attestations.trust import Trust
from assay.errors import Untrusted
from assay.settings import current_environment


def signer_of(context: Context) -> Signer | None:
    """The signer that the settings name, or None where there is no key."""
    path = context.settings.release.signing_key
    return None if path is None else load_signer(path)


def load_signer(path: str) -> Signer:
    """The signer for a private key, or through an agent for one with a passphrase."""
    from assay.attestations.signer_agent import agent_signer
    from assay.attestations.signer_file import EncryptedKey, load_key

    if path.endswith(".pub"):
        return agent_signer(path, current_environment())
    try:
        return load_key(path)
    except EncryptedKey:
        return agent_signer(path, current_environment())


def require_allowed(signer: Signer | None, trust: Trust | None, action: str) -> str:
    """The person who will sign, empty for nobody; refused before anything is recorded.

    Raises :class:`Untrusted` ``not-allowed`` for a key that may not do ``action``.
    """
    if trust is None or signer is None:
        return ""
    policy = trust.policy
    name = policy.allowed(action, [signer.key])
    if name is not None:
        return name
    person = policy.person(signer.key)
    who = f"{person} may not {action!r}" if person else "its key is nobody's"
    raise Untrusted(
        "not-allowed",
        f"The policy does not allow this: {who}.",
        why=f"The signing key is {signer.key.fingerprint}.",
        fix="Ask somebody who may (`assay policy show`), or have the policy changed.",
    )


def sealed(statement: Statement, signer: Signer | None, trust: Trust | None) -> tuple[bytes, str]:
    """``(the envelope as it is stored, the statement's digest)``.

    Without a policy nothing is signed: there is nobody whose signature would mean anything.
    """
    envelope: Envelope = seal(statement.payload(), signer if trust is not None else None)
    return envelope.encode(), statement_digest(envelope.payload)
