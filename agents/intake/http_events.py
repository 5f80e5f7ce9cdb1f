"""Lifecycle events over HTTP: `POST /api/v1/events`, one or a list. A 200 says that the good ones are committed."""

from __future__ import annotations

from agents.intake.decode_events import events
from agents.intake.decode_heartbeats import Heard
from agents.intake.http_items import Items
from agents.intake.limits import MAX_BODY_BYTES
from agents.intake.unpack import unpack
from agents.intake.writers import Writer
from agents.ledger import values
from agents.ledger.values import Told

PATH = "/api/v1/events"


def read(content: bytes, encoding: str, writer: Writer) -> Heard[Told]:
    good, wrong = events(unpack(content, encoding, MAX_BODY_BYTES), writer, values.now())
    return Heard(tuple(good), tuple(wrong))


ITEMS = Items("events", read)
