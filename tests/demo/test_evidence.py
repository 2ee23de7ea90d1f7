"""The demo's own reading of records agrees with assay's, and sees what was forged."""

from __future__ import annotations

from dataclasses import replace

from assay.demo import evidence
from bots import Bots


def line_of(bots: Bots, name: str) -> bytes:
    return bots.key(name).key.line.encode()


def test_a_release_is_read_as_assay_reads_it(released: Bots) -> None:
    shown = released.assay("release", "show", "bot@1.0.0", "--json").json()
    record = evidence.released(released.hub.path, "bot", "1.0.0")
    assert record.digest == shown["digest"]
    assert record.predicate["commit"] == shown["commit"]


def test_only_the_key_that_signed_is_believed(released: Bots) -> None:
    record = evidence.released(released.hub.path, "bot", "1.0.0")
    assert record.is_signed_by(line_of(released, "ana"))
    assert not record.is_signed_by(line_of(released, "eve"))


def test_a_changed_record_is_not_signed(released: Bots) -> None:
    record = evidence.released(released.hub.path, "bot", "1.0.0")
    changed = replace(record, payload=record.payload.replace(b"1.0.0", b"6.6.6"))
    assert not changed.is_signed_by(line_of(released, "ana"))


def test_a_channel_serves_what_its_newest_state_names(served: Bots) -> None:
    assert evidence.served(served.hub.path, "bot", "prod") == "1.1.0"
