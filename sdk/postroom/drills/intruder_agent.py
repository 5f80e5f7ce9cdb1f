"""The agent of the drill `intruder`: does what it is asked, for those who may ask."""

from __future__ import annotations

from postroom import Message
from postroom.drills.notes import note
from postroom.security.agent import SecureAgent


class Vault(SecureAgent):
    """Notes what it executes; nothing that an intruder sent may be among it."""

    version = "1.0.0"

    def handle_message(self, message: Message) -> None:
        note("executed", message.id, message.sender)


agent = Vault("vault")
