"""Agents of the calm: three in a row, well, of whose messages one in ten takes ten times as long."""

from __future__ import annotations

import random
import time

from postroom import Agent, Message

USUAL_SECONDS, SLOW_SECONDS, SLOW_SHARE = 0.08, 0.8, 0.1
NEXT = {"first": "second", "second": "third"}


class Step(Agent):
    """Takes a moment, now and then a long one, and passes the message on."""

    version = "1.0.0"

    def handle_message(self, message: Message) -> None:
        slow = random.random() < SLOW_SHARE
        time.sleep(SLOW_SECONDS if slow else USUAL_SECONDS)
        if self.agent_id in NEXT:
            self.send_message(NEXT[self.agent_id], message.payload)


first, second, third = Step("first"), Step("second"), Step("third")
