"""Small things that come as JSON, one or a list: heartbeats and lifecycle events. A 200 says that the good ones are
committed; each wrong one is told with its field and the remedy, and costs no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from agents.intake import body, unpack
from agents.intake import http_parts as http
from agents.intake.body import Incoming
from agents.intake.decode_heartbeats import Heard, Wrong
from agents.intake.door import Door
from agents.intake.http_parts import Answer, Headers, Scope
from agents.intake.pulse import Pulse
from agents.intake.refusals import RefusalError, UnknownTypeError
from agents.intake.writers import Writer
from core import metrics
from core.access import addresses

T = TypeVar("T")
JSON = "application/json"
# How many of what was turned away an answer lists; the count is whole.
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Items(Generic[T]):
    """One sort of them: what it is called, and how a request's content (packed as told) is read."""

    name: str
    read: Callable[[bytes, str, Writer], Heard[T]]


async def answer(
    door: Door, items: Items[T], pulse: Pulse[T], scope: Scope, receive: body.Receive
) -> Answer | None:
    """None: the sender hung up, and there is nobody to answer."""
    incoming = Incoming(receive)
    try:
        found = told(await _kept(door, items, pulse, scope, incoming))
    except body.SenderLeftError:
        return None
    except RefusalError as refusal:
        await incoming.drain()
        found = http.problem(refusal.http, str(refusal), http.refusal_headers(refusal))
    metrics.INTAKE_REQUESTS.labels(items.name, "http", found.status).inc()
    return found


async def _kept(door: Door, items: Items[T], pulse: Pulse[T], scope: Scope, incoming: Incoming) -> Heard[T]:
    headers: Headers = dict(scope["headers"])
    if http.content_type(headers) != JSON:
        raise UnknownTypeError(f"Send Content-Type: {JSON}.")
    encoding = unpack.known(http.encoding(headers))
    writer = await door.writer(http.authorization(headers), addresses.of_scope(scope))
    with door.admission.enter() as place:
        content = await body.read(incoming, http.declared_length(headers), place)
        heard = await asyncio.to_thread(items.read, content, encoding, writer)
        await pulse.keep(heard)
    metrics.INTAKE_REJECTED.labels(items.name).inc(len(heard.wrong))
    return heard


def told(heard: Heard[T]) -> Answer:
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
