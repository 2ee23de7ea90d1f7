"""Stage `prepare`: split the labelled sentences into those to learn from and those to be tested on.

A sentence was made from a template, and the sentences of one template are near-copies of each
other.  Split at random, nearly every test sentence would have a twin among the training sentences
and the model would be praised for its memory.  So whole templates are held out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

SENTENCES = Path("data/sentences/en")
PREPARED = Path("prepared")

Row = dict[str, Any]


def main() -> None:
    """Read the sentences, write prepared/train.jsonl and prepared/test.jsonl."""
    split = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["split"]
    rows = list(labelled(SENTENCES))
    held_out = test_templates(rows, seed=split["seed"], share=split["test_share"])
    PREPARED.mkdir(exist_ok=True)
    for name, is_test in (("train", False), ("test", True)):
        chosen = [row for row in rows if (row["template"] in held_out) is is_test]
        if not chosen:
            raise SystemExit(f"prepare: there is no {name} sentence; look at test_share")
        write(PREPARED / f"{name}.jsonl", chosen)
        templates = len({row["template"] for row in chosen})
        print(f"{name}: {len(chosen):,} sentences of {templates:,} templates")


def labelled(folder: Path) -> Iterator[Row]:
    """Every labelled sentence below a folder; its key "row" says where it stands, `FILE:LINE`."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                yield json.loads(line) | {"row": f"{path.as_posix()}:{number}"}


def test_templates(rows: Iterable[Row], *, seed: int, share: float) -> set[str]:
    """The templates to hold out: about ``share`` of them, but never the last one of an intent.

    A template's own hash decides.  So a template stays on its side whatever else joins the data,
    and the metrics of two revisions of it can be compared.
    """
    places: dict[str, float] = {}
    last: dict[str, str] = {}
    for row in rows:
        template, intent = row["template"], row["intent"]
        if template not in places:
            places[template] = _place(template, seed)
        if intent not in last or places[template] > places[last[intent]]:
            last[intent] = template
    kept = set(last.values())
    return {name for name, place in places.items() if place < share and name not in kept}


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines, the same bytes on every machine."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    path.write_text("".join(f"{encode(row)}\n" for row in rows), encoding="utf-8", newline="\n")


def _place(template: str, seed: int) -> float:
    """Where a template falls between 0 and 1."""
    digest = hashlib.blake2b(f"{seed}:{template}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


if __name__ == "__main__":
    main()
