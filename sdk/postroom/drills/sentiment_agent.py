"""The agent of the drill `sentiment`: a fake model that says whether a text is friendly, and takes a moment for it."""

from __future__ import annotations

import time

from postroom import Agent, Message, PermanentError
from postroom.drills.notes import note

MODEL_SECONDS = 0.02
FRIENDLY = frozenset({"good", "fine", "thanks"})


class Sentiment(Agent):
    """Tells a text that it can never read from one that it can."""

    version = "1.0.0"
    capabilities = ("sentiment",)

    def handle_message(self, message: Message) -> str:
        note("tried", message.id)
        text = message.payload["text"]
        if not isinstance(text, str) or not text.strip():
            raise PermanentError("This is no text.")
        time.sleep(MODEL_SECONDS)
        note("read", message.id, f"{time.time() - message.payload['sent_at']:.6f}")
        return "friendly" if FRIENDLY & set(text.split()) else "neutral"


agent = Sentiment("sentiment")
