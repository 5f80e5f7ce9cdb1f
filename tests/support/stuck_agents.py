"""An agent that hangs when it is told to: `postroom worker tests.support.stuck_agents:agent`."""

from __future__ import annotations

import time

from postroom import Agent, Message


class Extract(Agent):
    """Quick, or for ever."""

    def handle_message(self, message: Message) -> None:
        while message.payload["hangs"]:
            time.sleep(0.5)


agent = Extract("extract")
