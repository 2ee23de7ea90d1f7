"""Quarantine: whoever asks, however they ask, and whatever they have already."""

from __future__ import annotations

import os

import pytest

import assay as api
from assay.errors import Quarantined
from bots import QUARANTINE, Bots, edited, forged, payload_of, release_ref, set_field, unsigned

REASON = "Says the door is locked when it is not"


@pytest.fixture
def bots(served: Bots) -> Bots:
    """Prod serves 1.1.0, which is in quarantine."""
    served.assay("quarantine", "bot@1.1.0", "-m", REASON)
    return served


def test_by_version_by_channel_and_unproven(bots: Bots) -> None:
    for words in (("bot@1.1.0",), ("bot@prod",), ("bot@1.1.0", "--unproven"), ("bot@v1.1.0",)):
        assert REASON in bots.refused(words[0], "release-quarantined", 11, *words[1:])
    bots.get("bot@1.0.0")


def test_from_a_folder_that_has_it_already(served: Bots) -> None:
    served.get("bot@prod")
    served.assay("quarantine", "bot@1.1.0", "-m", REASON)
    for what in ("bot@prod", "bot@1.1.0"):
        for words in ((), ("--trust-local",), ("--force",)):
            served.get(what, *words, exit_code=11)
    assert (served.base / "app" / "model.bin").is_file()  # what is there is not ours to delete


def test_from_python_and_a_warm_cache(served: Bots) -> None:
    taken = api.release("bot", channel="prod", repo=served.hub.path)
    assert taken.version == "1.1.0"
    served.assay("quarantine", "bot@1.1.0", "-m", REASON)
    for given in ({"channel": "prod"}, {"version": "1.1.0"}):
        with pytest.raises(Quarantined) as caught:
            api.release("bot", repo=served.hub.path, trust_local=True, **given)  # type: ignore[arg-type]
        assert caught.value.exit_code == 11
    assert api.release("bot", version="1.0.0", repo=served.hub.path).version == "1.0.0"


def test_for_verify_and_in_the_clone_itself(bots: Bots) -> None:
    for words in (
        ("release", "verify", "bot@prod"),
        ("release", "verify", "bot@1.1.0"),
        ("release", "get", "bot@prod", "-o", "../x"),
        ("promote", "bot@1.1.0", "staging"),
        ("gate", "run", "bot@1.1.0"),
    ):
        done = bots.assay(*words, "--json", exit_code=11)
        assert done.json()["error"]["code"] == "release-quarantined"


def test_until_the_channel_is_rolled_back(bots: Bots) -> None:
    bots.assay("rollback", "bot@prod")
    assert bots.get("bot@prod", "--json").json()["version"] == "1.0.0"


def test_it_tells_which_channels_serve_it(served: Bots) -> None:
    served.assay("promote", "bot@1.1.0", "staging")
    done = served.assay("quarantine", "bot@1.1.0", "-m", REASON, "--json").json()
    assert done["served_by"] == ["prod", "staging"]
    assert (done["reason"], done["signed_by"]) == (REASON, "ana")


def test_it_is_shown_wherever_the_release_is(bots: Bots) -> None:
    assert "QUARANTINED" in bots.assay("release", "list").stdout
    shown = bots.assay("release", "show", "bot@1.1.0").stdout
    assert "QUARANTINED" in shown
    assert REASON in shown
    assert (
        bots.assay("release", "show", "bot@1.1.0", "--json").json()["quarantine"]["reason"]
        == REASON
    )


def test_its_tag_says_so_to_people_and_other_tools(bots: Bots) -> None:
    commit = payload_of(bots.hub.files(release_ref("1.1.0"))["release.json"])["predicate"]["commit"]
    assert bots.hub.git("rev-parse", "refs/tags/bot@v1.1.0!^{commit}").decode() == commit
    assert REASON in bots.hub.git("cat-file", "tag", "refs/tags/bot@v1.1.0!").decode()


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_nothing_is_forbidden_without_a_reason(served: Bots, reason: str) -> None:
    done = served.assay("quarantine", "bot@1.1.0", "-m", reason, "--json", exit_code=2)
    assert done.json()["error"]["code"] in ("reason-missing", "usage-invalid")
    assert QUARANTINE not in served.hub.refs()


