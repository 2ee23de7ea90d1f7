"""Settings are layered per key, checked when read, and changed without disturbing the rest."""

from __future__ import annotations

import contextlib
import os
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.dialect import NATIVE
from assay.errors import InvalidInput, NotFound
from assay.settings import (
    KEYS,
    LevelFile,
    Settings,
    change,
    find_key,
    find_root,
    level_files,
    load,
    name_of,
    path_of,
    read_layers,
    require_root,
    values_of,
)
from assay.settings.keys import Unsuitable
from assay.settings.model import resolve_location, store_location
from assay.settings.toml import edit, parse


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "p" / ".assay").mkdir(parents=True)
    return tmp_path / "p"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "HOME": str(tmp_path / "home"),
        "ASSAY_SYSTEM_CONFIG_DIR": str(tmp_path / "system"),
        "ASSAY_GLOBAL_CONFIG_DIR": str(tmp_path / "global"),
    }


def file_at(level: str, root: Path, environ: Mapping[str, str]) -> LevelFile:
    return next(f for f in level_files(root, NATIVE, environ) if f.level == level)


def write(level: str, text: str, root: Path, environ: Mapping[str, str]) -> Path:
    path = file_at(level, root, environ).path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def settings(root: Path, environ: Mapping[str, str]) -> Settings:
    return load(root, NATIVE, environ)


def test_without_files_the_defaults_hold(root: Path, environ: dict[str, str]) -> None:
    found = settings(root, environ)
    assert found.cache.dir == root / ".assay" / "cache"
    assert found.cache.types == ("reflink", "copy")
    assert not found.cache.is_shared
    assert not found.core.autostage
    assert not found.core.no_scm
    assert found.core.checksum_jobs is None
    assert (found.gc_grace_days, found.trash_keep_days) == (14, 30)
    assert found.add_symlinks == "follow"
    assert found.remotes == {}
    assert found.home == root / ".assay"


def test_a_later_level_overrides_an_earlier_one_key_by_key(
    root: Path, environ: dict[str, str]
) -> None:
    write("system", '[core]\nremote = "a"\nautostage = true\n[gc]\ngrace_days = 1\n', root, environ)
    write("global", '[core]\nremote = "b"\nchecksum_jobs = 3\n', root, environ)
    write("project", '[core]\nremote = "c"\n[remote.r]\nurl = "/r"\njobs = 2\n', root, environ)
    write("local", "[remote.r]\njobs = 9\n[trash]\nkeep_days = 0\n", root, environ)
    found = settings(root, environ)
    assert found.core.remote == "c"
    assert found.core.autostage
    assert found.core.checksum_jobs == 3
    assert (found.gc_grace_days, found.trash_keep_days) == (1, 0)
    assert (found.remotes["r"].url, found.remotes["r"].jobs) == ("/r", 9)


def test_the_origin_of_each_value_is_known(root: Path, environ: dict[str, str]) -> None:
    write("global", "[core]\nautostage = true\n", root, environ)
    path = write("project", '[core]\nremote = "x"\n[remote.x]\nurl = "../r"\n', root, environ)
    files = level_files(root, NATIVE, environ)
    values = values_of(read_layers(files, NATIVE), NATIVE, environ)
    assert {name_of(p): v.file.level for p, v in values.items()} == {
        "core.autostage": "global",
        "core.remote": "project",
        "remote.x.url": "project",
    }
    assert values["remote", "x", "url"].raw == "../r"
    assert values["remote", "x", "url"].value == str(root / "r")
    assert values["remote", "x", "url"].file.path == path


@pytest.mark.parametrize("text", ["", "# only a comment\n\n   # more\n", "\r\n"])
def test_a_file_that_says_nothing_needs_no_parser(text: str) -> None:
    assert parse(text) == {}


