"""Taking a release: every byte verified, all of it or nothing, and nothing of anybody's lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import assay as api
from assay.core.digest import ObjectKind, object_digest
from assay.errors import AssayError, InvalidInput, NotFound
from bots import PIPELINE, Bots
from damage import DAMAGES
from projects import flip, overwrite, read_tree

OWN = {b".assay-release/release.json", b".assay-release/stamps.json", b".assay-release/taken.json"}


def taken(bots: Bots, to: str = "app") -> dict[bytes, bytes | str | None]:
    """What lies in a release's folder, without what the folder says of itself."""
    return {path: data for path, data in read_tree(bots.base / to).items() if path not in OWN}


def app(bots: Bots, name: str = "") -> Path:
    return bots.base / "app" / name


def cache_of(home: Path) -> Path:
    """The cache that consumers of this user share."""
    return home / "cache" / "assay" / "objects"


# -- what is taken ------------------------------------------------------------------------


def test_exactly_what_is_bound_is_taken(served: Bots) -> None:
    served.get("bot@prod")
    root = served.project.root
    assert taken(served) == {
        b"data/rows.jsonl": (root / "data/rows.jsonl").read_bytes(),
        b"data/more/odd name.txt": b"more\n",
        b"model.bin": (root / "model.bin").read_bytes(),
        b"prompts/reply.txt": b"Hello {name}\n",
        b"prompts/tool.sh*": b"#!/bin/sh\necho tool\n",
        b"params.yaml": b"alpha: 0.7\n",
    }


def test_an_older_version_is_taken_from_its_own_commit(served: Bots) -> None:
    served.get("bot@1.0.0")
    assert app(served, "params.yaml").read_bytes() == b"alpha: 0.5\n"
    assert app(served, "model.bin").read_bytes().endswith(b"alpha: 0.5\n")


def test_the_code_comes_along_when_it_is_asked_for(served: Bots) -> None:
    served.project.write({".assay-release/taken.json": "{}", "run.sh": "#!/bin/sh\n"})
    (served.project.root / "run.sh").chmod(0o755)
    os.symlink("code/app.py", served.project.root / "link")
    served.commit()
    served.release("1.2.0")
    served.get("bot@1.2.0", "--with-code")
    found = taken(served)
    assert found[b"code/app.py"] == b"print('app')\n"
    assert found[b"run.sh*"] == b"#!/bin/sh\n"
    assert found[b"link"] == "code/app.py"
    assert b"assay.yaml" in found
    assert not [path for path in found if path.startswith((b".assay/", b".git/"))]
    said = json.loads(app(served, ".assay-release/taken.json").read_text())
    assert (said["release"], said["with_code"]) == ("bot@1.2.0", True)
    served.get("bot@1.2.0")
    assert b"code/app.py" not in taken(served)


def test_a_folder_says_what_it_holds(served: Bots) -> None:
    served.get("bot@prod")
    said = json.loads(app(served, ".assay-release/taken.json").read_text())
    assert (said["release"], said["channel"], said["sequence"]) == ("bot@1.1.0", "prod", 2)
    assert said["gates"] == {"integrity": "pass", "quality": "pass", "smoke": "pass"}
    assert said["signed_by"] == "ana"
    shown = served.assay("release", "show", "bot@prod", "--json").json()
    assert (said["digest"], said["commit"]) == (shown["digest"], shown["commit"])


