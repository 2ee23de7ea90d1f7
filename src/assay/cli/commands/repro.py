"""`assay repro`: run the stages of a pipeline that changed."""

from __future__ import annotations

import argparse
import codecs
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import shown

if TYPE_CHECKING:
    from assay.pipelines.result import ReproResult

DESCRIPTION = """
Run the stages of assay.yaml whose command, dependencies, parameters or outputs changed since
assay.lock recorded them, and the stages that they need first.  Every input is verified before
the first stage starts.  What a stage makes goes into the cache and is ignored by Git; a stage
that ran before on the same inputs has its outputs checked out instead.  Checks of a stage stop
everything after it unless they pass (exit code 7 for fail, 10 for no verdict).
"""
EXAMPLES = """
assay repro
assay repro train               # one stage and what it needs
assay repro --dry               # only tell what would run
assay repro --force train       # run it and what it needs even though nothing changed
assay repro -s train            # this stage alone
assay repro --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "targets", nargs="*", metavar="STAGE", help="stages, pipeline files or outputs"
    )
    parser.add_argument("-f", "--force", action="store_true", help="run what did not change, too")
    parser.add_argument(
        "-s", "--single-item", action="store_true", help="only the targets, not what they need"
    )
    parser.add_argument("--dry", "--dry-run", action="store_true", help="only tell what would run")
    parser.add_argument(
        "--no-run-cache", action="store_true", help="run even what ran on the same inputs before"
    )
    add_json(parser)


class _ConsoleNarrator:
    """Says what happens on the terminal; under --json on standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def say(self, text: str) -> None:
        line = "\n".join(map(shown, text.splitlines()))
        if self._console.is_json:
            self._console.note(line)
        else:
            self._console.say(line)
            self._console.stdout.flush()

    def output(self, data: bytes) -> None:
        if self._console.is_quiet:
            return
        stream = self._console.stderr if self._console.is_json else self._console.stdout
        stream.write(self._decode(data))
        stream.flush()


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api
    from assay.api.pipelines import ReproOptions

    options = ReproOptions(
        dry_run=args.dry,
        force=args.force,
        single_item=args.single_item,
        use_run_cache=not args.no_run_cache,
    )
    with api.open_repository(progress=console.progress) as repository:
        result = repository.repro(args.targets, options=options, narrator=_ConsoleNarrator(console))
        autostage = repository.context.settings.core.autostage
        uses_git = repository.context.uses_git
    if console.is_json:
        console.json(_as_json(result))
        return 0
    if args.dry:
        return 0
    if not result.is_changed:
        console.say("Data and pipelines are up to date.")
        return 0
    if result.locks and uses_git and not autostage:
        names = " ".join(map(shown, result.locks))
        console.note(f"\nTo track the changes with git, run:\n\n\tgit add {names}")
    console.say("Use `assay push` to send your updates to remote storage.")
    return 0


def _as_json(result: ReproResult) -> dict[str, object]:
    return {
        "stages": [
            {
                "stage": stage.address,
                "outcome": stage.outcome,
                "reasons": list(stage.reasons),
                "run": stage.run or None,
                "checks": [verdict.as_dict() for verdict in stage.verdicts],
            }
            for stage in result.stages
        ],
        "locks": result.locks,
    }
