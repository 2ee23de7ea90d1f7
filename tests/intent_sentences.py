"""A small data set like the demo's: twelve intents, what people say for them, as template rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.demo.dataset import encoded, template_id

Row = dict[str, Any]

_BEGINNINGS = ("", "please ", "could you ", "now ", "hey, ", "I want to ", "would you ", "then ")
_SLOTS: dict[str, tuple[str, ...]] = {
    "name": ("tv", "lamp", "fan", "coffee maker"),
    "area": ("hall", "kitchen", "garage", "bedroom"),
    "item": ("milk", "apples", "bread", "washing powder"),
    "minutes": ("1", "5", "12", "40"),
}
_SAYINGS = {
    "HassTurnOn": ("turn on the {name}", "turn on the lights in the {area}", "lock the front door"),
    "HassTurnOff": ("turn off the {name}", "switch the {name} off", "lights off in the {area}"),
    "HassStartTimer": ("set a timer for {minutes} minutes", "start a {minutes} minute timer"),
    "HassIncreaseTimer": ("add {minutes} minutes to the timer", "extend the timer"),
    "HassDecreaseTimer": ("take {minutes} minutes off the timer", "shorten the timer"),
    "HassMediaPause": ("pause the music", "pause the {name}"),
    "HassMediaNext": ("skip to the next song", "next song in the {area}", "skip this song"),
    "HassMediaPlayerMute": ("mute the {name}", "mute the music"),
    "HassSetVolumeRelative": ("turn up the volume", "turn the volume down in the {area}"),
    "HassGetState": ("are the windows in the {area} closed", "are all windows open upstairs"),
    "HassGetWeather": ("what is the weather like", "what is the weather going to be tomorrow"),
    "HassShoppingListAddItem": ("put {item} on my shopping list", "add {item} to the list"),
}


def write_sentences(folder: Path, *, least: int = 0) -> int:
    """Write `INTENT.jsonl` files with at least so many rows in all; how many there are.

    More rows come from more names of rooms.
    """
    areas = list(_SLOTS["area"])
    while True:
        files = {intent: _rows(intent, {**_SLOTS, "area": tuple(areas)}) for intent in _SAYINGS}
        count = sum(map(len, files.values()))
        if count >= least:
            break
        areas += [f"room {len(areas) + more}" for more in range(50)]
    folder.mkdir(parents=True, exist_ok=True)
    for intent, rows in files.items():
        (folder / f"{intent}.jsonl").write_bytes(encoded(rows))
    return count


def read_lines(path: Path) -> list[Row]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _rows(intent: str, slots: dict[str, tuple[str, ...]]) -> list[Row]:
    return [
        {
            "sentence": template.replace(f"{{{slot}}}", value),
            "intent": intent,
            "template": template_id(template),
            "slots": {slot: value} if slot else {},
        }
        for beginning in _BEGINNINGS
        for template in (beginning + saying for saying in _SAYINGS[intent])
        for slot in [next((name for name in slots if f"{{{name}}}" in template), "")]
        for value in slots.get(slot, ("",))
    ]
