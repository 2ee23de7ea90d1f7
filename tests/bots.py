"""A repository with releases, the hub that it publishes to, and what an attacker does to them.

Made once for each process that runs tests, then copied: a copy has its own hub and data remote.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.attestations.signer import seal
from assay.attestations.signer_file import FileSigner, load_key, make_key
from git_repositories import Git, git_in
from isolation import isolate
from projects import Outcome, Project, assay

PIPELINE = """\
stages:
  train:
    cmd: cat data/rows.jsonl params.yaml > model.bin && echo '{"accuracy":0.93}' > metrics.json
    deps: [data]
    params: [alpha]
    outs: [model.bin]
    metrics:
    - metrics.json: {cache: false}
releases:
  bot:
    artifacts:
      data: data
      model: model.bin
      prompts: prompts
      parameters: params.yaml
    gates:
      integrity: {}
      quality: {metric: "metrics.json:accuracy", at_least: 0.9}
      smoke: {command: "test -s model.bin", timeout: 20}
    channels:
      staging: {requires: [integrity], protected: false}
      prod: {}
"""
POLICY = """\
format: 1
repository: 0123456789abcdef0123456789abcdef
people:
  ana: {{keys: ["{ana}"]}}
  ben: {{keys: ["{ben}"]}}
  ci: {{keys: ["{ci}"]}}
groups:
  maintainers: [ana, ben]
allow:
  policy: [maintainers]
  create: [maintainers]
  gate: [maintainers, ci]
  promote: [maintainers]
  quarantine: [maintainers]
  run: [maintainers, ci]
channels:
  staging: {{protected: false}}
  prod: {{requires: [integrity, quality]}}
revoked: []
"""
FILES = {
    "data/rows.jsonl": "".join(f'{{"x": {n}, "y": "row {n}"}}\n' for n in range(1, 9)),
    "data/more/odd name.txt": "more\n",
    "params.yaml": "alpha: 0.5\n",
    "prompts/reply.txt": "Hello {name}\n",
    "prompts/tool.sh": "#!/bin/sh\necho tool\n",
    "code/app.py": "print('app')\n",
}
PEOPLE = ("ana", "ben", "ci", "eve")
"""Eve is nobody by the policy."""

Files = Mapping[str, bytes]


class Hub:
    """A bare repository, and everything that somebody with the right to push can do to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git: Git = git_in(path)

    def commit(self, ref: str) -> str | None:
        """Where a ref leads."""
        found = self.git("for-each-ref", "--format=%(objectname)", ref).decode()
        return found.split("\n")[0] or None

    def refs(self, prefix: str = "refs") -> dict[str, str]:
        """Every ref below ``prefix``."""
        listed = self.git("for-each-ref", "--format=%(refname) %(objectname)", prefix).decode()
        return dict(row.split(" ") for row in listed.splitlines())

    def files(self, ref: str) -> dict[str, bytes]:
        """The files of a record."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", ref).split(b"\0")
        return {
            os.fsdecode(name): self.blob(b"%b:%b" % (ref.encode(), name)) for name in names if name
        }

    def blob(self, name: bytes) -> bytes:
        """A blob's bytes, the end of the last line included."""
        import subprocess

        args = ["git", "cat-file", "blob", name]
        return subprocess.run(args, cwd=self.path, capture_output=True, check=True).stdout

    def put(self, ref: str, files: Mapping[str, bytes], *, parents: Iterable[str] = ()) -> str:
        """Force a ref to a new commit with exactly these files."""
        return put_record(self.path, ref, files, parents=parents)

    def edit(self, ref: str, changed: Mapping[str, bytes | None]) -> str:
        """Change files of a record (None: delete) in a commit that continues its history."""
        files = {**self.files(ref), **changed}
        kept = {name: data for name, data in files.items() if data is not None}
        before = self.commit(ref)
        assert before is not None
        return self.put(ref, kept, parents=[before])

    def delete(self, *refs: str) -> None:
        """Delete refs."""
        for ref in refs:
            self.git("update-ref", "-d", ref)


def put_record(
    folder: Path, ref: str, files: Mapping[str, bytes], *, parents: Iterable[str] = ()
) -> str:
    """Force a ref of any repository to a new commit with exactly these files."""
    import subprocess

    stream = [f"commit {ref}\ncommitter Eve <eve@example.org> 1700000000 +0000\ndata 0\n".encode()]
    for place, parent in enumerate(parents):
        stream.append(f"{'merge' if place else 'from'} {parent}\n".encode())
    stream.append(b"deleteall\n")
    for name, data in files.items():
        quoted = b'"' + os.fsencode(name).replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        quoted = quoted.replace(b"\n", b"\\n")
        stream.append(b"M 100644 inline %b\ndata %d\n%b\n" % (quoted, len(data), data))
    args = ["git", "fast-import", "--quiet", "--force"]
    subprocess.run(args, cwd=folder, input=b"".join(stream), capture_output=True, check=True)
    return git_in(folder)("rev-parse", ref).decode()


class Bots:
    """The hub, a maintainer's clone of it, the data remote, and everybody's keys."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.hub = Hub(base / "hub.git")
        self.project = Project(base / "bots")
        self.store = base / "store"

    def key_path(self, name: str) -> Path:
        """Where a person's private key lies."""
        return self.base / "keys" / name

    def key(self, name: str) -> FileSigner:
        """A person's key."""
        return load_key(str(self.key_path(name)))

    def assay(self, *words: str | Path, exit_code: int | None = 0) -> Outcome:
        """Run a command in the maintainer's clone."""
        return self.project.assay(*words, exit_code=exit_code)

    def clone(self, name: str = "other") -> Project:
        """Another clone of the hub, with the tags but without the records."""
        git_in(self.base)("clone", "-q", "--template=", "hub.git", name)
        git_in(self.base / name)("remote", "set-url", "origin", "../hub.git")
        return Project(self.base / name)

    # -- what maintainers do --------------------------------------------------------------

    def commit(self, message: str = "change") -> str:
        """Run the pipeline, commit and push code and data."""
        self.assay("repro", "-q")
        commit = self.project.commit(message)
        self.assay("push", "-q")
        self.project.git("push", "-q", "origin", "HEAD")
        return commit

    def release(self, version: str, *, gates: bool = True, channel: str | None = None) -> None:
        """Make a version of the bot, judge it, and let a channel serve it."""
        self.assay("release", "create", "bot", version)
        if gates:
            self.assay("gate", "run", f"bot@{version}")
        if channel is not None:
            self.assay("promote", f"bot@{version}", channel)

    def change_policy(self, change: Callable[[str], str]) -> Outcome:
        """Edit the policy and sign it with the key in force."""
        path = self.project.root / ".assay" / "policy.yaml"
        path.write_text(change(path.read_text()))
        return self.assay("policy", "sign")

    # -- what consumers do ----------------------------------------------------------------

    def get(self, what: str, *words: str, exit_code: int = 0, to: str = "app") -> Outcome:
        """Take a release from the hub, as a job on another machine would."""
        return assay(
            self.base,
            *("release", "get", what, "--repo", "hub.git", "-o", to, *words),
            exit_code=exit_code,
        )

    def refused(self, what: str, code: str, exit_code: int, *words: str) -> str:
        """Take a release, which must be refused with nothing written; why it was."""
        error = self.get(what, "--json", *words, exit_code=exit_code, to="never").json()["error"]
        assert error["code"] == code, error
        assert not os.path.lexists(self.base / "never")
        return f"{error['what']} {error['why']}"


def release_ref(version: str, name: str = "bot") -> str:
    """The ref of a release's record."""
    return f"refs/assay/releases/{name}/{version}"


CHANNELS, QUARANTINE, POLICY_REF = (
    "refs/assay/channels/bot",
    "refs/assay/quarantine/bot",
    "refs/assay/policy",
)


# -- forging ------------------------------------------------------------------------------