def test_relative_locations_count_from_the_file(
    root: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    write("project", '[remote.s]\nurl = "../../r"\n[cache]\ndir = "../c"\n', root, environ)
    write("global", '[remote.g]\nurl = "store"\n[remote.h]\nurl = "~/h"\n', root, environ)
    found = settings(root, environ)
    assert found.remotes["s"].url == str(tmp_path / "r")
    assert found.remotes["g"].url == str(tmp_path / "global" / "store")
    assert found.remotes["h"].url == str(tmp_path / "home" / "h")
    assert found.cache.dir == root / "c"


@given(
    text=st.text("ab/. ", min_size=1, max_size=12).filter(lambda t: not t.isspace()),
    cwd=st.sampled_from(["/p", "/p/deep/er", "/elsewhere"]),
)
def test_a_stored_location_means_what_the_person_meant(text: str, cwd: str) -> None:
    base = Path("/p/.assay")
    stored = store_location(text, Path(cwd), base)
    assert resolve_location(stored, base, {}) == os.path.normpath(os.path.join(cwd, text))


@pytest.mark.parametrize("text", ["s3://b/p", "https://h/x", "remote://s/x", "/abs", "~/x"])
def test_addresses_and_absolute_paths_are_stored_as_they_are(text: str) -> None:
    assert store_location(text, Path("/p"), Path("/p/.assay")) == text


def test_the_environment_comes_last(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    write("local", '[cache]\ndir = "/c"\n[remote.r]\nurl = "/r"\njobs = 2\n', root, environ)
    environ |= {"ASSAY_CACHE_DIR": str(tmp_path / "mine"), "ASSAY_JOBS": "7"}
    found = settings(root, environ)
    assert found.cache.dir == tmp_path / "mine"
    assert (found.jobs, found.remotes["r"].jobs) == (7, 7)


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "٣"])
def test_a_wrong_variable_is_named(root: Path, environ: dict[str, str], jobs: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings(root, {**environ, "ASSAY_JOBS": jobs})
    assert caught.value.code == "environment-invalid"
    assert "ASSAY_JOBS" in caught.value.what


def test_the_user_level_follows_xdg(tmp_path: Path) -> None:
    def of(environ: dict[str, str]) -> Path:
        return level_files(None, NATIVE, environ)[1].path

    home = {"HOME": "/h"}
    assert of(home) == Path("/h/.config/assay/config.toml")
    assert of({**home, "XDG_CONFIG_HOME": "/x"}) == Path("/x/assay/config.toml")
    assert of({**home, "XDG_CONFIG_HOME": "relative"}) == Path("/h/.config/assay/config.toml")
    assert level_files(None, NATIVE, {})[0].path == Path("/etc/xdg/assay/config.toml")


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[core]\n# c\nautostage = 1\n", 3, "core.autostage"),
        ('[core]\nchecksum_jobs = "4"\n', 2, "core.checksum_jobs"),
        ("[core]\nchecksum_jobs = 0\n", 2, "core.checksum_jobs"),
        ("[core]\nchecksum_jobs = true\n", 2, "core.checksum_jobs"),
        ("\n\ncore.remote = 3\n", 3, "core.remote"),
        ('[cache]\ntype = "hardlink,teleport"\n', 2, "cache.type"),
        ('[cache]\ntype = ["copy", 3]\n', 2, "cache.type"),
        ("[cache]\ntype = []\n", 2, "cache.type"),
        ('[remote."a.b"]\n\nverify = "yes"\n', 3, "remote.a.b.verify"),
        ('[remote.s]\nurl = ""\n', 2, "remote.s.url"),
        ('[add]\nsymlinks = "both"\n', 2, "add.symlinks"),
        ("core = 3\n", 1, "core"),
        ('\n[remote]\nstore = "/x"\n', 3, "remote.store"),
        ("[gc]\ngrace_days = -1\n", 2, "gc.grace_days"),
    ],
)
def test_a_wrong_value_is_named_with_file_line_and_key(
    text: str, line: int, key: str, root: Path, environ: dict[str, str]
) -> None:
    path = write("project", text, root, environ)
    with pytest.raises(InvalidInput) as caught:
        settings(root, environ)
    assert caught.value.code == "config-invalid"
    assert f"{path}, line {line}: {key} " in caught.value.what


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"[core]\nremote = \n", 2),
        (b"[core\n", 1),
        (b"a = 1\nb = '\xff'\n", 2),
        (b"x = " + b"[" * 5000, None),
    ],
)
def test_a_file_that_cannot_be_parsed_names_the_line(
    content: bytes, line: int | None, root: Path, environ: dict[str, str]
) -> None:
    path = file_at("project", root, environ).path
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        settings(root, environ)
    assert caught.value.code == "config-invalid"
    assert f"{path}, line {line or ''}" in caught.value.what


@given(content=st.one_of(st.binary(max_size=120), st.text(max_size=120).map(str.encode)))
def test_any_content_is_settings_or_an_error_of_ours(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.toml")
        path.write_bytes(content)
        file = LevelFile(level="project", path=path, in_project=True)
        with contextlib.suppress(InvalidInput):
            values_of(read_layers([file], NATIVE), NATIVE, {})


@pytest.mark.parametrize("kind", ["pipe", "folder", "huge"])
def test_what_is_not_a_plain_file_is_refused(
    kind: str, root: Path, environ: dict[str, str]
) -> None:
    path = file_at("project", root, environ).path
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"#" * (2 << 20))
    with pytest.raises(InvalidInput) as caught:
        settings(root, environ)
    assert caught.value.code == "config-invalid"


def test_a_newer_format_is_refused(root: Path, environ: dict[str, str]) -> None:
    write("project", "format_version = 1\n", root, environ)
    settings(root, environ)
    write("project", "format_version = 2\n", root, environ)
    with pytest.raises(InvalidInput) as caught:
        settings(root, environ)
    assert caught.value.code == "config-newer-format"


