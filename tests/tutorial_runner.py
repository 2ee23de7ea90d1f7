"""Runs the console commands of a Markdown page in one shell, as a reader would type them.

    python tests/tutorial_runner.py docs/tutorial.md path/to/bin/assay

Every line that begins with `$ ` in a ```console block is a command; lines that begin with `> `
after it continue it (as a shell shows them), and so do lines after one that ends in a backslash.
Everything else is output, and is not compared.  A command must succeed, unless its line ends
with `# exit N`: then it must exit with N.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*(\S*)")
_EXPECTED = re.compile(r"\s+#\s*exit\s+(\d+)\s*$")

# `eval` in the one shell keeps what `cd` and `export` do for the commands after it.
_PRELUDE = """\
set -o pipefail
step() {
  printf '\\n[line %s] $ %s\\n' "$1" "$3"
  eval "$3" </dev/null
  STEP_CODE=$?
  if [ "$STEP_CODE" -ne "$2" ]; then
    printf '\\n%s:%s: exit code %s, expected %s: %s\\n' "$PAGE" "$1" "$STEP_CODE" "$2" "$3" >&2
    exit 1
  fi
}
"""


class Command(NamedTuple):
    line: int
    text: str
    exit_code: int


def commands(markdown: str) -> Iterator[Command]:
    """The commands of a page, in order, with the line each begins on."""
    fence = ""
    is_console = False
    waiting: tuple[int, list[str]] | None = None
    for number, line in enumerate(markdown.splitlines(), start=1):
        mark = _FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and not mark[2])):
            fence, is_console = ("", False) if fence else (mark[1], mark[2] == "console")
            text = None
        else:
            text = line.strip() if is_console else None
        if waiting and text is not None and _continues(text, waiting[1][-1]):
            waiting[1].append(text[2:] if text.startswith(">") else text)
            continue
        if waiting:
            yield _command(*waiting)
            waiting = None
        if text and text.startswith("$ "):
            waiting = (number, [text[2:]])
    if waiting:
        yield _command(*waiting)


def _continues(text: str, before: str) -> bool:
    return text == ">" or text.startswith("> ") or before.endswith("\\")


def _command(line: int, texts: list[str]) -> Command:
    expected = _EXPECTED.search(texts[-1])
    if expected:
        texts[-1] = texts[-1][: expected.start()]
    return Command(line, "\n".join(texts), int(expected[1]) if expected else 0)


def script(page: Path, steps: list[Command]) -> str:
    """The page as one shell program that stops at the first surprise."""
    calls = [f"step {step.line} {step.exit_code} {shlex.quote(step.text)}" for step in steps]
    return "\n".join([f"PAGE={shlex.quote(str(page))}", _PRELUDE, *calls, "exit 0", ""])


def environment(assay: Path, home: Path) -> dict[str, str]:
    """A newcomer's environment: their own Git identity, an empty home, `assay` on the path."""
    keep = ("LANG", "PATH", "TMPDIR", "SSL_CERT_FILE")
    (home / "gitconfig").write_text(
        "[user]\nname = New Comer\nemail = new.comer@example.org\n"
        "[init]\ndefaultBranch = main\n[advice]\ndetachedHead = false\n",
        encoding="utf-8",
    )
    kept = {name: os.environ[name] for name in keep if name in os.environ}
    return {
        **kept,
        "PATH": f"{assay.parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
    }


def run(page: Path, assay: Path, timeout_seconds: float = 600) -> int:
    """Carry out the page in a temporary folder; 0 if every command did what it should."""
    if not page.is_file():
        print(f"{page}: no such page", file=sys.stderr)
        return 1
    if not os.access(assay, os.X_OK):
        print(f"{assay}: not an executable file", file=sys.stderr)
        return 1
    steps = list(commands(page.read_text(encoding="utf-8")))
    if not steps:
        print(f"{page}: has no console commands", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="assay-page-") as folder:
        home, work = Path(folder, "home"), Path(folder, "work")
        home.mkdir()
        work.mkdir()
        try:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-c", script(page, steps)],
                cwd=work,
                env=environment(assay, home),
                stdin=subprocess.DEVNULL,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            print(f"{page}: not done after {timeout_seconds:.0f} s", file=sys.stderr)
            return 1
    if done.returncode == 0:
        print(f"\n{page}: {len(steps)} commands, all as the page says")
    return done.returncode


def main() -> int:
    """Parse the command line and run the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("page", type=Path)
    parser.add_argument("assay", type=Path, help="the executable to put on the path")
    parser.add_argument("--timeout-seconds", type=float, default=600)
    given = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return run(given.page, given.assay.absolute(), given.timeout_seconds)


if __name__ == "__main__":
    sys.exit(main())
