"""Whose authority a redriven message carries: its sender's, signed by Postroom for this one redrive."""

from __future__ import annotations

import hashlib

from agents.deadletters.values import Reason
from agents.operations.message import Message
from agents.operations.outgoing import Outgoing
from agents.operations.renewal import Signer
from core import clock
from core.access import signing

# As long as a sender's own token holds.
LIFETIME_SECONDS = 24 * 3600


def signer(letter: Outgoing, queue: str, number: int) -> Signer:
    """Signs the message of this letter for this queue and redrive. None for a letter that was refused for want of
    authority, or that names no sender: to sign those would let in whoever was kept out."""
    if letter.failure_reason == Reason.UNAUTHORISED or not letter.sender:
        return None

    def sign(message: Message) -> str:
        now = int(clock.unix())
        return signing.signed(
            {
                "sub": letter.sender,
                "env": letter.environment,
                "aud": queue,
                "jti": letter.message_id,
                "rdn": number,
                "act": letter.task,
                "bdy": hashlib.sha256(message.body).hexdigest(),
                "iat": now,
                "exp": now + LIFETIME_SECONDS,
            }
        )

    return sign
