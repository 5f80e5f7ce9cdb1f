"""Agents' signing keys: registered by the agent, published for those who check what it signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from agents.registry.models import Agent, SigningKey
from agents.registry.public_keys import RESERVED, KeyRefusedError, PublicKey
from agents.registry.services import registration
from core import clock
from core.access.audit.api import Action
from core.access.services import Actor

# What was signed with a replaced key may still wait in a queue. One that leaked is deleted in the admin, at once.
OVERLAP = timedelta(hours=24)


@transaction.atomic
def replace(agent: Agent, keys: Sequence[PublicKey], actor: Actor) -> None:
    """These are the agent's keys from now on; those that are not among them stay published for OVERLAP.

    The same again changes nothing. Raises KeyRefusedError; whether the actor may is for the caller to ask.
    """
    if keys and agent.agent_id == RESERVED:
        raise KeyRefusedError(f"No agent that signs may be called {RESERVED}: give it another id.")
    _refuse_taken(agent, keys)
    rows = {row.kid: row for row in SigningKey.objects.select_for_update().filter(agent=agent)}
    before = sorted(kid for kid, row in rows.items() if row.retired_at is None)
    after = sorted(key.kid for key in keys)
    if before == after:
        return
    now = clock.now()
    new = [SigningKey(agent=agent, kid=key.kid, x=key.x, since=now) for key in keys if key.kid not in rows]
    SigningKey.objects.bulk_create(new)
    SigningKey.objects.filter(agent=agent, kid__in=after).update(retired_at=None)
    gone = SigningKey.objects.filter(agent=agent, retired_at=None).exclude(kid__in=after)
    gone.update(retired_at=now)
    target = registration.target(agent)
    actor.record(Action.AGENT_KEYS_CHANGED, target, before={"keys": before}, after={"keys": after})


@transaction.atomic
def delete(row: SigningKey, actor: Actor) -> None:
    """Nobody believes this key any more, as soon as receivers ask for the list again."""
    target, kid = registration.target(row.agent), row.kid
    row.delete()
    actor.record(Action.AGENT_KEYS_CHANGED, target, before={"keys": [kid]}, after={"keys": []})


def published() -> QuerySet[SigningKey]:
    """The keys that receivers may believe."""
    fresh = Q(retired_at=None) | Q(retired_at__gt=clock.now() - OVERLAP)
    return SigningKey.objects.filter(fresh).select_related("agent").order_by("kid")


def drop_expired() -> int:
    """Keys that are published no more."""
    return SigningKey.objects.filter(retired_at__lte=clock.now() - OVERLAP).delete()[0]


def _refuse_taken(agent: Agent, keys: Sequence[PublicKey]) -> None:
    for row in SigningKey.objects.filter(kid__in=[key.kid for key in keys]):
        if row.agent_id != agent.pk:
            raise KeyRefusedError(f"The kid {row.kid} belongs to another agent. Take a kid of your own.")
        if any(key.kid == row.kid and key.x != row.x for key in keys):
            raise KeyRefusedError(f"The kid {row.kid} names another key. Take a new kid for a new key.")
