"""Heartbeats over HTTP: `POST /api/v1/heartbeats`, one or a list. A 200 says that the good ones are committed."""

from __future__ import annotations

from agents.intake.decode_heartbeats import Heard, heartbeats
from agents.intake.http_items import Items
from agents.intake.limits import MAX_BODY_BYTES
from agents.intake.unpack import unpack
from agents.intake.writers import Writer
from agents.registry.values import Heartbeat
from core import clock

PATH = "/api/v1/heartbeats"


def read(content: bytes, encoding: str, writer: Writer) -> Heard[Heartbeat]:
    return heartbeats(unpack(content, encoding, MAX_BODY_BYTES), writer, clock.now())


ITEMS = Items("heartbeats", read)
