"""The commands of the story find nothing of the user's, and a `python` that is this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assay.demo.surroundings import environment, home, settle

INHERITED = {
    "PATH": "/bin",
    "HOME": "/srv/me",
    "ASSAY_CACHE_DIR": "/shared",
    "GIT_DIR": "/x",
    "DVC_HOME": "/y",
    "XDG_CONFIG_HOME": "/srv/me/.config",
    "PYTHONSAFEPATH": "1",
    "SHELL": "/bin/false",
}


def test_commands_see_nobodys_settings(tmp_path: Path) -> None:
    variables = environment(tmp_path, INHERITED, columns=90)
    assert not {"ASSAY_CACHE_DIR", "GIT_DIR", "DVC_HOME", "PYTHONSAFEPATH"} & set(variables)
    assert variables["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert variables["HOME"] == "/srv/me"  # packages may be installed there
    own = [name for name, value in variables.items() if value.startswith(str(home(tmp_path)))]
    assert {"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "PATH"} <= set(own)


@pytest.mark.parametrize("name", ["plain", "it's a $folder"])
def test_python_is_the_one_that_runs_the_demo(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    settle(root)
    done = subprocess.run(
        ["python", "-c", "import sys; print(sys.prefix, sys.argv[1])", "a b"],
        env=environment(root, {"PATH": "/bin:/usr/bin"}, columns=90),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == f"{sys.prefix} a b\n"


def test_a_home_is_made_once(tmp_path: Path) -> None:
    settle(tmp_path)
    with pytest.raises(FileExistsError):
        settle(tmp_path)
