"""Signing through `ssh-keygen -Y sign`: keys with a passphrase, in an agent or on a token."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from assay.attestations.envelope import SSHSIG, Signature
from assay.attestations.signature import NAMESPACE
from assay.attestations.ssh_key import PublicKey, parse_public_key
from assay.errors import NotFound, Untrusted

_TIMEOUT_SECONDS = 60
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSigner:
    """Asks OpenSSH, which asks its agent; ``environ`` says where that is."""

    key: PublicKey
    environ: Mapping[str, str]

    def sign(self, data: bytes) -> Signature:
        """An OpenSSH signature over ``data``, for our namespace."""
        with tempfile.TemporaryDirectory(prefix="assay-sign-") as folder:
            public = os.path.join(folder, "key.pub")
            with open(public, "w", encoding="ascii") as file:
                file.write(self.key.line + "\n")
            answer = self._ask(["-Y", "sign", "-n", NAMESPACE, "-f", public], data)
        body = answer.partition(_BEGIN)[2].partition(_END)[0]
        return Signature(
            key_id=self.key.fingerprint,
            value=base64.b64decode("".join(body.split())),
            form=SSHSIG,
        )

    def _ask(self, args: list[str], data: bytes) -> str:
        import subprocess

        # Never a question on the terminal: without an agent that has the key this fails at once.
        environ = {**self.environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                ["ssh-keygen", *args],
                input=data,
                capture_output=True,
                env=environ,
                check=False,
                timeout=_TIMEOUT_SECONDS,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise self._failed("the program ssh-keygen is not installed") from None
        except subprocess.TimeoutExpired:
            raise self._failed(f"it did not answer within {_TIMEOUT_SECONDS} s") from None
        said = done.stdout.decode("ascii", "replace")
        if done.returncode != 0 or _BEGIN not in said:
            raise self._failed(done.stderr.decode("utf-8", "replace").strip()[-300:])
        return said

    def _failed(self, why: str) -> Untrusted:
        return Untrusted(
            "signing-failed",
            f"OpenSSH did not sign with the key {self.key.fingerprint}.",
            why=f"{why.rstrip('.')}.",
            fix="Add the key to your agent (`ssh-add PATH`) and try again.",
        )


def agent_signer(path: str, environ: Mapping[str, str]) -> AgentSigner:
    """The signer for the private key at ``path``, whose public half lies beside it."""
    public = path if path.endswith(".pub") else f"{path}.pub"
    try:
        with open(public, encoding="utf-8", errors="replace") as file:
            line = file.read(2_000).split("\n")[0]
    except OSError as error:
        raise NotFound(
            "signing-key-missing",
            f"There is no public key at {public}.",
            why=f"{error.strerror}; a key that an agent holds is found by its public half.",
            fix=f"Write it with `ssh-keygen -y -f {path} > {public}`.",
            paths=(public,),
        ) from None
    return AgentSigner(key=parse_public_key(line, where=public), environ=environ)
