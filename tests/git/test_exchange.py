"""Records travel forward only, all or none, and whoever comes second is told so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.errors import AssayError, Conflict, NotFound, RemoteRefused, Untrusted
from assay.git.exchange import fetch_records, git_remotes, push_records
from assay.git.records import RefChange, list_refs, write_record
from assay.releases.ledger import Publication, RecordChange, Tag, publish
from bots import Hub
from git_repositories import git_in

ONE, TWO = "refs/assay/releases/bot/1.0.0", "refs/assay/channels/bot"


@pytest.fixture(params=["sha1", "sha256"])
def kind(request: pytest.FixtureRequest) -> str:
    """The digest that the repositories use."""
    return str(request.param)


@pytest.fixture
def hub(tmp_path: Path, kind: str) -> Hub:
    git_in(tmp_path)("init", "-q", "--bare", f"--object-format={kind}", "hub.git")
    return Hub(tmp_path / "hub.git")


def clone(hub: Hub, name: str) -> Path:
    """A repository that has the hub as its origin."""
    folder = hub.path.parent / name
    folder.mkdir()
    git = git_in(folder)
    git(
        "init",
        "-q",
        f"--object-format={git_in(hub.path)('rev-parse', '--show-object-format').decode()}",
    )
    git("remote", "add", "origin", "../hub.git")
    git("commit", "-q", "--allow-empty", "-m", "begin")
    return folder


@pytest.fixture
def ana(hub: Hub) -> Path:
    return clone(hub, "ana")


@pytest.fixture
def ben(hub: Hub) -> Path:
    return clone(hub, "ben")


def write(folder: Path, text: str) -> str:
    """A record's commit; nothing leads to it but a pending ref."""
    where = f"refs/assay/pending/{text.replace(' ', '-')}"
    return write_record(folder, {"a": text.encode()}, before=None, message="m", pending=where)


def shown(folder: Path) -> dict[str, str]:
    """The refs of a repository that count, by name."""
    refs = Hub(folder).refs()
    return {ref: oid for ref, oid in refs.items() if not ref.startswith("refs/heads/")}


def put(folder: Path, ref: str, text: str) -> RefChange:
    """A change that makes a ref."""
    return RefChange(ref=ref, old=None, new=write(folder, text))


def failure(*changes: RefChange, folder: Path) -> AssayError:
    with pytest.raises(AssayError) as caught:
        push_records(folder, "origin", changes)
    return caught.value


def test_what_one_pushes_the_other_fetches(hub: Hub, ana: Path, ben: Path) -> None:
    changes = [put(ana, ONE, "one"), put(ana, TWO, "two")]
    push_records(ana, "origin", changes)
    assert hub.refs() == {change.ref: change.new for change in changes}
    fetch_records(ben, "origin")
    assert shown(ben) == hub.refs()


def test_pending_refs_neither_come_nor_go(hub: Hub, ana: Path, ben: Path) -> None:
    push_records(ana, "origin", [put(ana, ONE, "one")])
    assert list_refs(hub.path, "refs/assay/pending", bare=True) == []
    hub.git("update-ref", "refs/assay/pending/x", hub.refs()[ONE])
    fetch_records(ben, "origin")
    assert list_refs(ben, "refs/assay") == [ONE]


def test_of_two_that_push_at_once_one_wins(hub: Hub, ana: Path, ben: Path) -> None:
    first, second = put(ana, ONE, "hers"), put(ben, ONE, "his")
    push_records(ana, "origin", [first])
    error = failure(put(ben, TWO, "more"), second, folder=ben)
    assert isinstance(error, Conflict)
    assert error.code == "record-raced"
    assert hub.refs() == {ONE: first.new}


def test_a_push_from_an_old_state_loses_even_where_it_would_be_forward(
    hub: Hub, ana: Path, ben: Path
) -> None:
    first = put(ana, ONE, "one")
    push_records(ana, "origin", [first])
    fetch_records(ben, "origin")
    second = RefChange(ref=ONE, old=first.new, new=_continue(ana, first.new, "two"))
    push_records(ana, "origin", [second])
    third = RefChange(ref=ONE, old=first.new, new=_continue(ben, first.new, "three"))
    assert failure(third, folder=ben).code == "record-raced"
    assert hub.refs() == {ONE: second.new}


def _continue(folder: Path, parent: str, text: str) -> str:
    git = git_in(folder)
    return git("commit-tree", "-p", parent, "-m", text, f"{parent}^{{tree}}").decode()


def test_a_record_that_was_replaced_is_refused_and_not_taken_over(
    hub: Hub, ana: Path, ben: Path
) -> None:
    push_records(ana, "origin", [put(ana, ONE, "one"), put(ana, TWO, "two")])
    fetch_records(ben, "origin")
    before = shown(ben)
    hub.put(ONE, {"a": b"replaced"})
    hub.edit(TWO, {"a": b"continued"})
    with pytest.raises(Untrusted) as caught:
        fetch_records(ben, "origin")
    assert (caught.value.code, caught.value.exit_code) == ("record-rewritten", 12)
    assert ONE in caught.value.why
    assert TWO not in caught.value.why
    assert shown(ben)[ONE] == before[ONE]


