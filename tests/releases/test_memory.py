"""Whoever has seen more is not shown less: an older past, another policy, a moved tag."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay as api
from assay.errors import Untrusted
from assay.releases.memory import Memory
from assay.releases.memory_file import load_memory, memory_path, save_memory
from bots import (
    CHANNELS,
    POLICY_REF,
    QUARANTINE,
    Bots,
    Hub,
    add_policy,
    forged,
    release_ref,
    set_field,
)
from projects import assay

ONE, TWO = release_ref("1.0.0"), release_ref("1.1.0")


def rewind(hub: Hub, ref: str, by: int = 1) -> None:
    """Show an older state of a record."""
    hub.git("update-ref", ref, f"{ref}~{by}")


def root_of(bots: Bots) -> str:
    return str(bots.assay("policy", "show", "--json").json()["root"])


# -- channels and releases ----------------------------------------------------------------


def test_an_older_state_of_a_channel_is_refused_by_who_saw_the_newer(served: Bots) -> None:
    served.get("bot@prod")
    rewind(served.hub, CHANNELS)
    assert "state 2 was seen before" in served.refused("bot@prod", "channel-rolled-back", 12)
    served.get("bot@1.1.0")


def test_a_channel_that_vanished_is_refused_by_who_saw_it(served: Bots) -> None:
    served.get("bot@prod")
    served.hub.delete(CHANNELS)
    served.refused("bot@prod", "channel-rolled-back", 12)


def test_another_state_of_the_same_number_is_refused(served: Bots) -> None:
    served.get("bot@prod")
    mine = served.hub.files(CHANNELS)["prod/000002.json"]
    other = forged(mine, set_field("predicate", "reason", to="other"), served.key("ben"))
    served.hub.edit(CHANNELS, {"prod/000002.json": other})
    served.refused("bot@prod", "channel-rolled-back", 12)


def test_a_newer_state_is_taken(served: Bots) -> None:
    served.get("bot@prod")
    served.assay("rollback", "bot@prod")
    assert served.get("bot@prod", "--json").json()["version"] == "1.0.0"
    rewind(served.hub, CHANNELS)
    served.refused("bot@prod", "channel-rolled-back", 12)


def test_a_release_that_was_replaced_is_refused_by_who_saw_it(served: Bots) -> None:
    """Even when somebody who may make releases signed the new one."""
    served.get("bot@1.0.0")
    mine = served.hub.files(ONE)["release.json"]
    other = forged(mine, set_field("predicate", "message", to="other"), served.key("ana"))
    served.hub.edit(ONE, {"release.json": other})
    served.refused("bot@1.0.0", "release-replaced", 12)
    served.refused("bot@1.0.0", "release-replaced", 12, "--unproven")


def test_what_is_replaced_in_the_clone_itself_is_refused(served: Bots) -> None:
    served.assay("release", "get", "bot@prod", "-o", "../app")
    before = served.project.git("rev-parse", f"{CHANNELS}~1").decode()
    served.hub.git("update-ref", CHANNELS, before)
    served.project.git("update-ref", CHANNELS, before)
    done = served.assay("release", "get", "bot@prod", "-o", "../app", "--json", exit_code=12)
    assert done.json()["error"]["code"] == "channel-rolled-back"


def test_a_clone_refuses_records_that_were_rewritten(served: Bots) -> None:
    for rewrite in (
        lambda: rewind(served.hub, CHANNELS),
        lambda: served.hub.put(CHANNELS, served.hub.files(CHANNELS)),
    ):
        rewrite()
        for words in (("release", "list"), ("promote", "bot@1.0.0", "prod")):
            done = served.assay(*words, "--json", exit_code=12)
            assert done.json()["error"]["code"] == "record-rewritten"


def test_each_repository_is_remembered_by_itself(served: Bots) -> None:
    served.get("bot@prod")
    rewind(served.hub, CHANNELS)
    other = served.base / "elsewhere.git"
    served.hub.git("clone", "-q", "--mirror", str(served.hub.path), str(other))
    words = ("release", "get", "bot@prod", "--repo", str(other), "-o", "other")
    assay(served.base, *words)
    served.refused("bot@prod", "channel-rolled-back", 12)


def test_a_failed_attempt_does_not_make_anybody_forget_or_learn_wrongly(served: Bots) -> None:
    served.get("bot@prod")
    rewind(served.hub, CHANNELS)
    for _ in range(3):
        served.refused("bot@prod", "channel-rolled-back", 12)
    served.hub.git("update-ref", CHANNELS, served.project.git("rev-parse", CHANNELS).decode())


# -- tags ---------------------------------------------------------------------------------


def test_a_moved_tag_is_refused_by_whoever_takes_it(served: Bots) -> None:
    served.get("bot@1.0.0")
    served.hub.git("tag", "-f", "bot@v1.0.0", "main")
    for what, words in (("bot@1.0.0", ()), ("bot@1.0.0", ("--unproven",))):
        said = served.refused(what, "tag-moved", 12, *words)
        assert "was moved to" in said
    served.assay("rollback", "bot@prod")  # here the tag is where it was
    served.refused("bot@prod", "tag-moved", 12)


def test_a_tag_that_is_gone_is_only_a_view_that_is_gone(served: Bots) -> None:
    served.hub.delete("refs/tags/bot@v1.1.0", "refs/tags/bot#prod#2")
    served.get("bot@prod")


def test_a_tag_that_names_no_commit_is_refused(served: Bots) -> None:
    tree = served.hub.git("rev-parse", "main^{tree}").decode()
    served.hub.git("update-ref", "refs/tags/bot@v1.1.0", tree)
    done = served.get("bot@prod", exit_code=None)
    assert done.exit_code in (0, 12)  # a tag is a view; what it is not, is another commit


# -- the policy ---------------------------------------------------------------------------


def replace_policy(bots: Bots) -> None:
    """Somebody with the right to push begins a policy of their own, and signs everything."""
    eve = bots.key("eve")
    policy = bots.hub.files(POLICY_REF)
    text = policy["000001.yaml"].decode().replace(bots.key("ana").key.line, eve.key.line)
    from blake3 import blake3

    def own(statement: dict[str, object]) -> None:
        digest = {"blake3": blake3(text.encode()).hexdigest()}
        statement["subject"] = [{"name": "policy.yaml", "digest": digest}]

    made = forged(policy["000001.json"], own, eve)
    bots.hub.put(POLICY_REF, {"000001.json": made, "000001.yaml": text.encode()})
    from assay.attestations.envelope import decode
    from assay.attestations.statement import statement_digest

    digest = statement_digest(decode(made, where="it").payload)
    for ref in (ONE, TWO, CHANNELS):
        files = {
            name: forged(data, set_field("predicate", "policy", to=digest), eve)
            if data.startswith(b'{\n "payloadType"')
            else data
            for name, data in bots.hub.files(ref).items()
        }
        bots.hub.put(ref, files)


def test_another_policy_is_refused_by_who_saw_the_first(served: Bots) -> None:
    served.get("bot@prod")
    replace_policy(served)
    served.refused("bot@prod", "policy-root-differs", 12)
    served.refused("bot@1.0.0", "policy-root-differs", 12, "--unproven")


@pytest.mark.parametrize("how", ["option", "variable", "setting", "python"])
def test_another_policy_is_refused_by_who_pinned_the_root(
    served: Bots, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    root = root_of(served)
    words: tuple[str, ...] = ()
    if how == "option":
        words = ("--policy-root", root)
    elif how == "variable":
        monkeypatch.setenv("ASSAY_POLICY_ROOT", root)
    elif how == "setting":
        assay(served.base, "config", "--global", "trust.policy_root", root)
    if how == "python":
        assert api.release("bot", version="1.0.0", repo=served.hub.path, policy_root=root)
        replace_policy(served)
        with pytest.raises(Untrusted) as caught:
            api.release("bot", version="1.0.0", repo=served.hub.path, policy_root=root)
        assert caught.value.code == "policy-root-differs"
        return
    replace_policy(served)
    served.refused("bot@prod", "policy-root-differs", 12, *words)


def test_a_repository_cannot_vouch_for_its_own_root(served: Bots) -> None:
    """A pin in the settings that it brings along is none."""
    root = root_of(served)
    served.get("bot@prod")
    served.assay("config", "--project", "trust.policy_root", "0" * 64)
    served.commit()
    served.get("bot@prod")
    assert root == root_of(served)


def test_a_policy_that_vanished_is_refused_by_who_saw_or_pinned_it(served: Bots) -> None:
    root = root_of(served)
    served.hub.delete(POLICY_REF)
    served.refused("bot@prod", "policy-vanished", 12, "--policy-root", root)
    served.hub.git("update-ref", POLICY_REF, served.project.git("rev-parse", POLICY_REF).decode())
    served.get("bot@prod")
    served.hub.delete(POLICY_REF)
    served.refused("bot@prod", "policy-vanished", 12)


def test_a_pin_that_is_none_of_this_policy_is_refused(served: Bots) -> None:
    served.refused("bot@prod", "policy-root-differs", 12, "--policy-root", "0" * 64)
    served.refused("bot@prod", "policy-root-differs", 12, "--policy-root", "nonsense")


@pytest.mark.parametrize("pinned", [False, True])
def test_a_change_of_the_policy_cannot_be_taken_back(served: Bots, pinned: bool) -> None:
    """As by somebody whose key it revoked."""
    words = ("--policy-root", root_of(served)) if pinned else ()
    eve = served.key("ben").key.fingerprint
    served.change_policy(lambda text: text.replace("revoked: []", f"revoked: ['{eve}']"))
    served.get("bot@prod", *words)
    rewind(served.hub, POLICY_REF)
    served.refused("bot@prod", "policy-rolled-back", 12, *words)


def test_who_says_so_may_follow_a_policy_that_was_begun_anew(served: Bots) -> None:
    served.get("bot@prod")
    served.change_policy(lambda text: text + "# again\n")
    served.get("bot@prod")
    replace_policy(served)
    served.refused("bot@1.0.0", "policy-root-differs", 12)
    root = _root_there(served)

    def take() -> str:
        taken = api.release(
            "bot", version="1.0.0", repo=served.hub.path, policy_root=root, unproven=True
        )
        return taken.version

    assert take() == "1.0.0"
    # From now on this one is known, and so is how far it had come.
    assert api.release("bot@1.0.0", repo=served.hub.path, unproven=True).version == "1.0.0"


def _root_there(bots: Bots) -> str:
    from assay.git.objects import ObjectReader
    from assay.releases.ledger import Ledger

    with ObjectReader(bots.hub.path, bare=True, foreign=True) as reader:
        trust = Ledger(reader, is_bare=True).trust
        assert trust is not None
        return trust.root


def test_a_key_that_is_revoked_counts_no_more_for_what_it_signed(
    served: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.get("bot@prod")
    ana = served.key("ana").key.fingerprint
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(served.key_path("ben")))
    served.change_policy(lambda text: text.replace("revoked: []", f"revoked: ['{ana}']"))
    assert "revoked" in served.refused("bot@prod", "signature-untrusted", 12)
    for name in ("ana", "eve"):
        monkeypatch.setenv("ASSAY_SIGNING_KEY", str(served.key_path(name)))
        done = served.assay("policy", "sign", "--json", exit_code=12)
        assert done.json()["error"]["code"] == "not-allowed"


def test_who_leaves_without_being_revoked_is_still_believed_for_what_was_signed_before(
    served: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(served.key_path("ben")))
    served.change_policy(lambda text: text.replace("[ana, ben]", "[ben]"))
    served.get("bot@prod")


def test_a_revoked_key_cannot_fork_the_policy_before_its_revocation(served: Bots) -> None:
    """The version before still allows it; whoever saw it revoked must not believe the fork."""
    first = {n: d for n, d in served.hub.files(POLICY_REF).items() if n.startswith("000001")}
    ben = served.key("ben")
    revoked = f"revoked: ['{ben.key.fingerprint}']"
    served.change_policy(lambda text: text.replace("revoked: []", revoked))
    served.get("bot@prod")
    from blake3 import blake3

    second = served.hub.files(POLICY_REF)["000002.json"]
    text = first["000001.yaml"] + b"# by Ben\n"
    digest = {"blake3": blake3(text).hexdigest()}
    subject = set_field("subject", 0, "digest", to=digest)
    fork = {"000002.json": forged(second, subject, ben), "000002.yaml": text}
    served.hub.put(POLICY_REF, {**first, **fork})
    done = served.get("bot@prod", exit_code=None)
    assert done.exit_code == 12


def test_a_policy_begins_once(served: Bots) -> None:
    done = served.assay("policy", "init", "--json", exit_code=4)
    assert done.json()["error"]["code"] == "policy-exists"
    other = served.clone()
    assert other.assay("policy", "init", exit_code=4)


def test_a_policy_may_begin_after_releases_which_stay_unsigned(plain: Bots) -> None:
    plain.release("1.0.0", channel="staging")
    plain.get("bot@1.0.0")
    add_policy(plain)
    plain.refused("bot@1.0.0", "release-unsigned", 12)
    plain.get("bot@staging", to="other")  # the policy says that this one is not protected
    plain.release("1.1.0", channel="prod")
    plain.get("bot@prod", "--force")


# -- the file -----------------------------------------------------------------------------

TEXTS = st.text(max_size=20)
MEMORIES = st.builds(
    Memory,
    root=st.none() | TEXTS,
    policy=st.none() | st.just("ab" * 32),
    channels=st.dictionaries(TEXTS, st.tuples(st.integers(1, 99), TEXTS), max_size=3),
    releases=st.dictionaries(TEXTS, TEXTS, max_size=3),
    quarantined=st.dictionaries(TEXTS, TEXTS, max_size=3),
)


@given(MEMORIES)
def test_what_was_seen_is_kept_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, memory: Memory
) -> None:
    path = str(tmp_path_factory.getbasetemp() / f"memory-{os.getpid()}" / "seen.json")
    save_memory(path, memory, "address")
    assert load_memory(path) == memory


@pytest.mark.parametrize(
    ("text", "code", "exit_code"),
    [
        (b"", "memory-damaged", 5),
        (b"\0\xff", "memory-damaged", 5),
        (b"[]", "memory-damaged", 5),
        (b"{}", "memory-damaged", 5),
        (b'{"format": "1"}', "memory-damaged", 5),
        (b'{"format": 1, "root": null, "policy": null}', "memory-damaged", 5),
        (b"[" * 100_000, "memory-damaged", 5),
        (b'{"format": 2}', "memory-newer-format", 12),
    ],
)
def test_to_forget_is_to_trust_anybody_again(
    served: Bots, text: bytes, code: str, exit_code: int
) -> None:
    """So a memory that cannot be read stops everything, and the next step is a person's."""
    served.get("bot@prod")
    folder = str(Path(os.environ["XDG_STATE_HOME"]) / "assay" / "seen")
    path = Path(memory_path(folder, str(served.hub.path)))
    assert path.is_file()
    path.write_bytes(text)
    served.refused("bot@prod", code, exit_code)
    assert path.read_bytes() == text


def test_a_refusal_is_no_reason_to_forget_a_quarantine(served: Bots) -> None:
    served.assay("quarantine", "bot@1.0.0", "-m", "wrong")
    served.hub.git("tag", "-f", "bot@v1.1.0", "main~1")
    served.refused("bot@1.1.0", "tag-moved", 12)
    served.hub.delete(QUARANTINE)
    served.refused("bot@1.0.0", "release-quarantined", 11)
