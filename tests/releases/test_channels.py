"""Channels: what enters one, what it goes back to, and what of two moves at once wins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.errors import AssayError
from assay.releases.ledger import publish
from bots import CHANNELS, PIPELINE, Bots, forged, payload_of, release_ref, set_field, unsigned
from projects import Project

ONE, TWO = release_ref("1.0.0"), release_ref("1.1.0")


def refused(bots: Bots, code: str, exit_code: int, *words: str) -> dict[str, Any]:
    """A command that must be refused, with nothing changed on the hub."""
    before = bots.hub.refs()
    error: dict[str, Any] = bots.assay(*words, "--json", exit_code=exit_code).json()["error"]
    assert error["code"] == code, error
    assert bots.hub.refs() == before
    return error


def serves(bots: Bots, channel: str = "prod") -> str:
    """The version that a channel serves, and that consumers get from it."""
    rows = bots.assay("release", "list", "--json").json()
    (version,) = [row["version"] for row in rows if channel in row["served_by"]]
    taken = bots.get(f"bot@{channel}", "--json", "--force", to=f"of-{channel}").json()
    assert taken["version"] == version
    return str(version)


# -- promote ------------------------------------------------------------------------------


def test_a_promoted_release_is_what_the_channel_serves(released: Bots) -> None:
    assert serves(released) == "1.0.0"
    state = payload_of(released.hub.files(CHANNELS)["prod/000001.json"])["predicate"]
    assert (state["sequence"], state["previous"], state["action"]) == (1, None, "promote")
    assert sorted(state["evidence"]) == ["integrity", "quality", "smoke"]
    assert (
        released.hub.git("rev-parse", "refs/tags/bot#prod#1^{commit}").decode()
        == (payload_of(released.hub.files(ONE)["release.json"])["predicate"]["commit"])
    )


def test_each_state_names_the_one_before_it(served: Bots) -> None:
    from assay.attestations.envelope import decode
    from assay.attestations.statement import statement_digest

    files = served.hub.files(CHANNELS)
    first = decode(files["prod/000001.json"], where="it").payload
    second = payload_of(files["prod/000002.json"])["predicate"]
    assert (second["sequence"], second["previous"]) == (2, statement_digest(first))


def test_a_dry_run_moves_nothing(served: Bots) -> None:
    before = served.hub.refs()
    done = served.assay("promote", "bot@1.0.0", "prod", "--dry-run", "--json").json()
    assert (done["release"], done["before"], done["dry_run"]) == ("bot@1.0.0", "1.1.0", True)
    assert served.hub.refs() == before


def test_what_was_never_judged_does_not_enter(declared: Bots) -> None:
    declared.release("1.0.0", gates=False)
    error = refused(declared, "gate-missing", 10, "promote", "bot@1.0.0", "prod")
    assert "assay gate run bot@1.0.0" in error["fix"]
    declared.assay("gate", "run", "bot@1.0.0", "integrity", "quality")
    refused(declared, "gate-missing", 10, "promote", "bot@1.0.0", "prod")
    declared.assay("promote", "bot@1.0.0", "staging")


def test_what_failed_or_came_to_no_verdict_does_not_enter(declared: Bots) -> None:
    for version, command, code, exit_code in (
        ("1.0.0", "exit 1", "gate-failed", 7),
        ("1.0.1", "exit 3", "gate-inconclusive", 10),
    ):
        text = PIPELINE.replace('"test -s model.bin"', f'"{command}"')
        declared.project.write({"assay.yaml": text})
        declared.commit()
        declared.assay("release", "create", "bot", version)
        declared.assay("gate", "run", f"bot@{version}", exit_code=exit_code)
        refused(declared, code, exit_code, "promote", f"bot@{version}", "prod")
        declared.assay("promote", f"bot@{version}", "staging")


def test_what_the_policy_demands_counts_beside_what_the_release_declares(declared: Bots) -> None:
    text = PIPELINE.replace("      prod: {}", "      prod: {requires: [smoke]}")
    declared.project.write({"assay.yaml": text})
    declared.commit()
    declared.release("1.0.0", gates=False)
    declared.assay("gate", "run", "bot@1.0.0", "smoke")
    refused(declared, "gate-missing", 10, "promote", "bot@1.0.0", "prod")
    declared.assay("gate", "run", "bot@1.0.0", "integrity", "quality")
    declared.assay("promote", "bot@1.0.0", "prod")


def test_a_gate_that_the_policy_demands_and_the_release_lacks_keeps_it_out(declared: Bots) -> None:
    begin, end = PIPELINE.split("      quality:")
    text = begin + end.split("\n", 1)[1]
    declared.project.write({"assay.yaml": text})
    declared.commit()
    declared.release("1.0.0")
    error = refused(declared, "gate-missing", 10, "promote", "bot@1.0.0", "prod")
    assert "quality" in error["what"]


def test_only_the_policy_takes_a_channels_protection_away(declared: Bots) -> None:
    """The release's own commit must not."""
    text = PIPELINE.replace("      prod: {}", "      prod: {protected: false}")
    declared.project.write({"assay.yaml": text})
    declared.commit()
    declared.release("1.0.0")
    record = declared.hub.files(ONE)
    declared.hub.edit(ONE, {"release.json": unsigned(record["release.json"])})
    refused(declared, "release-unsigned", 12, "promote", "bot@1.0.0", "prod")


