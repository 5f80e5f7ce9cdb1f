"""Prices: entered, corrected and deleted, each with an entry in the audit trail."""

from __future__ import annotations

from django.db import transaction

from agents.prices.models import ModelPrice
from core.access.api import Permission, Place, require
from core.access.audit.api import Action, Target
from core.access.services.actor import Actor

# The table counts for every environment, queue and agent: a right within a scope does not reach it.
EVERYWHERE = Place()
FIELDS = ("model", "provider", "valid_from", "currency", "input", "output", "cached")


@transaction.atomic
def save_price(price: ModelPrice, actor: Actor) -> None:
    """Enter the price, or correct it to what the value says. Raises PermissionRefusedError."""
    require(actor.subject, Permission.MANAGE_PRICES, EVERYWHERE)
    before = ModelPrice.objects.select_for_update().filter(pk=price.pk).first()
    old = _values(before) if before else None
    price.save()
    action = Action.PRICE_CHANGED if before else Action.PRICE_ENTERED
    actor.record(action, _target(price), before=old, after=_values(price))


@transaction.atomic
def delete_price(price: ModelPrice, actor: Actor) -> None:
    """Raises PermissionRefusedError."""
    require(actor.subject, Permission.MANAGE_PRICES, EVERYWHERE)
    before, target = _values(price), _target(price)
    price.delete()
    actor.record(Action.PRICE_DELETED, target, before=before)


def _values(price: ModelPrice) -> dict[str, object]:
    return {name: getattr(price, name) for name in FIELDS}


def _target(price: ModelPrice) -> Target:
    return Target("model price", str(price.pk), str(price))
