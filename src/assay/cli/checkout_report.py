"""How a checkout is shown, by `checkout` and `pull` alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.text import human_count, shown

if TYPE_CHECKING:
    from assay.api.switching import CheckoutResult


def checkout_json(result: CheckoutResult) -> dict[str, object]:
    """A checkout as JSON."""
    return {
        "added": result.added,
        "modified": result.modified,
        "deleted": result.deleted,
        "files_written": result.files_written,
        "missing": result.missing,
        "healed": result.healed,
        "damaged": result.damaged,
        "trash": result.trash_ids,
    }


def print_checkout(console: Console, result: CheckoutResult, *, summary: bool = False) -> None:
    """Print what a checkout did."""
    if console.is_json:
        console.json(checkout_json(result))
        return
    lines = [("A", n) for n in result.added] + [("M", n) for n in result.modified]
    lines += [("D", n) for n in result.deleted]
    if summary:
        counts = [
            human_count(len(names), f"path {verb}", f"paths {verb}")
            for verb, names in (("added", result.added), ("modified", result.modified))
            if names
        ]
        console.say(", ".join(counts) or "No changes.")
    else:
        for letter, name in lines:
            console.say(f"{letter}\t{shown(name)}")
    for digest in result.healed:
        console.note(f"healed: object {digest} was damaged or missing; a good copy was fetched")
    for name in result.missing:
        console.warn(f"{shown(name)} could not be written")
    for trash_id in result.trash_ids:
        console.note(
            f"Unsaved files were moved to the trash as {trash_id}; `assay undo` brings them back."
        )
