"""What goes wrong in the demo's project: two accidents, made as people make them."""

from __future__ import annotations

from pathlib import Path

from assay.demo.dataset import encoded, read_rows

SLIPPED_SHARE = 0.15
"""The part of each file's rows that gets a wrong label."""


def slip_labels(sentences: Path, *, share: float = SLIPPED_SHARE) -> int:
    """Damage the labels of a folder of sentences as a clean-up script did; how many are wrong now.

    The script went through every file part by part and wrote each row's label anew, from the
    file's name.  By the last part of a file its loop had moved on to the name of the next one.
    No sentence is lost, none is there twice, and every label is one that exists, so a contract
    about columns finds nothing.  Only a model that is tested honestly shows it.
    """
    paths = sorted(sentences.glob("*.jsonl"))
    wrong = 0
    for path, following in zip(paths, [*paths[1:], *paths[:1]], strict=True):
        rows = read_rows(path)
        start = len(rows) - int(len(rows) * share)
        moved = [{**row, "intent": following.stem} for row in rows[start:]]
        path.write_bytes(encoded([*rows[:start], *moved]))
        wrong += len(moved)
    return wrong


def mix_up_replies(replies: Path) -> None:
    """Edit the replies as somebody did who made them friendlier, and mixed two of them up.

    Whoever asks to lock a door is told that it was unlocked, and the other way round.  The model
    is the same, and every reply is there and can be filled in: no gate looks at what it says.
    Raises ValueError where the replies to be edited are not there.
    """
    text = replies.read_text(encoding="utf-8")
    for word, done, said in (("lock", "Locked", "unlocked"), ("unlock", "Unlocked", "locked")):
        before = f'\n  {word}: "{done}[ the {{name}}]."\n'
        if text.count(before) != 1:
            raise ValueError(f"{replies} has no reply {before.strip()}")
        text = text.replace(before, f'\n  {word}: "All right, {said}[ the {{name}}] for you."\n')
    replies.write_text(text, encoding="utf-8", newline="\n")
