"""The error tree: grouped by what a caller would do about it, each with an exit code.

An error says *what* happened, *why*, and how to *fix* it.  Its class says how to react and
fixes the exit code (``docs/reference/exit-codes.md``); its ``code`` is a stable string that
scripts may match on (``docs/reference/errors.md``; a test checks that every code is there).
"""

from __future__ import annotations

from typing import ClassVar


class AssayError(Exception):
    """Root of every error that assay raises on purpose.

    ``code`` is a stable identifier such as ``pointer-invalid``; ``what``, ``why`` and ``fix``
    are sentences for people; ``paths`` names the files concerned, where there are any.
    """

    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        code: str,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        paths: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
        self.paths = paths

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process boundaries (hashing and checkout workers).
        return (_rebuild, (type(self), self.code, self.what, self.why, self.fix, self.paths))

    def as_dict(self) -> dict[str, object]:
        """The error as ``--json`` prints it."""
        return {
            "code": self.code,
            "what": self.what,
            "why": self.why,
            "fix": self.fix,
            "paths": list(self.paths),
            "exit_code": self.exit_code,
        }


def _rebuild(
    cls: type[AssayError], code: str, what: str, why: str, fix: str, paths: tuple[str, ...]
) -> AssayError:
    return cls(code, what, why=why, fix=fix, paths=paths)


class InvalidInput(AssayError):
    """The command line, a file or an argument is not what it must be.  Mend it and try again."""

    exit_code = 2


class NotFound(AssayError):
    """Something named does not exist: a path, a revision, an object, a remote."""

    exit_code = 3


class Conflict(AssayError):
    """Going on would destroy or contradict something: unsaved work, a lock, another writer."""

    exit_code = 4


class IntegrityError(AssayError):
    """Bytes do not match the digest, checksum or format they are stored under."""

    exit_code = 5


class RemoteRefused(AssayError):
    """A remote said no for good: permission, quota, read-only, gone."""

    exit_code = 6


class GateFailed(AssayError):
    """A required gate says fail."""

    exit_code = 7


class StageFailed(AssayError):
    """A pipeline stage's command failed."""

    exit_code = 8


class ExtraMissing(AssayError):
    """An optional part is not installed; the fix names the extra."""

    exit_code = 9


class Inconclusive(AssayError):
    """A required gate could not reach a verdict."""

    exit_code = 10


class Quarantined(AssayError):
    """The release is forbidden everywhere."""

    exit_code = 11


class Untrusted(AssayError):
    """A signature or the policy does not allow this."""

    exit_code = 12


class Bug(AssayError):
    """An assumption of ours does not hold.  Please report it."""

    exit_code = 70


class Temporary(AssayError):
    """Try again later: the one class that a scheduler may retry."""

    exit_code = 75