def test_without_a_name_it_goes_to_a_folder_called_as_the_release(
    served: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    from projects import assay

    assay(served.base, "release", "get", "bot@prod", "--repo", "hub.git")
    assert (served.base / "bot" / "model.bin").is_file()


@pytest.mark.parametrize("spelling", ["path", "file", "folder"])
def test_the_repository_can_be_named_in_several_ways(served: Bots, spelling: str) -> None:
    from projects import assay

    places = {
        "path": str(served.hub.path),
        "file": served.hub.path.as_uri(),
        "folder": str(served.project.root),
    }
    folder = served.base / "elsewhere"
    folder.mkdir()
    assay(folder, "release", "get", "bot@prod", "--repo", places[spelling], "-o", "app")
    assert (folder / "app" / "model.bin").is_file()


def test_in_a_clone_nothing_more_need_be_named(served: Bots) -> None:
    other = served.clone()
    other.assay("release", "get", "bot@prod", "-o", "../app")
    assert app(served, "model.bin").is_file()


def test_two_of_one_size_and_a_file_of_many_bytes(declared: Bots) -> None:
    declared.project.write({"data/large.bin": os.urandom(3 << 20), "data/empty": ""})
    (declared.project.root / "data" / "nothing").mkdir()
    (declared.project.root / "data" / "run").write_text("x")
    (declared.project.root / "data" / "run").chmod(0o755)
    declared.assay("add", "-q", "data")
    declared.commit()
    declared.release("1.0.0")
    declared.get("bot@1.0.0")
    assert read_tree(app(declared, "data")) == declared.project.tree("data")


# -- what is there already ----------------------------------------------------------------


def inodes(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_ino for p in folder.rglob("*") if p.is_file()}


def test_a_folder_that_holds_it_already_is_verified_where_it_is(served: Bots) -> None:
    served.get("bot@prod")
    before = inodes(app(served, "data"))
    again = served.get("bot@prod", "--json").json()
    assert again["was_there"]
    assert inodes(app(served, "data")) == before


TAMPERING: dict[str, Callable[[Path], object]] = {
    "a byte": lambda app: overwrite(app / "model.bin", lambda data: flip(data, 3)),
    "a byte in a folder": lambda app: overwrite(app / "data/rows.jsonl", lambda d: flip(d, 3)),
    "a file cut short": lambda app: overwrite(app / "model.bin", lambda data: data[:-1]),
    "a file gone": lambda app: (app / "data/rows.jsonl").unlink(),
    "a folder gone": lambda app: shutil.rmtree(app / "data"),
    "a file more in a folder": lambda app: (app / "data/extra").write_text("x"),
    "a folder more in a folder": lambda app: (app / "prompts/extra").mkdir(),
    "a mode": lambda app: (app / "prompts/tool.sh").chmod(0o644),
    "a mode more": lambda app: (app / "model.bin").chmod(0o755),
    "a link instead": lambda app: _linked(app / "model.bin"),
    "a link to a folder instead": lambda app: _linked(app / "data"),
    "a folder instead": lambda app: _replaced(app / "model.bin"),
}


def _linked(path: Path) -> None:
    away = path.with_name(f"{path.name}.away")
    path.rename(away.parent.parent / away.name)
    path.symlink_to(Path("..", away.name))


def _replaced(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("how", ["", "--trust-local"])
@pytest.mark.parametrize("tampering", TAMPERING)
def test_whatever_is_not_as_it_should_be_is_never_called_verified(
    served: Bots, tampering: str, how: str
) -> None:
    served.get("bot@prod")
    good = taken(served)
    TAMPERING[tampering](app(served))
    words = [how] if how else []
    done = served.get("bot@prod", "--json", *words, "--force").json()
    assert not done["was_there"]
    assert taken(served) == good


def test_a_change_that_keeps_size_and_time_is_noticed(served: Bots) -> None:
    served.get("bot@prod")
    path = app(served, "model.bin")
    stat = path.stat()
    overwrite(path, lambda data: flip(data, 3))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    done = served.get("bot@prod", "--trust-local", "--force", "--json").json()
    assert not done["was_there"]
    assert path.read_bytes() == served.project.read("model.bin")


def test_what_was_verified_last_is_what_is_believed(served: Bots) -> None:
    """Stamps are only a saving: forged ones are found by whoever verifies."""
    served.get("bot@prod")
    good = app(served, "model.bin").read_bytes()
    overwrite(app(served, "model.bin"), lambda data: flip(data, 3))
    stamps = app(served, ".assay-release/stamps.json")
    value = json.loads(stamps.read_text())
    stat = app(served, "model.bin").stat()
    from assay.store.walk import stat_row

    value["model.bin"] = list(stat_row(stat))
    stamps.write_text(json.dumps(value))
    assert served.get("bot@prod", "--trust-local", "--json").json()["was_there"]
    served.get("bot@prod", "--force")
    assert app(served, "model.bin").read_bytes() == good


@pytest.mark.parametrize("text", ["", "[]", "{", "\0", '{"model.bin": 3}', '{"model.bin": null}'])
@pytest.mark.parametrize("name", ["stamps.json", "taken.json"])
def test_what_a_folder_says_of_itself_may_be_anything(served: Bots, name: str, text: str) -> None:
    served.get("bot@prod")
    good = taken(served)
    app(served, f".assay-release/{name}").write_text(text)
    done = served.get("bot@prod", "--trust-local", "--force")
    assert done.exit_code == 0
    assert taken(served) == good


def test_without_force_nothing_that_somebody_put_there_is_lost(served: Bots) -> None:
    served.get("bot@1.0.0")
    app(served, "mine.txt").write_text("mine")
    done = served.get("bot@prod", "--json", exit_code=4)
    error = done.json()["error"]
    assert error["code"] == "target-changed"
    assert "mine.txt" in error["what"]
    assert app(served, "mine.txt").read_text() == "mine"
    assert app(served, "params.yaml").read_bytes() == b"alpha: 0.5\n"
    served.get("bot@prod", "--force")
    assert not app(served, "mine.txt").exists()
    assert app(served, "params.yaml").read_bytes() == b"alpha: 0.7\n"


def test_a_changed_file_of_a_release_is_not_lost_either(served: Bots) -> None:
    served.get("bot@1.0.0")
    app(served, "prompts/reply.txt").write_text("mine, longer than it was\n")
    for what in ("bot@prod", "bot@1.0.0"):
        assert served.get(what, "--json", exit_code=4).json()["error"]["code"] == "target-changed"
    assert app(served, "prompts/reply.txt").read_text().startswith("mine")


def test_compiled_python_is_no_loss(served: Bots) -> None:
    served.get("bot@1.0.0", "--with-code")
    app(served, "code/__pycache__").mkdir()
    app(served, "code/__pycache__/app.pyc").write_text("x")
    served.get("bot@prod", "--with-code")
    assert app(served, "params.yaml").read_bytes() == b"alpha: 0.7\n"


@pytest.mark.parametrize("kind", ["folder", "file", "link", "broken link"])
def test_what_is_no_releases_folder_is_left_alone(served: Bots, kind: str) -> None:
    place = served.base / "app"
    if kind == "folder":
        place.mkdir()
        (place / "mine").write_text("mine")
    elif kind == "file":
        place.write_text("mine")
    else:
        (served.base / "elsewhere").mkdir()
        (served.base / "elsewhere" / "mine").write_text("mine")
        place.symlink_to("elsewhere" if kind == "link" else "nowhere")
    error = served.get("bot@prod", "--json", exit_code=4).json()["error"]
    assert error["code"] == "target-exists"
    served.get("bot@prod", "--force")
    assert (place / "model.bin").is_file()
    assert not place.is_symlink()
    if kind == "link":
        assert (served.base / "elsewhere" / "mine").read_text() == "mine"


def test_an_empty_folder_is_taken(served: Bots) -> None:
    (served.base / "app").mkdir()
    served.get("bot@prod")
    assert app(served, "model.bin").is_file()


def test_a_folder_below_folders_that_are_not_there_yet(served: Bots) -> None:
    served.get("bot@prod", to="a/b/c")
    assert (served.base / "a/b/c/model.bin").is_file()


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.startswith(".assay-release")]


# -- damage -------------------------------------------------------------------------------


def model(bots: Bots) -> bytes:
    return object_digest(ObjectKind.BLOB, bots.project.read("model.bin"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_in_the_consumers_cache_is_healed(served: Bots, home: Path, damage: str) -> None:
    served.get("bot@prod")
    DAMAGES[damage](cache_of(home), model(served))
    served.get("bot@prod", to="again")
    assert (served.base / "again/model.bin").read_bytes() == served.project.read("model.bin")


def damage_newest_pack(bots: Bots, before: set[Path]) -> None:
    """Change every byte of what was pushed since."""
    packs = {path for path in (bots.store / "packs").rglob("*") if path.is_file()}
    (pack,) = packs - before
    overwrite(pack, lambda data: bytes(byte ^ 0x55 for byte in data))


def test_damage_in_the_remote_is_refused_and_named(served: Bots) -> None:
    before = {path for path in (served.store / "packs").rglob("*") if path.is_file()}
    served.project.write({"params.yaml": "alpha: 0.8\n"})
    served.commit()
    served.release("1.2.0")
    damage_newest_pack(served, before)
    error = served.get("bot@1.2.0", "--json", exit_code=5, to="never").json()["error"]
    assert error["code"] == "remote-damaged"
    assert not (served.base / "never").exists()
    assert leftovers(served.base) == []
    served.get("bot@1.1.0")


def test_a_remote_that_lost_an_object_gives_nothing(served: Bots) -> None:
    for name in ("packs", "index"):
        shutil.rmtree(served.store / name)
        (served.store / name).mkdir()
    error = served.get("bot@prod", "--json", exit_code=3, to="never").json()["error"]
    assert error["code"] == "fetch-incomplete"
    assert not (served.base / "never").exists()


def test_what_was_cached_once_needs_no_data_remote(served: Bots) -> None:
    served.get("bot@prod")
    served.store.rename(served.base / "away")
    served.get("bot@prod")
    served.get("bot@prod", to="again")


def test_verify_demands_the_same_and_writes_nothing(served: Bots, home: Path) -> None:
    words = ("release", "verify", "bot@prod", "--repo", "hub.git", "--json")
    from projects import assay

    done = assay(served.base, *words).json()
    assert (done["files"], done["size_bytes"]) == (6, 428)
    DAMAGES["swapped"](cache_of(home), model(served))
    assay(served.base, *words)  # healed
    DAMAGES["swapped"](cache_of(home), model(served))
    served.store.rename(served.base / "away")
    error = assay(served.base, *words, exit_code=5).json()["error"]
    assert error["code"] == "artifact-damaged"
    assert "model.bin" in error["what"]


# -- links --------------------------------------------------------------------------------

ESCAPES = ["/etc/passwd", "../../outside", "../../../etc/passwd", "sub/../../../x", ".git/config"]


@pytest.mark.parametrize("target", ESCAPES)
def test_a_link_in_the_code_that_leads_out_is_refused_before_anything_is_written(
    served: Bots, target: str
) -> None:
    os.symlink(target, served.project.root / "code" / "link")
    served.commit()
    served.release("1.2.0", gates=False)
    served.refused("bot@1.2.0", "link-escapes", 5, "--with-code", "--unproven")
    assert leftovers(served.base) == []
    served.get("bot@1.2.0", "--unproven")


def test_a_link_within_is_taken_as_a_link(declared: Bots) -> None:
    os.symlink("reply.txt", declared.project.root / "prompts" / "same.txt")
    os.symlink("../code/app.py", declared.project.root / "prompts" / "up")
    declared.commit()
    declared.release("1.0.0")
    declared.get("bot@1.0.0", "--with-code")
    assert os.readlink(app(declared, "prompts/same.txt")) == "reply.txt"
    assert os.readlink(app(declared, "prompts/up")) == "../code/app.py"
    assert declared.get("bot@1.0.0", "--with-code", "--json").json()["was_there"]


# -- stopping in the middle ---------------------------------------------------------------


def start(bots: Bots, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "assay", "release", "get", "bot@prod", "--repo", "hub.git"]
    return subprocess.Popen(
        [*command, "-o", "app", *words],
        cwd=bots.base,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_stopped_in_the_middle_there_is_nothing_or_what_was_there(
    served: Bots, number: signal.Signals
) -> None:
    served.project.write({f"data/{n}.bin": os.urandom(200 << 10) for n in range(60)})
    served.assay("add", "-q", "data")
    served.commit()
    served.release("1.2.0", channel="prod")
    for before in (None, "bot@1.0.0"):
        if before:
            served.get(before)
        process = start(served)
        # As soon as it begins to write beside the target.
        deadline = time.monotonic() + 60
        while not leftovers(served.base) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(number)
        process.wait(60)
        if process.returncode == 0:  # it was faster
            shutil.rmtree(served.base / "app")
            continue
        if before:
            assert app(served, "params.yaml").read_bytes() == b"alpha: 0.5\n"
            assert not app(served, "data/1.bin").exists()
        else:
            assert not app(served).exists()
        if number == signal.SIGINT:
            assert leftovers(served.base) == []
    served.get("bot@prod")
    assert app(served, "data/1.bin").read_bytes() == served.project.read("data/1.bin")


def test_many_jobs_at_once_all_get_all_of_it(served: Bots) -> None:
    """They share one cache; each folder is whole whenever it can be seen."""
    code = (
        "import assay, sys; r = assay.release('bot', channel='prod', repo='hub.git');"
        "sys.stdout.write(r.path('model').read_text())"
    )
    jobs = [
        subprocess.Popen([sys.executable, "-c", code], cwd=served.base, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    wanted = served.project.read("model.bin")
    assert [(job.communicate(timeout=120)[0], job.returncode) for job in jobs] == [(wanted, 0)] * 6


def test_two_at_once_into_one_folder_leave_a_whole_one(served: Bots) -> None:
    running = [start(served) for _ in range(4)]
    assert [process.wait(120) for process in running] == [0] * 4
    assert served.get("bot@prod", "--json").json()["was_there"]
    assert leftovers(served.base) == []


# -- from Python --------------------------------------------------------------------------


def test_a_job_holds_exactly_one_release(served: Bots) -> None:
    taken = api.release("bot", channel="prod", repo=served.hub.path)
    assert (taken.title, taken.version, taken.channel, taken.signed_by) == (
        "bot@1.1.0",
        "1.1.0",
        "prod",
        "ana",
    )
    assert taken.path("model").read_bytes() == served.project.read("model.bin")
    assert taken.path("data").is_dir()
    assert taken.parameters["params.yaml"] == {"alpha": 0.7}
    assert api.release("bot@1.0.0", repo=served.hub.path).channel is None
    with pytest.raises(NotFound) as caught:
        taken.path("absent")
    assert caught.value.code == "artifact-unknown"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"version": "1.0.0", "channel": "prod"},
        {"version": "prod/.."},
        {"channel": "../x"},
    ],
)
def test_a_reference_is_one_or_the_other(served: Bots, given: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        api.release("bot", repo=served.hub.path, **given)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        api.release("bot@prod", channel="prod", repo=served.hub.path)


def test_the_users_own_folder_is_mended_when_it_was_tampered_with(served: Bots) -> None:
    first = api.release("bot", channel="prod", repo=served.hub.path)
    good = first.path("model").read_bytes()
    overwrite(first.path("model"), lambda data: flip(data, 2))
    (first.folder / "extra").write_text("x")
    again = api.release("bot", channel="prod", repo=served.hub.path)
    assert again.folder == first.folder
    assert again.path("model").read_bytes() == good


@pytest.mark.parametrize(
    ("what", "code", "exit_code"),
    [
        ("bot@9.9.9", "release-unknown", 3),
        ("bat@1.0.0", "release-unknown", 3),
        ("bot@staging", "channel-empty", 3),
        ("bat@prod", "channel-empty", 3),
        ("nonsense", "reference-invalid", 2),
    ],
)
def test_what_is_not_there_is_called_so(served: Bots, what: str, code: str, exit_code: int) -> None:
    served.refused(what, code, exit_code)


def test_a_repository_that_is_none_is_called_so(served: Bots) -> None:
    from projects import assay

    (served.base / "empty").mkdir()
    for repo in ("nowhere", "empty"):
        words = ("release", "get", "bot@prod", "--repo", repo, "-o", "x", "--json")
        done = assay(served.base, *words, exit_code=3)
        assert done.json()["error"]["code"].endswith("missing")


def test_a_version_that_has_not_passed_its_gates_is_refused(declared: Bots) -> None:
    text = PIPELINE.replace('"test -s model.bin"', '"exit 1"')
    declared.project.write({"assay.yaml": text})
    declared.commit()
    declared.assay("release", "create", "bot", "1.0.0")
    declared.refused("bot@1.0.0", "gate-missing", 10)
    declared.assay("gate", "run", "bot@1.0.0", exit_code=7)
    declared.refused("bot@1.0.0", "gate-failed", 7)
    declared.get("bot@1.0.0", "--unproven")
    with pytest.raises(AssayError):
        api.release("bot", version="1.0.0", repo=declared.hub.path)
    assert api.release("bot", version="1.0.0", repo=declared.hub.path, unproven=True).version