def test_unknown_keys_are_kept_and_passed_over(root: Path, environ: dict[str, str]) -> None:
    text = '[core]\nfuture = 3\n[other]\nx = [1]\n[remote.r]\nurl = "/r"\nregion = "eu"\n'
    path = write("project", text, root, environ)
    found = settings(root, environ)
    assert found.remotes["r"].options == {"region": "eu"}
    change(file_at("project", root, environ), NATIVE, assign={("core", "remote"): "r"})
    written = tomllib.loads(path.read_text())
    assert written["core"] == {"future": 3, "remote": "r"}
    assert written["other"] == {"x": [1]}


def test_the_default_remote_and_named_ones_are_found(root: Path, environ: dict[str, str]) -> None:
    with pytest.raises(NotFound) as caught:
        settings(root, environ).remote()
    assert caught.value.code == "remote-unset"
    write("project", '[core]\nremote = "a"\n[remote.a]\nurl = "/a"\n[remote.b]\nurl = "/b"\n',
          root, environ)  # fmt: skip
    found = settings(root, environ)
    assert found.remote().url == "/a"
    assert found.remote("b").url == "/b"
    with pytest.raises(NotFound) as caught:
        found.remote("c")
    assert caught.value.code == "remote-unknown"
    assert "a, b" in caught.value.why


def test_a_remote_may_lie_inside_another(root: Path, environ: dict[str, str]) -> None:
    text = '[remote.s]\nurl = "s3://b/x/"\n[remote.t]\nurl = "remote://s/y"\nverify = false\n'
    write("project", text + '[remote.u]\nurl = "remote://t/z"\n', root, environ)
    found = settings(root, environ)
    assert found.remote("t").url == "s3://b/x/y"
    assert not found.remote("t").verify
    assert found.remote("u").url == "s3://b/x/y/z"


def test_remotes_that_lead_in_a_circle_are_refused(root: Path, environ: dict[str, str]) -> None:
    write("project", '[remote.a]\nurl = "remote://b"\n[remote.b]\nurl = "remote://a/x"\n',
          root, environ)  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        settings(root, environ).remote("a")
    assert caught.value.code == "remote-circular"


def test_a_remote_without_address_is_refused_when_used(root: Path, environ: dict[str, str]) -> None:
    write("local", "[remote.a]\njobs = 3\n", root, environ)
    with pytest.raises(InvalidInput) as caught:
        settings(root, environ).remote("a")
    assert caught.value.code == "remote-without-url"


