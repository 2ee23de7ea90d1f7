"""Names, versions and references: what may be called what, and the refs that stand for it."""

from __future__ import annotations

import random
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.errors import InvalidInput
from assay.releases.names import (
    channel_tag,
    channels_ref,
    is_channel,
    is_name,
    name_and_version,
    parse_reference,
    quarantine_ref,
    release_ref,
    require_channel,
    require_version,
    version_key,
    version_of,
    version_tag,
)

NAMES = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9_/-]{0,12}[A-Za-z0-9])?", fullmatch=True).filter(
    is_name
)
NUMBERS = st.integers(0, 30) | st.just(999_999_999)
PARTS = st.from_regex(r"0|[1-9][0-9]{0,3}|[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,4}", fullmatch=True)
VERSIONS = st.builds(
    lambda a, b, c, pre: f"{a}.{b}.{c}" + ("-" + ".".join(pre) if pre else ""),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.lists(PARTS, max_size=3),
).filter(lambda text: version_of(text) is not None)
CHANNELS = st.from_regex(r"[A-Za-z](?:[A-Za-z0-9_-]{0,9}[A-Za-z0-9])?", fullmatch=True).filter(
    is_channel
)


@given(NAMES, VERSIONS)
def test_a_version_is_named_with_or_without_its_v(name: str, version: str) -> None:
    for text in (f"{name}@{version}", f"{name}@v{version}"):
        found = parse_reference(text)
        assert (found.name, found.version, found.channel) == (name, version, "")
        assert str(found) == f"{name}@{version}"


@given(NAMES, CHANNELS)
def test_a_channel_is_no_version(name: str, channel: str) -> None:
    found = parse_reference(f"{name}@{channel}")
    assert (found.name, found.version, found.channel) == (name, "", channel)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bot",
        "@1.0.0",
        "bot@",
        "bot@1",
        "bot@1.0",
        "bot@01.0.0",
        "bot@1.0.0+build",
        "bot@1.0.0-",
        "bot@1.0.0-01",
        "bot@v1",
        "bot@vv1.0.0",
        "bot@1.0.0 ",
        " bot@1.0.0",
        "bot@@1.0.0",
        "bot@pr od",
        "bot@-prod",
        "bot@prod-",
        "bot@prod/x",
        "bot@../x",
        "../bot@1.0.0",
        "/bot@1.0.0",
        "bot/@1.0.0",
        "a//b@1.0.0",
        "bot=x@1.0.0",
        "bot.x@1.0.0",
        "bot#prod#1",
        "bot@1.0.0\n",
        "bót@1.0.0",
        "bot@1.0.٣",
        "-bot@1.0.0",
        "b" * 101 + "@1.0.0",
        "bot@1.0.0-" + "a" * 100,
        "bot@1.0.0-rc.lock",
        "bot@9999999999.0.0",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_reference(text)
    assert caught.value.code == "reference-invalid"


@given(st.text())
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        found = parse_reference(text)
    except InvalidInput:
        return
    assert bool(found.version) != bool(found.channel)
    assert parse_reference(str(found)) == found


def test_what_needs_a_version_takes_no_channel_and_the_reverse() -> None:
    assert require_version("bot@1.0.0").version == "1.0.0"
    assert require_channel("bot@prod").channel == "prod"
    with pytest.raises(InvalidInput) as caught:
        require_version("bot@prod")
    assert caught.value.code == "version-required"
    with pytest.raises(InvalidInput) as caught:
        require_channel("bot@1.0.0")
    assert caught.value.code == "channel-required"


@given(NAMES, VERSIONS)
def test_a_ref_is_read_back_to_its_release(name: str, version: str) -> None:
    assert name_and_version(release_ref(name, version)) == (name, version)


@example("a/b/1.0.0")
@example("a=b/1.0.0")
@given(st.text() | st.text(alphabet="refs/aylnbot=.1@v-", max_size=40))
def test_any_ref_stands_for_one_release_or_none(text: str) -> None:
    for ref in (text, f"refs/assay/releases/{text}"):
        found = name_and_version(ref)
        assert found is None or release_ref(*found) == ref


@given(NAMES, NAMES, VERSIONS, CHANNELS)
def test_different_names_never_share_a_ref_or_tag(
    one: str, other: str, version: str, channel: str
) -> None:
    def everything(name: str) -> set[str]:
        return {
            release_ref(name, version),
            channels_ref(name),
            quarantine_ref(name),
            version_tag(name, version),
            channel_tag(name, channel, 1),
        }

    assert one == other or not everything(one) & everything(other)
    # Neither may be a folder of the other: a ref cannot be a file and a folder at once.
    for a in everything(one):
        assert not any(b.startswith(f"{a}/") for b in everything(other))


@example("bot", "1.0.0-rc.lock", "prod")
@example("bot", "1.0.0-a.lock.b", "prod")
@given(NAMES, VERSIONS, CHANNELS)
def test_git_takes_every_ref_and_tag_that_a_name_can_need(
    name: str, version: str, channel: str
) -> None:
    if version_of(version) is None or not is_channel(channel):
        return
    refs = [
        release_ref(name, version),
        channels_ref(name),
        quarantine_ref(name),
        f"refs/tags/{version_tag(name, version)}",
        f"refs/tags/{version_tag(name, version)}!",
        f"refs/tags/{channel_tag(name, channel, 7)}",
    ]
    if any(part.endswith(".lock") for ref in refs for part in ref.split("/")):
        pytest.fail(f"Git refuses {refs}")
    # What else Git refuses, see git-check-ref-format(1); a process an example would be slow.
    for ref in refs:
        assert not any(bad in ref for bad in ("..", "//", "@{", "\\", " ", "~", "^", ":", "?", "*"))
        assert not any(part.startswith(".") or part.endswith(".") for part in ref.split("/"))


def test_git_agrees_about_the_oddest_names() -> None:
    for name, version in [("a/b-c_d/e", "1.0.0-x.y.z-1"), ("0", "0.0.0--"), ("A" * 100, "1.0.0")]:
        for ref in (release_ref(name, version), f"refs/tags/{version_tag(name, version)}!"):
            subprocess.run(["git", "check-ref-format", ref], check=True)


# The example of https://semver.org/spec/v2.0.0.html, section 11.
ORDER = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"]
ORDER += ["1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]


def test_versions_are_ordered_as_semantic_versions() -> None:
    mixed = random.Random(5).sample(ORDER, len(ORDER))
    assert sorted(mixed, key=version_key) == ORDER


@given(VERSIONS, VERSIONS)
def test_no_two_versions_are_the_same(one: str, other: str) -> None:
    assert (version_key(one) == version_key(other)) == (one == other)
