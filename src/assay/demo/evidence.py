"""What Git holds of releases, read by their published format: assay's code has no part in it.

`docs/reference/releases.md` describes the refs and the envelopes.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A signed statement: the bytes that were signed, and the signatures."""

    kind: str
    payload: bytes
    signatures: tuple[bytes, ...]

    @property
    def predicate(self) -> Mapping[str, Any]:
        """What is stated."""
        stated: Mapping[str, Any] = json.loads(self.payload)["predicate"]
        return stated

    @property
    def digest(self) -> str:
        """What others name the statement by."""
        from blake3 import blake3

        context = "assay 2026 statement format 1"
        return blake3(self.payload, derive_key_context=context).hexdigest()

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether an Ed25519 key, as its `.pub` file has it, made one of the signatures."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_ssh_public_key

        key = load_ssh_public_key(public_key)
        if not isinstance(key, Ed25519PublicKey):
            return False
        for signature in self.signatures:
            try:
                key.verify(signature, self._signed_bytes())
            except InvalidSignature:
                continue
            return True
        return False

    def _signed_bytes(self) -> bytes:
        """DSSE's pre-authentication encoding."""
        kind = self.kind.encode()
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(self.payload), self.payload)


def released(repository: Path, name: str, version: str) -> Envelope:
    """The record of a release."""
    return _envelope(repository, f"refs/assay/releases/{name}/{version}:release.json")


def served(repository: Path, name: str, channel: str) -> str:
    """The version that a channel serves: what its newest state names."""
    ref = f"refs/assay/channels/{name}"
    listed = git_output(repository, "ls-tree", "--name-only", f"{ref}:{channel}").split()
    newest = _envelope(repository, f"{ref}:{channel}/{max(listed)}")
    return str(newest.predicate["release"]["version"])


def git_output(repository: Path, *words: str) -> str:
    """What a Git command that only reads prints, without the line's end."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *words],
        cwd=repository,
        env=environ,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.strip()


def _envelope(repository: Path, place: str) -> Envelope:
    said = json.loads(git_output(repository, "cat-file", "blob", place))
    return Envelope(
        kind=said["payloadType"],
        payload=base64.b64decode(said["payload"]),
        signatures=tuple(base64.b64decode(found["sig"]) for found in said["signatures"]),
    )
