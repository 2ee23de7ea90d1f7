"""The nightly job: take the release that production serves now, and answer a batch of sentences.

    python classify.py --repo URL batch.jsonl -o predictions.jsonl

The release is verified before the first byte of it is used.  One that is damaged, forged or in
quarantine is refused, with the exit code that a scheduler decides by.  Every answer is stamped
with the release and the run that made it, so that `assay trace predictions.jsonl:17` finds its
way back to the training rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import assay
from assay.errors import AssayError
from bot import Bot


def main() -> int:
    """Read the batch, write the predictions."""
    parser = argparse.ArgumentParser(description="Answer a batch of sentences.")
    parser.add_argument("batch", nargs="?", default="batch.jsonl")
    parser.add_argument("--repo", help="path or URL of the repository that has the releases")
    parser.add_argument("-o", "--output", default="predictions.jsonl")
    args = parser.parse_args()

    try:
        release = assay.release("intent-bot", channel="prod", repo=args.repo)
    except AssayError as error:
        print(f"no release to work with: {error} {error.why}", file=sys.stderr)
        return error.exit_code
    bot = Bot.load(release.path("model"), release.path("prompts"), release.path("parameters"))
    with release.run("nightly", output=args.output, inputs=[args.batch]) as run:
        for number, sentence in read_batch(Path(args.batch)):
            answer = bot.answer(sentence)
            output = {
                "sentence": sentence,
                "intent": answer.intent,
                "margin": answer.margin,
                "reply": answer.reply,
            }
            run.record(output, id=number, input=sentence, rows=answer.rows)
    print(f"{release.title}: {run.count} sentences answered in {args.output}")
    return 0


def read_batch(path: Path) -> Iterator[tuple[str, str]]:
    """Id and text of each sentence of a batch."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            yield item["id"], item["sentence"]


if __name__ == "__main__":
    sys.exit(main())
