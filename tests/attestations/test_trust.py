"""The chain of policies: each version vouched for by the one before it, and no way around that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from assay.attestations.envelope import decode
from assay.attestations.signer import seal
from assay.attestations.signer_file import FileSigner
from assay.attestations.statement import Statement, Subject, parse_statement
from assay.attestations.trust import Trust, policy_statement, verify_chain
from assay.errors import AssayError, Untrusted

ID, OTHER_ID = "0" * 32, "1" * 32


def signer(number: int) -> FileSigner:
    return FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


ANA, BEN, EVE = signer(1), signer(2), signer(3)
KEYS = {"ana": ANA, "ben": BEN, "eve": EVE}


def text(
    may: str = "ana", *, people: str = "ana ben", revoked: str = "", repository: str = ID
) -> bytes:
    """A policy in which ``may`` do everything."""
    lines = ["format: 1", f"repository: '{repository}'", "people:"]
    lines += [f"  {name}: {{keys: ['{KEYS[name].key.line}']}}" for name in people.split()]
    lines += ["allow:"]
    lines += [f"  {what}: [{', '.join(may.split())}]" for what in ("policy", "create", "run")]
    marks = ", ".join(f"'{KEYS[name].key.fingerprint}'" for name in revoked.split())
    return "\n".join([*lines, f"revoked: [{marks}]", ""]).encode()


@dataclass
class Chain:
    """A chain as somebody publishes it; what is signed by whom is the caller's affair."""

    files: dict[str, bytes] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)

    def add(
        self,
        data: bytes,
        *by: FileSigner,
        number: int | None = None,
        previous: str | None = "",
        said: bytes | None = None,
        repository: str = ID,
    ) -> Chain:
        from assay.attestations.envelope import Envelope
        from assay.attestations.statement import statement_digest

        at = number or len(self.digests) + 1
        before = (self.digests[-1] if self.digests else None) if previous == "" else previous
        payload = policy_statement(said or data, repository, at, before, "now").payload()
        signatures = tuple(s for one in by for s in seal(payload, one).signatures)
        self.files[f"{at:06d}.json"] = Envelope(payload=payload, signatures=signatures).encode()
        self.files[f"{at:06d}.yaml"] = data
        self.digests.append(statement_digest(payload))
        return self


def verified(files: Mapping[str, bytes]) -> Trust:
    found = verify_chain(files)
    assert found is not None
    return found


def refused(files: Mapping[str, bytes]) -> str:
    with pytest.raises(AssayError) as caught:
        verify_chain(files)
    assert caught.value.exit_code in (2, 5, 12)
    return f"{caught.value.code}: {caught.value.what}"


def test_no_files_are_no_policy() -> None:
    assert verify_chain({}) is None
    assert verify_chain({"README": b"x", "1.json": b"", "000001.txt": b""}) is None


def test_whoever_trusts_the_first_trusts_the_last() -> None:
    chain = Chain().add(text("ana ben"), ANA).add(text("ben"), BEN).add(text("ben eve"), BEN)
    # The last people may be others than the first; every link was vouched for by the one before.
    chain = Chain().add(text("ana"), ANA).add(text("ben"), ANA).add(text("ana"), BEN)
    found = verified(chain.files)
    assert [version.signed_by for version in found.versions] == ["ana", "ana", "ben"]
    assert (found.root, found.current.digest) == (chain.digests[0], chain.digests[2])


@pytest.mark.parametrize("by", [(), (EVE,), (BEN,)], ids=["nobody", "an outsider", "a bystander"])
@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_version_that_nobody_who_may_has_signed_is_refused(
    by: tuple[FileSigner, ...], length: int
) -> None:
    chain = Chain()
    for _ in range(length):
        chain.add(text("ana"), ANA)
    chain.add(text("ana"), *by)
    assert "policy-chain-broken" in refused(chain.files)


def test_a_version_cannot_allow_its_own_signer() -> None:
    chain = Chain().add(text("ana"), ANA).add(text("eve", people="ana eve"), EVE)
    assert "policy-chain-broken" in refused(chain.files)


