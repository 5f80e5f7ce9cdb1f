"""A channel that is a webhook: one POST, signed as the Standard Webhooks convention says, so that a receiver can use
what it has. The id is the notice's and the same at every attempt."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from agents.alerts.api import Envelope
from agents.alerts.values import Handed
from core import clock, outbound

KEY_MARK = "whsec_"
SECONDS = 10.0
MOST_ANSWER = 64 * 1024
LONGEST_WISH = 3_600


def new_key() -> str:
    return KEY_MARK + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(key: str, id: str, at: int, body: bytes) -> str:
    """Over `id.timestamp.body`."""
    secret = base64.b64decode(key.removeprefix(KEY_MARK))
    signed = f"{id}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True)
class Webhook:
    """Hands over to one address. Durable nowhere: what was answered is all that is known."""

    address: str
    key: str

    def hand_over(self, envelope: Envelope) -> Handed:
        at = int(clock.unix())
        headers = {
            "content-type": "application/json",
            "user-agent": "Postroom",
            "webhook-id": envelope.id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self.key, envelope.id, at, envelope.body),
        }
        try:
            reply = outbound.post(
                self.address, envelope.body, headers=headers, seconds=SECONDS, most_bytes=MOST_ANSWER
            )
        except outbound.OutboundError as problem:
            return Handed(False, str(problem))
        return judged(reply)


def judged(reply: outbound.Reply) -> Handed:
    """2xx took it. What anything else answers is tried again: an address that is wrong today is mended tomorrow."""
    if 200 <= reply.status < 300:
        return Handed(True, f"It answered {reply.status}.")
    if reply.status in outbound.REDIRECTS:
        return Handed(
            False, f"It answered {reply.status} and points elsewhere: enter the address that it points to."
        )
    return Handed(False, f"It answered {reply.status}.", _wish(reply.headers.get("retry-after", "")))


def _wish(text: str) -> timedelta | None:
    """`Retry-After` in seconds; a date is not read."""
    return timedelta(seconds=min(int(text), LONGEST_WISH)) if text.isascii() and text.isdigit() else None
