"""Heartbeats over HTTP: `POST /api/v1/heartbeats`, one or a list. A 200 says that the good ones are committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from agents.intake import body, unpack
from agents.intake import http_parts as http
from agents.intake.body import Incoming
from agents.intake.decode_heartbeats import Heard, Wrong, heartbeats
from agents.intake.door import Door
from agents.intake.http_parts import Answer, Headers, Scope
from agents.intake.limits import MAX_BODY_BYTES
from agents.intake.refusals import RefusalError, UnknownTypeError
from agents.intake.writers import Writer
from core import clock, metrics
from core.access import addresses

PATH = "/api/v1/heartbeats"
JSON = "application/json"
# How many of what was turned away an answer lists; the count is whole.
MOST_LISTED = 100


async def answer(door: Door, scope: Scope, receive: body.Receive) -> Answer | None:
    """None: the sender hung up, and there is nobody to answer."""
    incoming = Incoming(receive)
    try:
        found = told(await _kept(door, scope, incoming))
    except body.SenderLeftError:
        return None
    except RefusalError as refusal:
        await incoming.drain()
        found = http.problem(refusal.http, str(refusal), http.refusal_headers(refusal))
    metrics.INTAKE_REQUESTS.labels("heartbeats", "http", found.status).inc()
    return found


async def _kept(door: Door, scope: Scope, incoming: Incoming) -> Heard:
    headers: Headers = dict(scope["headers"])
    if http.content_type(headers) != JSON:
        raise UnknownTypeError(f"Send Content-Type: {JSON}.")
    encoding = unpack.known(http.encoding(headers))
    writer = await door.writer(http.authorization(headers), addresses.of_scope(scope))
    with door.admission.enter() as place:
        content = await body.read(incoming, http.declared_length(headers), place)
        heard = await asyncio.to_thread(_read, content, encoding, writer)
        await door.pulse.keep(heard)
    metrics.INTAKE_REJECTED.labels("heartbeats").inc(len(heard.wrong))
    return heard


def _read(content: bytes, encoding: str, writer: Writer) -> Heard:
    return heartbeats(unpack.unpack(content, encoding, MAX_BODY_BYTES), writer, clock.now())


def told(heard: Heard) -> Answer:
    """200 when anything was kept or nothing was wrong, else the refusal. Pure."""
    if heard.good or not heard.wrong:
        said = {"accepted": len(heard.good), "rejected": len(heard.wrong), "errors": _listed(heard.wrong)}
        return Answer(200, JSON, msgspec.json.encode(said))
    status = 403 if all(each.forbidden for each in heard.wrong) else 400
    first = heard.wrong[0]
    detail = f"{first.field}: {first.detail}" if first.field else first.detail
    return http.problem(status, detail, remedy=first.remedy, errors=_listed(heard.wrong))


def _listed(wrong: Sequence[Wrong]) -> list[dict[str, Any]]:
    return [
        {"index": each.place, "field": each.field, "detail": each.detail, "remedy": each.remedy}
        for each in wrong[:MOST_LISTED]
    ]