def test_one_signature_that_counts_is_enough_among_others() -> None:
    chain = Chain().add(text("ana"), EVE, BEN, ANA)
    assert verified(chain.files).current.signed_by == "ana"


def three() -> Chain:
    return Chain().add(text("ana"), ANA).add(text("ana ben"), ANA).add(text("ben"), BEN)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("what", ["json", "yaml", "both"])
def test_a_missing_version_is_noticed(number: int, what: str) -> None:
    files = three().files
    for kind in ("json", "yaml"):
        if what in (kind, "both"):
            del files[f"{number:06d}.{kind}"]
    assert "policy-chain-broken" in refused(files)


def test_versions_that_changed_places_are_noticed() -> None:
    files = three().files
    for kind in ("json", "yaml"):
        one, other = f"000002.{kind}", f"000003.{kind}"
        files[one], files[other] = files[other], files[one]
    assert "policy-chain-broken" in refused(files)


def test_a_text_that_is_not_the_one_that_was_signed_is_noticed() -> None:
    chain = three()
    for number in (1, 2, 3):
        name = f"{number:06d}.yaml"
        files = {**chain.files, name: chain.files[name] + b"# more\n"}
        assert "signed for another text" in refused(files)
    assert "signed for another text" in refused(
        Chain().add(text("ana ben"), ANA, said=text("ana")).files
    )


def test_a_version_of_another_chain_does_not_fit() -> None:
    other = Chain().add(text("ana ben"), ANA).add(text("ben"), ANA)
    chain = Chain().add(text("ana"), ANA)
    files = {**chain.files, **{n: d for n, d in other.files.items() if n.startswith("000002")}}
    assert "does not follow" in refused(files)


def test_a_first_version_with_a_predecessor_and_a_later_one_without_are_refused() -> None:
    assert "does not follow" in refused(Chain().add(text(), ANA, previous="0" * 64).files)
    assert "does not follow" in refused(
        Chain().add(text(), ANA).add(text(), ANA, previous=None).files
    )


def test_a_number_is_signed_too() -> None:
    chain = Chain().add(text(), ANA).add(text("ben"), ANA).add(text("ana"), BEN)
    moved = {
        name.replace("000003", "000002"): data
        for name, data in chain.files.items()
        if not name.startswith("000002")
    }
    assert "does not follow" in refused(moved)


def test_a_version_for_another_repository_is_refused() -> None:
    chain = Chain().add(text(), ANA).add(text(repository=OTHER_ID), ANA, repository=OTHER_ID)
    assert "another repository" in refused(chain.files)


def test_a_statement_of_another_kind_is_no_version() -> None:
    chain = Chain().add(text(), ANA)
    envelope = decode(chain.files["000001.json"], where="it")
    said = parse_statement(envelope.payload, kind="policy", where="it")
    other = Statement(kind="release", subjects=said.subjects, predicate=said.predicate)
    chain.files["000001.json"] = seal(other.payload(), ANA).encode()
    assert "attestation-invalid" in refused(chain.files)


def test_an_outsider_cannot_append_to_a_good_chain() -> None:
    chain = three().add(text("eve", people="ana ben eve"), EVE)
    assert "policy-chain-broken" in refused(chain.files)


# -- revoking -----------------------------------------------------------------------------


def test_a_key_does_not_vouch_for_the_version_that_revokes_it() -> None:
    chain = Chain().add(text("ana ben"), ANA).add(text("ana ben", revoked="ana"), ANA)
    assert "policy-chain-broken" in refused(chain.files)
    chain = Chain().add(text("ana ben"), ANA).add(text("ana ben", revoked="ana"), BEN)
    assert verified(chain.files).current.signed_by == "ben"


def test_a_first_version_does_not_revoke_its_signer() -> None:
    assert "policy-chain-broken" in refused(Chain().add(text(revoked="ana"), ANA).files)


def test_a_revoked_key_signs_no_further_version() -> None:
    chain = Chain().add(text("ana ben"), ANA).add(text("ana ben", revoked="ana"), BEN)
    chain.add(text("ana"), ANA)
    assert "policy-chain-broken" in refused(chain.files)