def test_what_is_forbidden_is_forbidden_once(bots: Bots) -> None:
    done = bots.assay("quarantine", "bot@1.1.0", "-m", "again", "--json", exit_code=4)
    assert done.json()["error"]["code"] == "release-quarantined-already"
    assert bots.assay("quarantine", "bot@9.9.9", "-m", "x", exit_code=3)


def test_who_may_not_forbid_cannot(served: Bots, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ci", "eve"):
        monkeypatch.setenv("ASSAY_SIGNING_KEY", os.fspath(served.key_path(name)))
        done = served.assay("quarantine", "bot@1.1.0", "-m", "x", "--json", exit_code=12)
        assert done.json()["error"]["code"] == "not-allowed"


def test_a_tag_that_is_there_already_does_not_stand_in_the_way(served: Bots) -> None:
    served.hub.git("tag", "bot@v1.1.0!", "main")
    served.assay("quarantine", "bot@1.1.0", "-m", REASON)
    served.refused("bot@1.1.0", "release-quarantined", 11)


# -- somebody takes it back ---------------------------------------------------------------


def test_a_quarantine_that_was_seen_and_then_deleted_still_holds(bots: Bots) -> None:
    bots.refused("bot@prod", "release-quarantined", 11)
    bots.hub.delete(QUARANTINE, "refs/tags/bot@v1.1.0!")
    for what in ("bot@prod", "bot@1.1.0"):
        assert REASON in bots.refused(what, "release-quarantined", 11)


def test_one_that_was_seen_while_another_version_was_taken_is_remembered(bots: Bots) -> None:
    bots.get("bot@1.0.0")
    bots.hub.delete(QUARANTINE)
    bots.refused("bot@1.1.0", "release-quarantined", 11)


def test_one_that_was_deleted_on_the_hub_still_holds_in_every_clone(bots: Bots) -> None:
    bots.hub.delete(QUARANTINE)
    bots.assay("release", "verify", "bot@1.1.0", exit_code=11)
    bots.assay("promote", "bot@1.1.0", "staging", exit_code=11)


def test_one_that_was_emptied_is_noticed_by_every_clone(bots: Bots) -> None:
    bots.hub.put(QUARANTINE, {"README": b"x"})
    done = bots.assay("release", "list", "--json", exit_code=12)
    assert done.json()["error"]["code"] == "record-rewritten"


def test_an_edited_quarantine_releases_nothing(bots: Bots) -> None:
    """Whoever can push can refuse service, but not give it."""
    mine = bots.hub.files(QUARANTINE)["1.1.0.json"]
    changes = {
        "edited": edited(mine, set_field("predicate", "release", "version", to="1.0.0")),
        "by nobody": forged(mine, set_field("predicate", "reason", to="fine"), bots.key("eve")),
        "another kind": forged(
            mine, set_field("predicateType", to="urn:assay:x:1"), bots.key("ana")
        ),
        "noise": b"x",
        "the future": forged(
            mine, set_field("predicateType", to="urn:assay:quarantine:2"), bots.key("ana")
        ),
    }
    for change, data in changes.items():
        bots.hub.edit(QUARANTINE, {"1.1.0.json": data})
        done = bots.get("bot@1.1.0", exit_code=None, to=f"never-{change}")
        assert done.exit_code in (5, 11, 12), change
        assert not os.path.exists(bots.base / f"never-{change}")


def test_a_quarantine_without_a_signature_is_heeded_all_the_same(served: Bots) -> None:
    """To refuse too much is the safer mistake."""
    served.assay("quarantine", "bot@1.0.0", "-m", REASON)
    mine = served.hub.files(QUARANTINE)["1.0.0.json"]
    served.hub.edit(QUARANTINE, {"1.0.0.json": unsigned(mine)})
    served.refused("bot@1.0.0", "release-quarantined", 11)
    served.get("bot@1.1.0")


def test_a_quarantine_of_another_version_under_this_name_forbids_neither(served: Bots) -> None:
    served.assay("quarantine", "bot@1.0.0", "-m", REASON)
    mine = served.hub.files(QUARANTINE)["1.0.0.json"]
    served.hub.put(QUARANTINE, {"1.1.0.json": mine})
    served.get("bot@1.1.0")
