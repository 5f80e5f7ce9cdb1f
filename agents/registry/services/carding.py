"""Agents that describe themselves by a card: registered from it, and kept up with it."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction

from agents.registry import cards, models
from agents.registry.cards import Card, CardRefusedError
from agents.registry.models import Agent
from agents.registry.services.registration import register
from agents.registry.values import Registration
from core import clock, outbound
from core.access.api import Grant, Kind, Permission, Subject
from core.access.services import Actor
from core.outbound import OutboundError, Reply

log = structlog.get_logger(__name__)
MOST_BYTES = 256 * 1024
NOT_MODIFIED = 304
AGAIN_AFTER_FAILURE = timedelta(minutes=5)
AT_MOST = 100
# A refresh changes only the entry that somebody registered from this very card.
_REGISTERS = Grant("registry", frozenset({Permission.REGISTER}))
BY_ITSELF = Actor(Subject(Kind.SYSTEM, "postroom", "postroom", (_REGISTERS,)), "card refresh")


def from_card(url: str, environment: str, actor: Actor) -> tuple[Agent, bool]:
    """Fetch a card and register what it says. Raises OutboundError and CardRefusedError; then nothing is kept."""
    address = cards.address_of(url)
    reply = _fetch(address)
    text = _text(reply)
    return _register(cards.read(text), text, address, reply, environment, actor)


def refresh_due() -> int:
    """Fetch again what is no longer fresh; returns how many were asked for."""
    due = models.Card.objects.filter(fresh_until__lt=clock.now()).select_related("agent")
    rows = list(due.order_by("fresh_until")[:AT_MOST])
    for row in rows:
        try:
            _refresh(row)
        except (OutboundError, CardRefusedError) as problem:
            _failed(row, str(problem))
    return len(rows)


def _refresh(row: models.Card) -> None:
    """What did not change costs a question; what did is registered by the same rules as before."""
    reply = _fetch(row.url, row.etag)
    if reply.status == NOT_MODIFIED:
        models.Card.objects.filter(pk=row.pk).update(
            fresh_until=clock.now() + cards.fresh_for(reply.headers), problem=""
        )
        return
    text = _text(reply)
    card = cards.read(text)
    if card.name != row.agent.agent_id:
        raise CardRefusedError(f"It describes {card.name!r} now, which is another agent.")
    _register(card, text, row.url, reply, row.agent.environment, BY_ITSELF)


def _fetch(address: str, etag: str = "") -> Reply:
    headers = {"accept": "application/json"} | ({"if-none-match": etag} if etag else {})
    reply = outbound.get(address, headers=headers, most_bytes=MOST_BYTES)
    if reply.status != NOT_MODIFIED and not 200 <= reply.status < 300:
        raise OutboundError(f"{address} answers with HTTP {reply.status}.")
    return reply


def _text(reply: Reply) -> str:
    try:
        return reply.body.decode()
    except UnicodeDecodeError:
        raise CardRefusedError("It is no UTF-8.") from None


@transaction.atomic
def _register(
    card: Card, text: str, address: str, reply: Reply, environment: str, actor: Actor
) -> tuple[Agent, bool]:
    agent, new = register(
        Registration(
            agent_id=card.name,
            environment=environment,
            version=card.version,
            name=card.name,
            owner=card.owner,
            description=card.description,
            endpoint=card.endpoint,
            capabilities=card.capabilities,
        ),
        actor,
    )
    now = clock.now()
    kept = {
        "url": address,
        "text": text,
        "signatures": card.signatures,
        "etag": reply.headers.get("etag", "")[:300],
        "fetched_at": now,
        "fresh_until": now + cards.fresh_for(reply.headers),
        "problem": "",
    }
    models.Card.objects.update_or_create(agent=agent, defaults=kept)
    return agent, new


def _failed(row: models.Card, why: str) -> None:
    log.warning("a card could not be fetched again", agent=row.agent.agent_id, url=row.url, problem=why)
    models.Card.objects.filter(pk=row.pk).update(
        problem=why[:500], fresh_until=clock.now() + AGAIN_AFTER_FAILURE
    )