def statement(policy: str, *, repository: str = ID) -> Statement:
    return Statement(
        kind="release",
        subjects=(Subject(name="bot@1.0.0", digest={}),),
        predicate={"repository": repository, "policy": policy},
    )


def who(trust: Trust, said: Statement, by: FileSigner, action: str = "create") -> str:
    envelope = seal(said.payload(), by)
    return trust.signer_of(envelope, said, action, where="the release")


def why_not(trust: Trust, said: Statement, by: FileSigner, action: str = "create") -> str:
    with pytest.raises(Untrusted) as caught:
        who(trust, said, by, action)
    assert caught.value.code == "signature-untrusted"
    return caught.value.why


def test_a_statement_is_judged_by_the_policy_that_it_names() -> None:
    chain = Chain().add(text("ana"), ANA).add(text("ben"), ANA)
    trust = verified(chain.files)
    assert who(trust, statement(chain.digests[0]), ANA) == "ana"
    assert who(trust, statement(chain.digests[1]), BEN) == "ben"
    assert "may not" in why_not(trust, statement(chain.digests[0]), BEN)
    assert "may not" in why_not(trust, statement(chain.digests[1]), ANA)


def test_a_key_that_is_revoked_later_vouches_for_nothing_that_it_signed_before() -> None:
    before = Chain().add(text("ana ben"), ANA)
    assert who(verified(before.files), statement(before.digests[0]), ANA) == "ana"
    after = before.add(text("ben", revoked="ana"), BEN)
    trust = verified(after.files)
    assert "revoked" in why_not(trust, statement(after.digests[0]), ANA)
    assert who(trust, statement(after.digests[0]), BEN) == "ben"


def test_a_statement_for_another_repository_or_policy_does_not_count() -> None:
    chain = Chain().add(text("ana"), ANA)
    trust = verified(chain.files)
    digest = chain.digests[0]
    assert "another repository" in why_not(trust, statement(digest, repository=OTHER_ID), ANA)
    assert "another repository" in why_not(trust, statement(digest, repository=""), ANA)
    assert "not in this chain" in why_not(trust, statement("0" * 64), ANA)
    assert "nobody's" in why_not(trust, statement(digest), EVE)
    assert "may not" in why_not(trust, statement(digest), ANA, action="promote")


def test_a_statement_that_was_changed_after_it_was_signed_does_not_count() -> None:
    chain = Chain().add(text("ana"), ANA)
    trust = verified(chain.files)
    said = statement(chain.digests[0])
    envelope = seal(said.payload(), ANA)
    other = seal(statement(chain.digests[0], repository=ID).payload() + b" ", None)
    from dataclasses import replace

    with pytest.raises(Untrusted) as caught:
        trust.signer_of(
            replace(other, signatures=envelope.signatures), said, "create", where="the release"
        )
    assert "changed after" in caught.value.why


def test_what_nobody_signed_is_called_so() -> None:
    chain = Chain().add(text("ana"), ANA)
    trust = verified(chain.files)
    said = statement(chain.digests[0])
    with pytest.raises(Untrusted) as caught:
        trust.signer_of(seal(said.payload(), None), said, "create", where="the release")
    assert caught.value.why == "It is UNSIGNED."


GOOD = three()


@given(st.sampled_from(sorted(GOOD.files)), st.integers(min_value=0), st.integers(1, 255))
def test_a_chain_with_any_byte_changed_is_the_same_or_none(name: str, at: int, by: int) -> None:
    data = bytearray(GOOD.files[name])
    data[at % len(data)] ^= by
    try:
        found = verified({**GOOD.files, name: bytes(data)})
    except AssayError as error:
        assert error.exit_code in (2, 5, 12)  # noqa: PT017 - most changes end here
        return
    assert found == verified(GOOD.files)


def test_a_policy_that_does_not_let_its_signer_change_it_is_refused_at_once(
    tmp_path: Path,
) -> None:
    assert "policy-chain-broken" in refused(Chain().add(text("ben"), ANA).files)
