"""How a command ends when it did not go well: what is printed, and the exit code."""

from __future__ import annotations

from assay.cli.console import Console
from assay.cli.text import shown
from assay.errors import AssayError, Bug

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""
PIPE_CLOSED = 141
"""128 + SIGPIPE: whoever read the output has seen enough."""


def report(error: BaseException, console: Console) -> int:
    """Print ``error`` for people or as JSON, and return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        console.warn("interrupted; nothing is left broken.")
        return INTERRUPTED
    known = _known(error)
    if console.verbosity and not isinstance(error, AssayError):
        _print_traceback(error, console)
    if console.is_json:
        console.json({"error": known.as_dict()})
    else:
        console.stderr.write(_text(known, console))
        console.stderr.flush()
    return known.exit_code


def _known(error: BaseException) -> AssayError:
    if isinstance(error, AssayError):
        return error
    if isinstance(error, OSError):
        from assay.store.durable import translate

        translated = translate(error, "a file")
        if translated is not None:
            return translated
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    return Bug(
        "bug",
        f"assay stopped on something it did not expect: {said}",
        why="This is a bug in assay. Your data is as it was before the command or as after it.",
        fix="Please report it, with what the command prints when run again with -v.",
    )


def _text(error: AssayError, console: Console) -> str:
    label = console.style("error:", "red", "bold", stream=console.stderr)
    code = console.style(f"[{error.code}]", "dim", stream=console.stderr)
    text = f"{label} {_safe(error.what, 7)} {code}\n"
    if error.why:
        text += f"  why: {_safe(error.why, 7)}\n"
    if error.fix:
        text += f"  fix: {_safe(error.fix, 7)}\n"
    return text


def _safe(text: str, indent: int) -> str:
    return ("\n" + " " * indent).join(shown(line) for line in text.splitlines())


def _print_traceback(error: BaseException, console: Console) -> None:
    import traceback

    console.detail("".join(traceback.format_exception(error)).rstrip())
