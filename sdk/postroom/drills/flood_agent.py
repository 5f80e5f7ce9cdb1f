"""The agent of the drill `flood`: takes its time, and counts."""

from __future__ import annotations

import os
import time

from postroom import Agent, Message
from postroom.drills.notes import note

SECONDS = float(os.environ.get("DRILL_SLOW_SECONDS", "0.002"))


def take(message: Message) -> None:
    time.sleep(SECONDS)
    note("taken", message.payload["number"])


# What is counted here are deliveries: nothing else would keep a repeated one away.
agent = Agent("flood", handler=take, version="1.0.0", idempotency=None)
