"""An agent that refuses every card until it is repaired: `postroom worker tests.support.payments_agent:agent`.

Repaired means that the file REPAIRED is there: what an operator repairs is outside the agent, and it goes on running.
"""

from __future__ import annotations

import os
from pathlib import Path

from postroom import Agent, Message, PermanentError

REPAIRED = Path(os.environ.get("REPAIRED", os.devnull + ".not"))


def repaired() -> bool:
    return REPAIRED.exists()


class Payments(Agent):
    version = "1.8.2"

    async def handle_message(self, message: Message) -> str:
        if not repaired():
            raise PermanentError("card refused by the gateway")
        return "charged"


agent = Payments("payments")
