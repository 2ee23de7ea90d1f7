"""Parameters are read from four formats by dotted key, and never executed."""

from __future__ import annotations

import pytest

from assay.errors import InvalidInput
from assay.pipelines.params import ABSENT, parse_params, value_at


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.yaml", "train:\n  lr: 0.1\n  layers: [3, 4]\n"),
        ("p.json", '{"train": {"lr": 0.1, "layers": [3, 4]}}'),
        ("p.toml", "[train]\nlr = 0.1\nlayers = [3, 4]\n"),
        ("p.py", "import os\nclass train:\n    lr: float = 0.1\n    layers = (3, 4)\nx = os.sep\n"),
    ],
)
def test_each_format_gives_the_same_values(name: str, text: str) -> None:
    values = parse_params(text.encode(), name=name)
    assert values["train"] == {"lr": 0.1, "layers": [3, 4]}
    assert value_at(values, "train.layers.1") == 4
    assert value_at(values, "train.depth") is ABSENT


@pytest.mark.parametrize(
    ("name", "text"),
    [("p.yaml", "a: [\n"), ("p.json", "{"), ("p.json", "[1]"), ("p.toml", "a"), ("p.py", "a =")],
)
def test_what_cannot_be_read_is_named(name: str, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_params(text.encode(), name=name)
    assert caught.value.code == "params-invalid"
    assert name in caught.value.what


def test_an_escape_that_python_warns_of_is_read_in_silence() -> None:
    assert parse_params(b"a = '\\d'\n", name="p.py") == {"a": "\\d"}
