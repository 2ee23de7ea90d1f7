"""OpenSSH's own programs, to hold ours against: keys, signatures, and an agent of one's own."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSPHRASE = "correct horse"


def run(*args: str | Path, input: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run one of its programs to a good end; what it printed."""
    try:
        done = subprocess.run(
            [os.fspath(arg) for arg in args],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            env={**os.environ, **(env or {})},
            check=False,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.fail(f"{args[0]} is not installed: these tests need OpenSSH (openssh-client)")
    if done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, args))} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def keygen(path: Path, *, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A key pair as `ssh-keygen` makes it; where the private half lies."""
    run("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "made by OpenSSH", "-f", path)
    return path


def signature(key: Path, data: bytes, *, namespace: str) -> bytes:
    """What `ssh-keygen -Y sign` makes, without its armor."""
    import base64

    said = run("ssh-keygen", "-Y", "sign", "-n", namespace, "-f", key, input=data)
    lines = [line for line in said.splitlines() if not line.startswith("-----")]
    return base64.b64decode("".join(lines))


@contextmanager
def agent() -> Iterator[dict[str, str]]:
    """An agent on a socket of its own; the variables through which it is found."""
    # Not below tmp_path: the path of a socket has at most about a hundred bytes.
    with tempfile.TemporaryDirectory(prefix="assay-agent-") as folder:
        socket = Path(folder, "socket")
        try:
            process = subprocess.Popen(
                ["ssh-agent", "-D", "-a", os.fspath(socket)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            pytest.fail("ssh-agent is not installed: these tests need OpenSSH (openssh-client)")
        try:
            deadline = time.monotonic() + 20
            while not socket.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            yield {"SSH_AUTH_SOCK": os.fspath(socket)}
        finally:
            process.terminate()
            process.wait(20)


def add_to_agent(key: Path, environ: Mapping[str, str], folder: Path) -> None:
    """Give an agent a key with the passphrase above."""
    askpass = folder / "askpass"
    askpass.write_text(f"#!/bin/sh\necho '{PASSPHRASE}'\n")
    askpass.chmod(0o700)
    asking = {"SSH_ASKPASS": os.fspath(askpass), "SSH_ASKPASS_REQUIRE": "force"}
    run("ssh-add", "-q", key, env={**environ, **asking})
