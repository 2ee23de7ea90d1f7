"""Smoke test of a release, run in a checkout of it: does the bot start, understand and answer?

Prints one line of JSON for whoever asked; exit code 0 is pass, 1 is fail.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from bot import UNSURE, Bot, render

EVERYDAY = {
    "turn on the lights in the hallway": "HassTurnOn",
    "please switch the tv off": "HassTurnOff",
    "set a timer for 8 minutes": "HassStartTimer",
    "add 3 minutes to the pizza timer": "HassIncreaseTimer",
    "take 5 minutes off the timer": "HassDecreaseTimer",
    "pause the music please": "HassMediaPause",
    "skip to the next song": "HassMediaNext",
    "mute the tv": "HassMediaPlayerMute",
    "turn up the volume": "HassSetVolumeRelative",
    "are all windows closed upstairs": "HassGetState",
    "what is the weather like": "HassGetWeather",
    "put some apples on my shopping list": "HassShoppingListAddItem",
}
LEAST_SHARE = 0.9

_MARKS = "{}[]"


def main() -> int:
    """Ask, look at the replies, and say what came of it."""
    bot = Bot.load("model", "replies.yaml", "params.yaml")
    missed = [said for said, intent in EVERYDAY.items() if bot.model.classify(said)[0] != intent]
    broken = list(unfit_replies(bot))
    share = 1 - len(missed) / len(EVERYDAY)
    is_good = share >= LEAST_SHARE and not broken
    verdict = {
        "verdict": "pass" if is_good else "fail",
        "value": round(share, 3),
        "limit": f"at least {LEAST_SHARE:g}",
        "detail": "; ".join([*broken, *(f"misunderstood: {said}" for said in missed)])[:500],
    }
    print(json.dumps(verdict))
    return 0 if is_good else 1


def unfit_replies(bot: Bot) -> Iterator[str]:
    """What is wrong with the replies, whichever slots a sentence fills."""
    for intent in [*bot.model.intents, UNSURE]:
        if intent not in bot.replies:
            yield f"no reply for {intent}"
    every_slot = dict.fromkeys(bot.model.slots, "thing")
    for intent, template in bot.templates():
        for slots in (every_slot, {}):
            reply = render(template, slots)
            if not reply.strip() or set(reply) & set(_MARKS):
                yield f"reply for {intent} comes out as {reply!r}"


if __name__ == "__main__":
    sys.exit(main())
