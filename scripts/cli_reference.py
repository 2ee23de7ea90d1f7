"""Renders docs/reference/cli.md from the command line's own parsers.

.venv/bin/python scripts/cli_reference.py            # print it
.venv/bin/python scripts/cli_reference.py --write    # bring the page up to date
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from assay.cli.parser import all_commands
from assay.cli.registry import ALIASES, COMMANDS, SECTIONS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"

_INTRODUCTION = """\
# The command line

<!-- Made by scripts/cli_reference.py; do not edit by hand. -->

`assay COMMAND --help` prints what stands here. Results go to standard output, everything about
them (progress, hints, warnings, errors) to standard error. Commands work from any folder of a
project; paths count from the current folder. How a command ended is told by
[its exit code](exit-codes.md); what the errors mean is in [their list](errors.md).

## Options of every command

| option | does |
|---|---|
| `-h`, `--help` | explain the command |
| `-q`, `--quiet` | print only results and errors |
| `-v`, `--verbose` | print more; on a failure, where it happened |
| `--cd DIR` | go to this folder first |
| `--color WHEN` | `auto`, `always` or `never` (`auto`: on a terminal, unless `NO_COLOR` is set) |

With `--json`, where a command has it, standard output is one JSON document, and an error is
`{"error": {"code": …, "what": …, "why": …, "fix": …, "paths": […], "exit_code": …}}`.

They may stand before the command as well: `assay --cd project status`. `assay --version` prints
the version.
"""
_COMMON = {"help", "quiet", "verbose", "cd", "color"}


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command's parser by its path."""
    found: dict[str, argparse.ArgumentParser] = {}
    for name, parser in _choices(all_commands()).items():
        below = _choices(parser)
        if below:
            found.update({f"{name} {word}": sub for word, sub in below.items()})
        else:
            found[name] = parser
    return found


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def render() -> str:
    """The whole page."""
    parsers = command_parsers()
    parts = [_INTRODUCTION, *_contents()]
    for title, commands in SECTIONS:
        parts.append(f"\n## {title}\n")
        parts += ["".join(_command(command, parsers[command])) for command in commands]
    return "".join(parts)


def _contents() -> Iterator[str]:
    yield "\n## Commands\n\n| command | does |\n|---|---|\n"
    for _, commands in SECTIONS:
        for command in commands:
            anchor = f"assay-{command}".replace(" ", "-")
            yield f"| [`assay {command}`](#{anchor}) | {COMMANDS[command]} |\n"


def _command(command: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"\n### assay {command}\n\n"
    yield f"```text\nassay {command}{_synopsis(parser)}\n```\n\n"
    yield f"{parser.description}\n"
    other = [word for word, meant in ALIASES.items() if meant == command]
    if other:
        yield f"\nAlso: `assay {other[0]}`.\n"
    rows = list(_rows(parser))
    if rows:
        yield "\n| argument | does |\n|---|---|\n" + "".join(rows)
    examples = (parser.epilog or "").removeprefix("examples:\n")
    if examples:
        lines = [line.removeprefix("  ") for line in examples.splitlines()]
        yield "\n```text\n" + "\n".join(lines) + "\n```\n"


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [
        action
        for action in parser._actions
        if action.help is not argparse.SUPPRESS and action.dest not in _COMMON
    ]


def _synopsis(parser: argparse.ArgumentParser) -> str:
    words = [" [options]"] if any(a.option_strings for a in _shown(parser)) else []
    for action in _shown(parser):
        if not action.option_strings:
            name = _metavar(action)
            many = action.nargs in ("*", "+")
            shown = f"{name} …" if many else name
            words.append(f" [{shown}]" if action.nargs in ("?", "*") else f" {shown}")
    return "".join(words)


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in _shown(parser):
        if not action.option_strings:
            name = f"`{_metavar(action)}`"
        else:
            value = _value(action)
            name = ", ".join(f"`{option}{value}`" for option in action.option_strings)
        text = (action.help or "").replace("|", "\\|").replace("*", "\\*")
        yield f"| {name} | {text} |\n"


def _metavar(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    return name.upper()


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    name = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else _metavar(action)
    if action.nargs == "?":
        return f" [{name}]"
    return f" {name} …" if action.nargs in ("*", "+") else f" {name}"


def main() -> int:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write it to its place")
    if parser.parse_args().write:
        PAGE.write_text(render(), encoding="utf-8")
    else:
        sys.stdout.write(render())
    return 0


if __name__ == "__main__":
    sys.exit(main())
