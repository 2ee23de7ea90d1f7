"""Making a release: what it binds, and everything that keeps one from being made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.attestations.envelope import decode
from assay.attestations.statement import parse_statement, statement_digest
from bots import Bots, payload_of, release_ref
from git_repositories import git_in
from projects import Outcome

RELEASE = release_ref("1.0.0")


def create(bots: Bots, *words: str, version: str = "1.0.0") -> dict[str, Any]:
    """Make a release; what the command says of it."""
    said: dict[str, Any] = bots.assay("release", "create", "bot", version, "--json", *words).json()
    return said


def refused(bots: Bots, code: str, exit_code: int, *words: str) -> str:
    """Try to make a release, which must be refused with nothing recorded anywhere; why."""
    before = bots.hub.refs()
    said = ("release", "create", "bot", "1.0.0", "--json", *words)
    error = bots.assay(*said, exit_code=exit_code).json()["error"]
    assert error["code"] == code, error
    assert error["fix"]
    assert bots.hub.refs() == before
    assert RELEASE not in bots.project.git("for-each-ref").decode()
    return f"{error['what']} {error['why']}"


# -- what it binds ------------------------------------------------------------------------


def test_it_binds_data_model_prompts_and_parameters_to_the_commit(declared: Bots) -> None:
    said = create(declared, "-m", "first")
    assert said["release"] == "bot@1.0.0"
    assert said["commit"] == declared.project.git("rev-parse", "HEAD").decode()
    assert {
        a["path"]: (a["role"], a["kind"], a["keeper"], a["files"]) for a in said["artifacts"]
    } == {
        "data": ("data", "folder", "cache", 2),
        "model.bin": ("model", "file", "cache", 1),
        "prompts": ("prompts", "folder", "git", 2),
        "params.yaml": ("parameters", "file", "git", 1),
    }
    assert said["parameters"] == {"params.yaml": {"alpha": 0.5}}
    assert said["signed_by"] == "ana"
    assert [run["stage"] for run in said["runs"]] == ["train"]
    assert said["unrecorded"] == []


def test_it_is_published_with_its_tag_and_its_digest_is_its_statements(declared: Bots) -> None:
    said = create(declared, "-m", "first")
    files = declared.hub.files(RELEASE)
    assert sorted(files) == ["environment/packages.txt", "release.json", "runs/001.json"]
    envelope = decode(files["release.json"], where="it")
    assert statement_digest(envelope.payload) == said["digest"]
    parse_statement(envelope.payload, kind="release", where="it")
    assert declared.hub.git("rev-parse", "refs/tags/bot@v1.0.0^{commit}").decode() == said["commit"]
    assert declared.hub.git("cat-file", "-t", "refs/tags/bot@v1.0.0") == b"tag"
    assert (
        f"assay-release: {said['digest']}"
        in declared.hub.git("cat-file", "tag", "refs/tags/bot@v1.0.0").decode()
    )


def test_a_dry_run_records_nothing(declared: Bots) -> None:
    before = declared.hub.refs()
    said = create(declared, "--dry-run")
    assert (said["digest"], said["dry_run"]) == ("", True)
    assert declared.hub.refs() == before
    assert "bot" not in declared.assay("release", "list").stdout


def digests(bots: Bots) -> dict[str, str]:
    return {a["path"]: a["digest"] for a in create(bots, "--dry-run")["artifacts"]}


ODD = "data/more/odd name.txt"
CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "names swapped": ("prompts", lambda root: _swap(root, "prompts/reply.txt", "prompts/tool.sh")),
    "a mode": ("prompts", lambda root: (root / "prompts/reply.txt").chmod(0o755)),
    "a byte": ("prompts", lambda root: (root / "prompts/reply.txt").write_text("hello {name}\n")),
    "a name": ("prompts", lambda root: (root / "prompts/reply.txt").rename(root / "prompts/r.txt")),
    "a file more": ("prompts", lambda root: (root / "prompts/more").write_text("")),
    "a link instead": ("prompts", lambda root: _link(root / "prompts/reply.txt")),
    "data, swapped": ("data", lambda root: _swap(root, "data/rows.jsonl", ODD)),
    "data, a mode": ("data", lambda root: (root / "data/rows.jsonl").chmod(0o755)),
    "data, an empty folder": ("data", lambda root: (root / "data/empty").mkdir()),
}  # fmt: skip


def _swap(root: Path, one: str, other: str) -> None:
    a, b = (root / one).read_bytes(), (root / other).read_bytes()
    (root / one).write_bytes(b)
    (root / other).write_bytes(a)


def _link(path: Path) -> None:
    text = path.read_text()
    path.unlink()
    path.symlink_to(text.strip())


@pytest.mark.parametrize("change", CHANGES)
def test_the_digest_binds_names_modes_and_bytes(declared: Bots, change: str) -> None:
    path, act = CHANGES[change]
    before = digests(declared)
    act(declared.project.root)
    if path == "data":
        declared.assay("add", "-q", "data")
    declared.commit()
    after = digests(declared)
    assert after[path] != before[path]
    if path != "data":  # the model is made of the data
        assert {p: d for p, d in after.items() if p != path} == {
            p: d for p, d in before.items() if p != path
        }


def test_two_files_that_changed_places_make_another_release(declared: Bots) -> None:
    text = (declared.project.root / "assay.yaml").read_text()
    lines = "      one: code/app.py\n      two: params.yaml\n"
    one = text.replace("      prompts: prompts\n      parameters: params.yaml\n", lines)
    declared.project.write({"assay.yaml": one})
    declared.commit()
    first = create(declared, version="1.0.0")
    swapped = lines.replace("code/app.py", "X").replace("params.yaml", "code/app.py")
    declared.project.write({"assay.yaml": one.replace(lines, swapped.replace("X", "params.yaml"))})
    declared.commit()
    second = create(declared, version="1.0.1")

    def bound(said: dict[str, Any]) -> set[tuple[str, str]]:
        return {(a["role"], a["digest"]) for a in said["artifacts"]}

    assert bound(first) != bound(second)
    assert {d for _, d in bound(first)} == {d for _, d in bound(second)}


def test_a_file_within_a_tracked_folder_is_bound_by_itself(declared: Bots) -> None:
    path = declared.project.root / "assay.yaml"
    path.write_text(path.read_text().replace("data: data\n", "data: data/rows.jsonl\n"))
    declared.commit()
    said = create(declared)
    data = next(a for a in said["artifacts"] if a["role"] == "data")
    assert (data["path"], data["kind"], data["files"]) == ("data/rows.jsonl", "file", 1)
    assert (data["tracked"], data["keeper"]) == ("data", "cache")
    declared.get("bot@1.0.0", "--unproven")
    assert (declared.base / "app/data/rows.jsonl").is_file()
    assert not (declared.base / "app/data/more").exists()


# -- what keeps it from being made --------------------------------------------------------


def test_an_uncommitted_change_of_anything_git_keeps(declared: Bots) -> None:
    declared.project.write({"code/app.py": "print('edited')\n"})
    assert "code/app.py" in refused(declared, "release-dirty", 4)


def test_a_staged_change(declared: Bots) -> None:
    declared.project.write({"code/app.py": "print('edited')\n"})
    declared.project.git("add", "code/app.py")
    assert "code/app.py" in refused(declared, "release-dirty", 4)


def test_changed_data(declared: Bots) -> None:
    declared.project.write({"data/rows.jsonl": "{}\n"})
    assert "data" in refused(declared, "release-stale", 4)


def test_a_changed_output(declared: Bots) -> None:
    declared.project.write({"model.bin": "by hand"})
    assert "train" in refused(declared, "release-stale", 4)


def test_data_that_is_gone_from_the_workspace(declared: Bots) -> None:
    declared.project.remove("model.bin")
    refused(declared, "release-stale", 4)


def test_a_pipeline_that_would_run_again(declared: Bots) -> None:
    declared.project.write({"params.yaml": "alpha: 0.9\n"})
    declared.project.commit()
    declared.project.git("push", "-q", "origin", "HEAD")
    refused(declared, "release-stale", 4)


def test_a_stage_that_never_ran(declared: Bots) -> None:
    declared.project.remove("assay.lock")
    declared.project.commit()
    refused(declared, "release-stale", 4)


def test_code_that_a_stage_read_and_no_commit_has(declared: Bots) -> None:
    path = declared.project.root / "assay.yaml"
    path.write_text(path.read_text().replace("deps: [data]", "deps: [data, secret.py]"))
    declared.project.write({"secret.py": "1\n"})
    declared.assay("repro", "-q")
    declared.project.git("add", "assay.yaml", "assay.lock", "metrics.json")
    declared.project.git("commit", "-q", "-m", "without the code")
    declared.assay("push", "-q")
    assert "secret.py" in refused(declared, "release-dirty", 4)
    declared.commit("with the code")
    create(declared)


def test_data_that_the_remote_does_not_have(declared: Bots) -> None:
    declared.project.write({"data/more.txt": "new\n"})
    declared.assay("add", "-q", "data")
    declared.assay("repro", "-q")
    declared.project.commit()
    said = refused(declared, "release-unpushed", 4)
    assert "data" in said
    declared.assay("push", "-q")
    create(declared)


def test_a_remote_that_lost_an_object(declared: Bots) -> None:
    for path in (declared.store / "packs").rglob("*"):
        if path.is_file():
            path.unlink()
    for path in (declared.store / "index").rglob("*"):
        if path.is_file():
            path.unlink()
    shutil.rmtree(declared.project.root / ".assay" / "tmp" / "remotes", ignore_errors=True)
    refused(declared, "release-unpushed", 4)


def test_no_data_remote_at_all(declared: Bots) -> None:
    declared.assay("remote", "remove", "store")
    declared.project.commit()
    error = declared.assay("release", "create", "bot", "1.0.0", "--json", exit_code=None)
    assert error.exit_code in (2, 3)
    assert "remote" in error.json()["error"]["code"]
    assert RELEASE not in declared.hub.refs()


def test_a_version_that_exists_here_or_there(released: Bots) -> None:
    def exists(outcome: Outcome) -> None:
        assert outcome.json()["error"]["code"] == "release-exists"

    command = ("release", "create", "bot", "1.0.0", "--json")
    exists(released.assay(*command, exit_code=4))
    other = released.clone()
    exists(other.assay(*command, exit_code=4))


def test_another_commit_under_the_versions_tag_here(declared: Bots) -> None:
    declared.project.git("tag", "bot@v1.0.0", "HEAD~1")
    assert "tag bot@v1.0.0" in refused(declared, "tag-exists", 4)


def test_another_commit_under_the_versions_tag_there(declared: Bots) -> None:
    commit = declared.hub.git("rev-parse", "main~1").decode()
    declared.hub.git("tag", "bot@v1.0.0", commit)
    assert "tag bot@v1.0.0" in refused(declared, "tag-exists", 4)


@pytest.mark.parametrize("place", ["here", "there", "both"])
def test_a_tag_of_the_same_commit_is_no_obstacle(declared: Bots, place: str) -> None:
    commit = declared.project.git("rev-parse", "HEAD").decode()
    if place in ("here", "both"):
        declared.project.git("tag", "bot@v1.0.0", commit)
    if place in ("there", "both"):
        declared.hub.git("tag", "bot@v1.0.0", commit)
    create(declared)
    assert RELEASE in declared.hub.refs()
    declared.get("bot@1.0.0", "--unproven")


def test_a_name_that_is_not_declared(declared: Bots) -> None:
    error = declared.assay("release", "create", "bat", "1.0.0", "--json", exit_code=3).json()
    assert error["error"]["code"] == "release-undeclared"
    assert "bot" in error["error"]["why"]


@pytest.mark.parametrize("version", ["1", "1.0", "prod", "1.0.0+b", "v1"])
def test_what_is_no_version(declared: Bots, version: str) -> None:
    done = declared.assay("release", "create", "bot", version, "--json", exit_code=2)
    assert done.json()["error"]["code"] in ("reference-invalid", "version-required")


def test_a_folder_of_which_only_a_part_is_tracked(declared: Bots) -> None:
    path = declared.project.root / "assay.yaml"
    declared.project.write({"mixed/kept.txt": "git\n", "mixed/data.bin": "cache\n"})
    declared.assay("add", "-q", "mixed/data.bin")
    path.write_text(path.read_text().replace("prompts: prompts", "prompts: mixed"))
    declared.commit()
    assert "mixed/data.bin" in refused(declared, "artifact-mixed", 2)


def test_a_path_that_the_commit_does_not_have(declared: Bots) -> None:
    path = declared.project.root / "assay.yaml"
    path.write_text(path.read_text().replace("prompts: prompts", "prompts: absent"))
    declared.commit()
    assert "absent" in refused(declared, "path-missing", 3)


def test_a_link_that_leads_out_of_the_repository(declared: Bots) -> None:
    os.symlink("../../../etc/passwd", declared.project.root / "prompts" / "link")
    declared.commit()
    assert "etc/passwd" in refused(declared, "link-escapes", 5)


def test_a_key_that_may_not(declared: Bots, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ci", "eve"):
        monkeypatch.setenv("ASSAY_SIGNING_KEY", str(declared.key_path(name)))
        refused(declared, "not-allowed", 12)


def test_a_key_that_others_may_read(declared: Bots) -> None:
    declared.key_path("ana").chmod(0o644)
    refused(declared, "signing-key-exposed", 12)


def test_a_folder_without_git(tmp_path: Path) -> None:
    from projects import assay

    (tmp_path / "p").mkdir()
    assay(tmp_path / "p", "init", "--no-scm")
    done = assay(tmp_path / "p", "release", "create", "bot", "1.0.0", "--json", exit_code=2)
    assert done.json()["error"]["code"] == "git-required"


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    from projects import assay

    git_in(tmp_path)("init", "-q", "p")
    assay(tmp_path / "p", "init")
    done = assay(tmp_path / "p", "release", "create", "bot", "1.0.0", "--json", exit_code=4)
    assert done.json()["error"]["code"] == "release-dirty"


# -- without a policy ---------------------------------------------------------------------


def test_without_a_policy_everything_is_labelled_unsigned(plain: Bots) -> None:
    said = plain.assay("release", "create", "bot", "1.0.0")
    assert "UNSIGNED" in said.stdout
    assert payload_of(plain.hub.files(RELEASE)["release.json"])["predicate"]["policy"] is None
    for command in (("release", "list"), ("release", "show", "bot@1.0.0")):
        assert "UNSIGNED" in plain.assay(*command).stdout
    taken = plain.get("bot@1.0.0", "--unproven")
    assert "UNSIGNED" in taken.stdout
    assert "nobody vouches" in taken.stderr


def test_a_message_may_hold_anything(declared: Bots) -> None:
    message = os.fsdecode(b"quotes \" ' \xff and\nlines\tand M 100644 inline x")
    said = create(declared, "-m", message)
    assert said["message"] == message
    declared.assay("release", "list")
    declared.assay("release", "show", "bot@1.0.0")
