"""The exit codes in the reference are those of the error classes."""

from __future__ import annotations

import re

from assay import errors
from source_tree import document

REFERENCE = "docs/reference/exit-codes.md"


def class_exit_codes() -> dict[int, str]:
    """Exit code -> name of its class, for every error that is raised as such."""
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.AssayError)
    ]
    reactions = [cls for cls in classes if cls is not errors.AssayError]
    codes = {cls.exit_code: cls.__name__ for cls in reactions}
    assert len(codes) == len(reactions), "two classes share an exit code"
    return codes


def documented_exit_codes() -> list[int]:
    """The numbers in the first column of the reference's table."""
    rows = re.findall(r"^\|\s*`?(\d+)`?\s*\|", document(REFERENCE), flags=re.MULTILINE)
    return [int(number) for number in rows]


def test_every_exit_code_is_documented_once_and_no_other() -> None:
    assert sorted(documented_exit_codes()) == sorted([0, *class_exit_codes()])


def test_exit_codes_are_the_promised_ones() -> None:
    # Scripts and schedulers rely on these numbers: this list may grow but never change.
    promised = {
        2: "InvalidInput",
        3: "NotFound",
        4: "Conflict",
        5: "IntegrityError",
        6: "RemoteRefused",
        7: "GateFailed",
        8: "StageFailed",
        9: "ExtraMissing",
        10: "Inconclusive",
        11: "Quarantined",
        12: "Untrusted",
        70: "Bug",
        75: "Temporary",
    }
    assert promised.items() <= class_exit_codes().items()