def test_what_nobody_signed_enters_no_protected_channel(plain: Bots) -> None:
    plain.release("1.0.0")
    error = refused(plain, "release-unsigned", 12, "promote", "bot@1.0.0", "prod")
    assert "assay policy init" in error["fix"]
    done = plain.assay("promote", "bot@1.0.0", "staging")
    assert "UNSIGNED" in done.stdout
    taken = plain.get("bot@staging")
    assert "UNSIGNED" in taken.stdout
    assert "UNSIGNED" in taken.stderr


def test_without_a_key_nothing_enters_a_protected_channel(
    declared: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASSAY_SIGNING_KEY")
    declared.release("1.0.0")
    refused(declared, "release-unsigned", 12, "promote", "bot@1.0.0", "prod")
    declared.assay("promote", "bot@1.0.0", "staging")
    assert "UNSIGNED" in declared.get("bot@staging").stdout
    declared.refused("bot@1.0.0", "release-unsigned", 12)
    declared.get("bot@1.0.0", "--unproven", to="other")


def test_who_may_create_or_judge_may_not_therefore_promote(
    declared: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared.release("1.0.0")
    for name in ("ci", "eve"):
        monkeypatch.setenv("ASSAY_SIGNING_KEY", str(declared.key_path(name)))
        refused(declared, "not-allowed", 12, "promote", "bot@1.0.0", "prod")


@pytest.mark.parametrize("channel", ["production", "pr/od", "../x", "1.0.0", "a\nb", "prod "])
def test_a_channel_that_is_not_declared_is_refused(released: Bots, channel: str) -> None:
    done = released.assay("promote", "bot@1.0.0", channel, "--json", exit_code=None)
    error = done.json()["error"]
    assert (done.exit_code, error["code"]) in {(3, "channel-unknown"), (2, "reference-invalid")}


def test_what_is_served_already_is_not_promoted_again(released: Bots) -> None:
    refused(released, "channel-unchanged", 4, "promote", "bot@1.0.0", "prod")


def test_an_older_version_can_be_promoted_again(served: Bots) -> None:
    served.assay("promote", "bot@1.0.0", "prod", "-m", "back")
    assert serves(served) == "1.0.0"


def test_a_moved_tag_keeps_a_release_out(served: Bots) -> None:
    served.project.git("tag", "-f", "bot@v1.0.0", "HEAD~2")
    refused(served, "tag-moved", 12, "promote", "bot@1.0.0", "prod")


# -- two clones, two people ---------------------------------------------------------------


def test_another_clone_goes_on_where_the_first_left_off(served: Bots) -> None:
    """Though it has none of the tags that the first one made."""
    other = served.clone()
    other.git("tag", "-d", *other.git("tag").decode().split())
    other.assay("promote", "bot@1.0.0", "prod")
    assert serves(served) == "1.0.0"
    assert "refs/tags/bot#prod#3" in served.hub.refs()
    served.assay("promote", "bot@1.1.0", "prod")
    other.assay("rollback", "bot@prod")
    assert {f"refs/tags/bot#prod#{n}" for n in range(1, 6)} <= set(served.hub.refs())
    assert len(served.hub.files(CHANNELS)) == 5


def test_a_foreign_tag_with_a_higher_number_is_counted(served: Bots) -> None:
    served.hub.git("tag", "bot#prod#41", "main")
    served.assay("promote", "bot@1.0.0", "prod")
    assert "refs/tags/bot#prod#42" in served.hub.refs()


def test_of_two_promotions_at_once_one_wins(served: Bots) -> None:
    """Two processes, each with a clone of its own, begin together."""
    served.assay("promote", "bot@1.0.0", "prod")
    clones = [served.clone(f"clone{n}") for n in range(2)]
    command = [sys.executable, "-m", "assay", "promote", "bot@1.1.0", "prod", "--json"]
    running = [
        subprocess.Popen(command, cwd=c.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for c in clones
    ]
    said = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    codes = sorted(process.returncode for process in running)
    assert codes == [0, 4]
    (error,) = [value["error"]["code"] for value in said if "error" in value]
    assert error in ("record-raced", "channel-unchanged")
    assert len(served.hub.files(CHANNELS)) == 4


def test_a_promotion_that_is_overtaken_has_changed_nothing(
    served: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = served.clone()

    def overtaken(*args: Any, **kwargs: Any) -> None:
        with monkeypatch.context() as calm:
            calm.setattr("assay.api.releases.desk.publish", publish)
            other.assay("promote", "bot@1.0.0", "prod", "-m", "first")
        publish(*args, **kwargs)

    monkeypatch.setattr("assay.api.releases.desk.publish", overtaken)
    before = _refs(served.project)
    error = served.assay("promote", "bot@1.0.0", "prod", "--json", exit_code=4).json()["error"]
    assert error["code"] == "record-raced"
    assert _refs(served.project) == before
    assert len(served.hub.files(CHANNELS)) == 3


def _refs(project: Project) -> bytes:
    return project.git("for-each-ref", "refs/assay", "refs/tags")


# -- roll back ----------------------------------------------------------------------------


def test_a_channel_goes_back_to_what_it_served_before(served: Bots) -> None:
    done = served.assay("rollback", "bot@prod", "-m", "wrong", "--json").json()
    assert (done["release"], done["before"], done["action"]) == ("bot@1.0.0", "1.1.0", "rollback")
    assert done["sequence"] == 3
    assert serves(served) == "1.0.0"
    served.assay("rollback", "bot", "prod")
    assert serves(served) == "1.1.0"


def test_a_dry_rollback_moves_nothing(served: Bots) -> None:
    before = served.hub.refs()
    done = served.assay("rollback", "bot@prod", "--dry-run", "--json").json()
    assert done["release"] == "bot@1.0.0"
    assert served.hub.refs() == before


def test_one_in_quarantine_is_passed_over(served: Bots) -> None:
    served.project.write({"params.yaml": "alpha: 0.8\n"})
    served.commit()
    served.release("1.2.0", channel="prod")
    served.assay("quarantine", "bot@1.1.0", "-m", "wrong")
    served.assay("quarantine", "bot@1.2.0", "-m", "wrong as well")
    assert served.assay("rollback", "bot@prod", "--json").json()["release"] == "bot@1.0.0"
    assert serves(served) == "1.0.0"
    refused(served, "release-quarantined", 11, "rollback", "bot@prod", "--to", "1.1.0")
    refused(served, "rollback-impossible", 3, "rollback", "bot@prod")


def test_back_to_a_named_version_that_was_served(served: Bots) -> None:
    served.assay("rollback", "bot@prod", "--to", "1.0.0")
    assert serves(served) == "1.0.0"
    for version in ("9.9.9", "nonsense", "../1.0.0"):
        refused(served, "rollback-impossible", 3, "rollback", "bot@prod", "--to", version)


def test_where_there_is_nothing_to_go_back_to(released: Bots) -> None:
    refused(released, "rollback-impossible", 3, "rollback", "bot@prod")
    refused(released, "channel-empty", 3, "rollback", "bot@staging")
    refused(released, "channel-required", 2, "rollback", "bot@1.0.0")


def test_what_would_no_longer_be_let_in_is_not_gone_back_to(served: Bots) -> None:
    served.change_policy(lambda text: text.replace("[integrity, quality]", "[integrity, fresh]"))
    error = refused(served, "rollback-impossible", 3, "rollback", "bot@prod")
    assert "fresh" in error["why"]


# -- histories that were tampered with ----------------------------------------------------


def broken(bots: Bots, changed: dict[str, bytes | None]) -> None:
    """A channel's history of which something is wrong serves nobody and moves nowhere."""
    bots.hub.edit(CHANNELS, changed)
    bots.refused("bot@prod", "channel-broken", 12)
    error = bots.assay("promote", "bot@1.0.0", "prod", "--json", exit_code=12).json()["error"]
    assert error["code"] == "channel-broken"


def test_a_missing_state_is_noticed(served: Bots) -> None:
    broken(served, {"prod/000001.json": None})


def test_a_repeated_state_is_noticed(served: Bots) -> None:
    broken(served, {"prod/000003.json": served.hub.files(CHANNELS)["prod/000002.json"]})


def test_states_that_changed_places_are_noticed(served: Bots) -> None:
    files = served.hub.files(CHANNELS)
    one, two = files["prod/000001.json"], files["prod/000002.json"]
    broken(served, {"prod/000001.json": two, "prod/000002.json": one})


def test_a_state_of_another_channel_is_noticed(served: Bots) -> None:
    served.assay("promote", "bot@1.0.0", "staging")
    staging = served.hub.files(CHANNELS)["staging/000001.json"]
    broken(served, {"prod/000001.json": staging, "prod/000002.json": None})


def test_a_state_of_another_name_is_noticed(served: Bots) -> None:
    mine = served.hub.files(CHANNELS)["prod/000002.json"]
    other = forged(mine, set_field("predicate", "name", to="bat"), served.key("ana"))
    broken(served, {"prod/000002.json": other})


def test_a_state_by_somebody_who_may_not_is_refused(served: Bots) -> None:
    mine = served.hub.files(CHANNELS)["prod/000002.json"]
    digest = set_field("predicate", "release", "version", to="1.0.0")
    for signer, code in (("eve", "signature-untrusted"), ("ci", "signature-untrusted")):
        served.hub.edit(CHANNELS, {"prod/000002.json": forged(mine, digest, served.key(signer))})
        served.refused("bot@prod", code, 12)
    served.hub.edit(CHANNELS, {"prod/000002.json": unsigned(mine)})
    served.refused("bot@prod", "release-unsigned", 12)


def test_a_state_for_another_release_of_the_same_version_is_refused(served: Bots) -> None:
    mine = served.hub.files(CHANNELS)["prod/000002.json"]
    other = forged(
        mine, set_field("predicate", "release", "digest", to="0" * 64), served.key("ana")
    )
    served.hub.edit(CHANNELS, {"prod/000002.json": other})
    served.refused("bot@prod", "release-replaced", 12)


def test_a_move_that_is_none_is_refused(served: Bots) -> None:
    mine = served.hub.files(CHANNELS)["prod/000002.json"]
    for action in ("delete", "", None):
        other = forged(mine, set_field("predicate", "action", to=action), served.key("ana"))
        served.hub.edit(CHANNELS, {"prod/000002.json": other})
        served.refused("bot@prod", "attestation-invalid", 5)


def test_a_tag_without_a_record_counts_for_nothing(served: Bots) -> None:
    """As whoever assigns a stage with another tool, around the gates."""
    served.hub.git("tag", "bot#prod#3", "bot@v1.0.0^{}")
    served.hub.git("tag", "bot@v7.0.0", "main")
    assert serves(served) == "1.1.0"
    served.refused("bot@7.0.0", "release-unknown", 3)


# -- dying in between ---------------------------------------------------------------------


def test_a_promotion_that_is_killed_after_its_push_has_happened(
    served: Bots, tmp_path: Path
) -> None:
    """The hub kills the command as soon as it has everything; the next one goes on from there."""
    pid = tmp_path / "pid"
    hook = served.hub.path / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\nwhile ! [ -s '{pid}' ]; do sleep 0.01; done\nkill -9 $(cat '{pid}')\n"
    )
    hook.chmod(0o755)
    command = [sys.executable, "-m", "assay", "promote", "bot@1.0.0", "prod"]
    process = subprocess.Popen(
        command, cwd=served.project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    (tmp_path / "pid.new").write_text(str(process.pid))
    (tmp_path / "pid.new").rename(pid)
    assert process.wait(60) == -9
    hook.unlink()
    assert len(served.hub.files(CHANNELS)) == 3
    assert b"refs/assay/pending" in _refs(served.project)
    assert b"prod#3" not in _refs(served.project)
    assert serves(served) == "1.0.0"
    served.assay("promote", "bot@1.1.0", "prod")
    assert serves(served) == "1.1.0"
    assert b"refs/assay/pending" not in _refs(served.project)
    assert "refs/tags/bot#prod#4" in served.hub.refs()


def test_a_hub_that_cannot_be_reached_moves_nothing(served: Bots) -> None:
    away = served.hub.path.rename(served.base / "away.git")
    before = _refs(served.project)
    for words in (("promote", "bot@1.0.0", "prod"), ("rollback", "bot@prod")):
        served.assay(*words, exit_code=3)
    served.assay("quarantine", "bot@1.0.0", "-m", "wrong", exit_code=3)
    assert _refs(served.project) == before
    # For looking, what is here serves; and it says so.
    assert "cannot be reached" in served.assay("release", "list").stderr
    served.assay("promote", "bot@1.0.0", "prod", "--dry-run")
    away.rename(served.hub.path)


def test_a_move_is_an_error_like_any_other_from_python(served: Bots) -> None:
    with served.project.opened() as repository, pytest.raises(AssayError) as caught:
        repository.releases.promote("bot@1.1.0", "prod")
    assert caught.value.code == "channel-unchanged"
    with served.project.opened() as repository:
        moved = repository.releases.promote("bot@1.0.0", "prod", reason="back")
    assert (moved.before, moved.state.version, moved.signed_by) == ("1.1.0", "1.0.0", "ana")