def test_a_record_that_was_deleted_there_stays_here(hub: Hub, ana: Path, ben: Path) -> None:
    push_records(ana, "origin", [put(ana, ONE, "one")])
    fetch_records(ben, "origin")
    hub.delete(ONE)
    fetch_records(ben, "origin")
    assert ONE in shown(ben)


def hook(hub: Hub, name: str, script: str) -> None:
    path = hub.path / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


REFUSALS = {
    "update": 'case "$1" in refs/assay/*) echo "custom refs are not taken" >&2; exit 1;; esac',
    "pre-receive": 'grep -q refs/assay/ && { echo "custom refs are not taken" >&2; exit 1; }; :',
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_host_that_takes_no_such_refs_says_so_in_its_own_words(
    hub: Hub, ana: Path, name: str
) -> None:
    hook(hub, name, REFUSALS[name])
    tag = RefChange(ref="refs/tags/bot@v1.0.0", old=None, new=write(ana, "tag"))
    error = failure(put(ana, ONE, "one"), tag, folder=ana)
    assert isinstance(error, RemoteRefused)
    assert (error.code, error.exit_code) == ("git-refused", 6)
    assert "custom refs are not taken" in error.why
    assert hub.refs() == {}


def test_a_host_that_hides_these_refs_refuses(hub: Hub, ana: Path) -> None:
    hub.git("config", "transfer.hideRefs", "refs/assay")
    error = failure(put(ana, ONE, "one"), folder=ana)
    assert error.code == "git-refused"
    assert hub.refs() == {}


def test_a_host_that_cannot_move_refs_together_is_refused_before_any_moves(
    hub: Hub, ana: Path
) -> None:
    hub.git("config", "receive.advertiseAtomic", "false")
    error = failure(put(ana, ONE, "one"), put(ana, TWO, "two"), folder=ana)
    assert isinstance(error, RemoteRefused)
    assert error.code == "git-not-atomic"
    assert hub.refs() == {}


def test_a_hub_that_is_not_there_is_called_so(hub: Hub, ana: Path) -> None:
    git_in(ana)("remote", "set-url", "origin", "../nowhere.git")
    error = failure(put(ana, ONE, "one"), folder=ana)
    assert isinstance(error, NotFound)
    with pytest.raises(NotFound):
        fetch_records(ana, "origin")


def test_hooks_of_the_user_are_not_run(hub: Hub, ana: Path) -> None:
    ran = ana / "ran"
    path = ana / ".git" / "hooks" / "pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\ntouch '{ran}'\nexit 1\n")
    path.chmod(0o755)
    push_records(ana, "origin", [put(ana, ONE, "one")])
    assert not ran.exists()


def test_remotes_are_listed(ana: Path, tmp_path: Path) -> None:
    assert git_remotes(ana) == ["origin"]
    git_in(tmp_path)("init", "-q", "none")
    assert git_remotes(tmp_path / "none") == []


# -- publishing: the remote first, then here ----------------------------------------------


def publication(folder: Path, text: str, *, tag: str = "bot@v1.0.0") -> Publication:
    head = git_in(folder)("rev-parse", "HEAD").decode()
    record = RecordChange(
        ref=ONE, before=None, files={"a": text.encode()}, message=text, about=(head,)
    )
    return Publication(records=[record], tags=[Tag(name=tag, commit=head, message=text)])


@pytest.mark.parametrize("remote", ["origin", None])
def test_a_publication_arrives_whole_and_leaves_nothing_pending(
    hub: Hub, ana: Path, remote: str | None
) -> None:
    publish(ana, publication(ana, "one"), remote=remote)
    assert set(shown(ana)) == {ONE, "refs/tags/bot@v1.0.0"}
    assert hub.refs() == (shown(ana) if remote else {})


def test_whoever_publishes_second_has_changed_nothing_anywhere(
    hub: Hub, ana: Path, ben: Path
) -> None:
    publish(ana, publication(ana, "hers"), remote="origin")
    there = hub.refs()
    with pytest.raises(Conflict) as caught:
        publish(ben, publication(ben, "his"), remote="origin")
    assert caught.value.code == "record-raced"
    assert hub.refs() == there
    assert shown(ben) == {}


def test_a_tag_in_the_way_there_keeps_the_record_out_as_well(
    hub: Hub, ana: Path, ben: Path
) -> None:
    git_in(ben)("tag", "bot@v1.0.0")
    git_in(ben)("push", "-q", "origin", "bot@v1.0.0")
    with pytest.raises(Conflict):
        publish(ana, publication(ana, "one"), remote="origin")
    assert set(hub.refs()) == {"refs/tags/bot@v1.0.0"}
    assert shown(ana) == {}


def test_what_a_killed_command_left_pending_goes_with_the_next_publication(
    hub: Hub, ana: Path
) -> None:
    gone = f"refs/assay/pending/{_ended_process()}-0123456789ab"
    write_record(ana, {"a": b"1"}, before=None, message="m", pending=gone)
    alive = f"refs/assay/pending/{os.getpid()}-0123456789ab"
    write_record(ana, {"a": b"2"}, before=None, message="m", pending=alive)
    publish(ana, publication(ana, "one"), remote="origin")
    assert list_refs(ana, "refs/assay/pending") == [alive]


def _ended_process() -> int:
    import subprocess

    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid
