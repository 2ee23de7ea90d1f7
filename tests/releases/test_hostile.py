"""Records that somebody wrote to do harm: nothing is written, run or believed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.attestations.statement import Statement, parse_statement
from assay.errors import AssayError
from assay.releases.channel import ChannelState, parse_state
from assay.releases.declared import ChannelDeclaration, GateDefinition
from assay.releases.gate_result import GateResult, Verdict, parse_result
from assay.releases.quarantine import Quarantine, parse_quarantine
from assay.releases.release import FOLDER, GIT, Artifact, Release, StageRun, parse_release
from bots import (
    CHANNELS,
    POLICY_REF,
    QUARANTINE,
    Bots,
    forged,
    payload_of,
    release_ref,
    set_field,
)
from git_repositories import git_in

ONE, TWO = release_ref("1.0.0"), release_ref("1.1.0")
PATHS = [
    "../x",
    "..",
    "/etc/cron.d/x",
    "a/../../x",
    "a//b",
    "./a",
    "",
    ".git/config",
    ".GIT/hooks/post-checkout",
    ".git./config",
    "git~1/config",
    "a/.git/config",
    ".assay/config.toml",
    ".assay-release/taken.json",
    ".Assay-Release/taken.json",
    "a\0b",
    "C:/x",
    "x" * 5000,
]


def evil(bots: Bots, change: Callable[[dict[str, Any]], object], ref: str = ONE) -> None:
    """Replace a release's record by one that is signed by somebody who may."""
    mine = bots.hub.files(ref)["release.json"]
    bots.hub.edit(ref, {"release.json": forged(mine, change, bots.key("ana"))})


def everything_below(bots: Bots) -> set[str]:
    ours = ("hub.git", "bots", "store", "keys")
    return {
        os.path.join(top, name)
        for top, _, names in os.walk(bots.base.parent)
        for name in names
        if not top.startswith(tuple(str(bots.base / part) for part in ours))
    }


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_leads_elsewhere_is_refused_before_anything_is_written(
    served: Bots, path: str
) -> None:
    before = everything_below(served)
    for change in (
        set_field("predicate", "artifacts", 1, "path", to=path),
        set_field("predicate", "artifacts", 0, "tracked", to=path),
    ):
        evil(served, change)
        served.refused("bot@1.0.0", "attestation-invalid", 5, "--unproven")
        done = served.assay("release", "show", "bot@1.0.0", exit_code=None)
        assert done.exit_code in (5, 12)
    assert everything_below(served) == before


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b".dvc", b"a\\..\\..\\b", b"..."])
def test_a_commit_with_such_a_name_gives_no_code(served: Bots, name: bytes) -> None:
    git = git_in(served.hub.path)
    blob = git("rev-parse", "main:code/app.py")
    inner = _tree(served, b"100644 blob %b\tx\0" % blob)
    top = git("ls-tree", "-z", "main")
    entry = b"040000 tree %b\t%b\0" % (inner, name)
    kept = b"".join(
        row + b"\0" for row in top.split(b"\0") if row and row.partition(b"\t")[2] != name
    )
    commit = git("commit-tree", "-p", "main", "-m", "x", _tree(served, kept + entry)).decode()
    served.hub.delete("refs/tags/bot@v1.1.0")
    evil(served, set_field("predicate", "commit", to=commit), ref=TWO)
    served.hub.git("update-ref", "refs/heads/evil", commit)
    before = everything_below(served)
    if name == b"...":
        served.get("bot@1.1.0", "--with-code", "--unproven")
        return
    served.refused("bot@1.1.0", "path-unsafe", 5, "--with-code", "--unproven")
    assert everything_below(served) == before


def _tree(bots: Bots, entries: bytes) -> bytes:
    done = subprocess.run(
        ["git", "mktree", "-z"], cwd=bots.hub.path, input=entries, capture_output=True, check=True
    )
    return done.stdout.strip()


def test_names_that_are_no_releases_are_passed_over(served: Bots) -> None:
    for ref in ("b.t/1.0.0", "bot/latest", "bot/1.0", "bot/1.0.0-x.y/z", "a/b/1.0.0"):
        served.hub.put(f"refs/assay/releases/{ref}", {"release.json": b"x"})
    rows = served.assay("release", "list", "--json").json()
    assert [row["release"] for row in rows] == ["bot@1.0.0", "bot@1.1.0"]


def test_noise_in_other_refs_changes_nothing(served: Bots) -> None:
    served.hub.put("refs/assay/whatever", {"x": b"y"})
    served.hub.put("refs/assay/channels/other", {"prod/000001.json": b"x"})
    served.hub.put("refs/assay/quarantine/other", {"1.0.0.json": b"x"})
    served.hub.put("refs/assay/pending/1-2", {"x": b"y"})
    served.get("bot@prod")
    served.assay("promote", "bot@1.0.0", "prod")


# -- formats of the future ----------------------------------------------------------------

KINDS = {
    "release": (TWO, "release.json"),
    "gate-result": (TWO, "gates/quality/000001.json"),
    "channel": (CHANNELS, "prod/000002.json"),
    "policy": (POLICY_REF, "000001.json"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_format_of_the_future_is_refused_and_named(served: Bots, kind: str) -> None:
    ref, name = KINDS[kind]
    mine = served.hub.files(ref)[name]
    other = forged(mine, set_field("predicateType", to=f"urn:assay:{kind}:2"), served.key("ana"))
    served.hub.edit(ref, {name: other})
    said = served.refused("bot@prod", "attestation-newer-format", 12)
    assert "format '2'" in said


def test_a_quarantine_of_the_future_is_refused_and_named(served: Bots) -> None:
    served.assay("quarantine", "bot@1.0.0", "-m", "wrong")
    mine = served.hub.files(QUARANTINE)["1.0.0.json"]
    change = set_field("predicateType", to="urn:assay:quarantine:2")
    served.hub.edit(QUARANTINE, {"1.0.0.json": forged(mine, change, served.key("ana"))})
    served.refused("bot@prod", "attestation-newer-format", 12)


def test_fields_that_are_not_known_are_kept_and_do_nothing(served: Bots) -> None:
    for ref, name in KINDS.values():
        payload = payload_of(served.hub.files(ref)[name])
        assert payload["predicate"]["format"] == 1
    evil(served, set_field("predicate", "of-the-future", to={"a": [1]}))
    served.get("bot@1.0.0", "--unproven")


# -- any value in any field ---------------------------------------------------------------

HEX = "ab" * 32
RELEASE = Release(
    repository="0" * 32,
    policy=HEX,
    name="bot",
    version="1.0.0",
    commit="a" * 40,
    artifacts=(
        Artifact(role="data", path=b"data", kind=FOLDER, digest=bytes(32), size_bytes=3,
                 file_count=1, tracked=b"data", tracked_digest=bytes(32)),
        Artifact(role="prompts", path=b"p\xff.txt", kind="file", digest=bytes(32), size_bytes=3,
                 file_count=1, keeper=GIT),
    ),
    parameters={"params.yaml": {"a": 1}},
    environment={"python": "3.11"},
    locks={"assay.lock": HEX},
    runs=(StageRun(stage="train", file="runs/001.json", digest=HEX),),
    unrecorded=("other",),
    gates={"g": GateDefinition(name="g", kind="metric", fields={"metric": "a:b"})},
    channels={"prod": ChannelDeclaration(requires=("g",))},
    pipeline_path="assay.yaml",
    message="m",
    created="now",
)  # fmt: skip
RESULT = GateResult(
    repository="0" * 32, policy=None, name="bot", version="1.0.0", release_digest=HEX, gate="g",
    definition=HEX, verdict=Verdict(verdict="pass", value=1, judged={"a": HEX}), started="now",
    duration_seconds=0.5,
)  # fmt: skip
STATE = ChannelState(
    repository="0" * 32, policy=HEX, name="bot", channel="prod", sequence=2, previous=HEX,
    action="promote", version="1.0.0", release_digest=HEX, evidence={"g": HEX}, at="now",
)  # fmt: skip
FORBIDDEN = Quarantine(
    repository="0" * 32, policy=HEX, name="bot", version="1.0.0", release_digest=HEX,
    reason="r", at="now",
)  # fmt: skip
PARSERS: dict[str, tuple[Statement, Callable[..., Any], Any]] = {
    "release": (RELEASE.statement(), parse_release, RELEASE),
    "gate-result": (RESULT.statement(), parse_result, RESULT),
    "channel": (STATE.statement(), parse_state, STATE),
    "quarantine": (FORBIDDEN.statement(), parse_quarantine, FORBIDDEN),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", PARSERS)
def test_a_record_is_read_as_it_was_written(kind: str) -> None:
    statement, parse, value = PARSERS[kind]
    read = parse_statement(statement.payload(), kind=kind, where="it")
    assert parse(read, where="it") == value


def places(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON value."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [at, *(place for key, item in inner for place in places(item, (*at, key)))]


@given(st.sampled_from(sorted(PARSERS)), st.data())
def test_any_value_in_any_field_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    import json

    statement, parse, _ = PARSERS[kind]
    predicate = json.loads(json.dumps(dict(statement.predicate)))
    place = data.draw(st.sampled_from(places(predicate)[1:]))
    if data.draw(st.booleans()):
        set_field(*place, to=data.draw(JSON))(predicate)
    else:
        holder: Any = predicate
        for key in place[:-1]:
            holder = holder[key]
        del holder[place[-1]]
    changed = Statement(kind=kind, subjects=(), predicate=predicate)
    try:
        found = parse(changed, where="it")
    except AssayError as error:
        assert (error.code, error.exit_code) == ("attestation-invalid", 5)  # noqa: PT017
        return
    found.statement().payload()  # what was read can be written again