def payload_of(envelope: bytes) -> dict[str, Any]:
    """The statement in an envelope."""
    value: dict[str, Any] = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    return value


def sealed(statement: Mapping[str, Any], signer: FileSigner | None) -> bytes:
    """A statement in an envelope, signed by anybody."""
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    return seal(payload, signer).encode()


def forged(
    envelope: bytes, change: Callable[[dict[str, Any]], object], signer: FileSigner | None
) -> bytes:
    """An envelope with a changed statement, signed again by anybody."""
    statement = payload_of(envelope)
    change(statement)
    return sealed(statement, signer)


def edited(envelope: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """An envelope with a changed statement and the signature that it had."""
    value = json.loads(envelope)
    statement = payload_of(envelope)
    change(statement)
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    value["payload"] = base64.b64encode(payload).decode()
    return json.dumps(value).encode()


def unsigned(envelope: bytes) -> bytes:
    """An envelope without its signatures."""
    return json.dumps({**json.loads(envelope), "signatures": []}).encode()


def set_field(*place: str | int, to: object) -> Callable[[dict[str, Any]], object]:
    """A change that sets one field of a statement."""

    def change(statement: dict[str, Any]) -> None:
        holder: Any = statement
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = to

    return change


# -- templates ----------------------------------------------------------------------------


def make_plain(base: Path) -> Bots:
    """A project that declares a release, everything committed and pushed, without a policy."""
    base.mkdir(parents=True)
    bots = Bots(base)
    for name in PEOPLE:
        make_key(str(bots.key_path(name)), name)
    git_in(base)("init", "-q", "--bare", "--template=", "-b", "main", "hub.git")
    bots.project.root.mkdir()
    bots.project.git("init", "-q", "--template=", "-b", "main")
    bots.project.git("remote", "add", "origin", "../hub.git")
    bots.assay("init", "-q")
    bots.assay("remote", "add", "-q", "-d", "store", "../store")
    bots.project.write(FILES)
    (bots.project.root / "prompts" / "tool.sh").chmod(0o755)
    bots.assay("add", "-q", "data")
    bots.project.write({"assay.yaml": PIPELINE})
    bots.commit("begin")
    return bots


def add_policy(bots: Bots) -> None:
    """Bring the policy above into force, signed by Ana."""
    lines = {name: bots.key(name).key.line for name in PEOPLE}
    path = bots.project.root / ".assay" / "policy.yaml"
    path.write_text(POLICY.format(**lines))
    bots.assay("policy", "init")
    bots.commit("policy")


def add_release(bots: Bots) -> None:
    """Release 1.0.0 and let prod serve it."""
    bots.release("1.0.0", channel="prod")


def add_second_release(bots: Bots) -> None:
    """Release 1.1.0 with other parameters and let prod serve it."""
    bots.project.write({"params.yaml": "alpha: 0.7\n"})
    bots.commit("better")
    bots.release("1.1.0", channel="prod")


STEPS: dict[str, Callable[[Bots], None]] = {
    "declared": add_policy,
    "released": add_release,
    "served": add_second_release,
}
"""Each template is the one before it (the first: a plain project), and a step more."""


class Templates:
    """Templates below ``top``, each made on first use."""

    def __init__(self, top: Path) -> None:
        self._top = top
        (top / "home").mkdir()

    def copy(self, name: str, base: Path) -> Bots:
        """A copy of a template; its hub and its data remote are its own."""
        shutil.copytree(self._template(name), base, symlinks=True)
        return Bots(base)

    def _template(self, name: str) -> Path:
        base = self._top / name
        if not base.exists():
            with pytest.MonkeyPatch.context() as monkeypatch:
                isolate(self._top / "home", monkeypatch)
                self._make(name, base, monkeypatch)
        return base

    def _make(self, name: str, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        if name not in STEPS:
            make_plain(base)
            return
        names = ["plain", *STEPS]
        bots = self.copy(names[names.index(name) - 1], base)
        monkeypatch.setenv("ASSAY_SIGNING_KEY", str(bots.key_path("ana")))
        STEPS[name](bots)