def test_a_project_is_found_from_anywhere_inside(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    assert find_root(root / "a" / "b") == (root, NATIVE)
    assert find_root(root) == (root, NATIVE)
    assert find_root(root.parent) is None
    with pytest.raises(NotFound) as caught:
        require_root(root.parent)
    assert caught.value.code == "project-missing"


def test_the_nearest_project_wins(root: Path) -> None:
    (root / "inner" / ".assay").mkdir(parents=True)
    assert find_root(root / "inner") == (root / "inner", NATIVE)


def test_a_change_keeps_comments_and_order(root: Path, environ: dict[str, str]) -> None:
    text = '# ours\n[core] # main\nremote = "a" # why\n\n[remote.a]\n# first\nurl = "/a"\n'
    path = write("project", text, root, environ)
    change(file_at("project", root, environ), NATIVE, assign={("core", "remote"): "b"})
    assert path.read_text() == text.replace('"a" # why', '"b" # why')


def test_a_table_left_empty_goes_with_its_last_key(root: Path, environ: dict[str, str]) -> None:
    path = write("project", '[core]\nremote = "a"\n[remote.a]\nurl = "/a"\n', root, environ)
    file = file_at("project", root, environ)
    change(file, NATIVE, drop=(("remote", "a"), ("core", "remote")))
    assert path.read_text().strip() == ""


def test_the_first_change_creates_the_file(root: Path, environ: dict[str, str]) -> None:
    for level in ("system", "global", "project", "local"):
        file = file_at(level, root, environ)
        change(file, NATIVE, assign={("core", "remote"): level})
        assert tomllib.loads(file.path.read_text()) == {"core": {"remote": level}}
    assert file_at("local", root, environ).path.stat().st_mode & 0o077 == 0


def test_a_change_keeps_the_files_mode(root: Path, environ: dict[str, str]) -> None:
    path = write("project", "# c\n", root, environ)
    path.chmod(0o640)
    change(file_at("project", root, environ), NATIVE, assign={("core", "remote"): "a"})
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_repositorys_link_is_not_written_through(root: Path, environ: dict[str, str]) -> None:
    victim = root / "victim"
    victim.write_text("# mine\n")
    file = file_at("project", root, environ)
    os.symlink(victim, file.path)
    with pytest.raises(InvalidInput) as caught:
        change(file, NATIVE, assign={("core", "remote"): "a"})
    assert caught.value.code == "config-uneditable"
    assert victim.read_text() == "# mine\n"


def test_a_users_link_is_followed(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("# kept elsewhere\n")
    file = file_at("global", root, environ)
    file.path.parent.mkdir()
    os.symlink(kept, file.path)
    change(file, NATIVE, assign={("core", "remote"): "a"})
    assert file.path.is_symlink()
    assert tomllib.loads(kept.read_text()) == {"core": {"remote": "a"}}


def test_concurrent_changes_do_not_undo_each_other(root: Path, environ: dict[str, str]) -> None:
    file = file_at("project", root, environ)

    def add(number: int) -> None:
        change(file, NATIVE, assign={("remote", f"r{number}", "url"): f"/{number}"})

    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(settings(root, environ).remotes) == {f"r{n}" for n in range(8)}


NAMES = st.sampled_from(["a", "b.c", "d e", "ü", '"', "'", "\\"])
TABLES = st.dictionaries(
    st.tuples(st.just("remote"), NAMES, st.sampled_from(["url", "jobs", "x"]))
    | st.tuples(st.sampled_from(["core", "new"]), st.sampled_from(["remote", "k"])),
    st.text(max_size=8) | st.booleans() | st.integers(0, 9),
    max_size=5,
)


@given(first=TABLES, second=TABLES, data=st.data())
def test_an_edit_does_what_it_was_asked_and_nothing_else(
    first: dict[tuple[str, ...], object],
    second: dict[tuple[str, ...], object],
    data: st.DataObject,
) -> None:
    text = edit("# heading\n[a]\nb = 1 # note\n", assign=first)
    gone = tuple(data.draw(st.sets(st.sampled_from(sorted(first)))) if first else ())
    after = edit(text, assign=second, drop=gone)
    expected: dict[str, object] = {"a": {"b": 1}}
    for path, value in {**{k: v for k, v in first.items() if k not in gone}, **second}.items():
        table: dict[str, object] = expected
        for part in path[:-1]:
            table = table.setdefault(part, {})  # type: ignore[assignment]
        table[path[-1]] = value
    assert tomllib.loads(after) == expected
    assert "# heading" in after
    assert "# note" in after


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("core.autostage", "TRUE", True),
        ("core.autostage", "off", False),
        ("core.checksum_jobs", " 4 ", 4),
        ("cache.type", "hardlink,symlink", "hardlink,symlink"),
        ("cache.shared", "group", "group"),
        ("core.remote", "7", "7"),
    ],
)
def test_what_a_person_writes_becomes_a_typed_value(name: str, text: str, value: object) -> None:
    key = find_key(path_of(name))
    assert key is not None
    assert key.parse(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("core.autostage", "maybe"),
        ("core.checksum_jobs", "0"),
        ("core.checksum_jobs", "-1"),
        ("core.checksum_jobs", "4.5"),
        ("core.checksum_jobs", "9" * 5000),
        ("cache.type", "teleport"),
        ("cache.shared", "everyone"),
        ("core.remote", ""),
        ("core.remote", "a\nb"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, text: str) -> None:
    key = find_key(path_of(name))
    assert key is not None
    with pytest.raises(Unsuitable):
        key.parse(text)


def test_every_default_is_of_its_keys_kind() -> None:
    for key in KEYS:
        assert key.help
        if key.default:
            key.check(key.parse(key.default))


@given(st.sampled_from(["store", "a.b", "x y"]))
def test_names_of_remotes_may_hold_dots(name: str) -> None:
    path = path_of(f"remote.{name}.url")
    assert path == ("remote", name, "url")
    assert path_of(name_of(path)) == path


def test_inline_tables_can_be_changed(root: Path, environ: dict[str, str]) -> None:
    write("project", "remote = {s = {url = '/a'}}\n", root, environ)
    change(file_at("project", root, environ), NATIVE, assign={("remote", "t", "url"): "/b"})
    assert settings(root, environ).remote("s").url == "/a"
    assert settings(root, environ).remote("t").url == "/b"


def test_a_file_that_is_already_wrong_is_not_changed(root: Path, environ: dict[str, str]) -> None:
    path = write("project", "[core]\nautostage = 3\n", root, environ)
    with pytest.raises(InvalidInput) as caught:
        change(file_at("project", root, environ), NATIVE, assign={("core", "remote"): "a"})
    assert caught.value.code == "config-invalid"
    assert path.read_text() == "[core]\nautostage = 3\n"


def test_a_huge_number_is_an_error_of_ours(root: Path, environ: dict[str, str]) -> None:
    write("project", f"[gc]\ngrace_days = {'9' * 5000}\n", root, environ)
    with pytest.raises(InvalidInput):
        settings(root, environ)
