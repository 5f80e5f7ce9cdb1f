"""The publishers of one worker's turn: one for each broker that it meets, closed when the turn is over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self
from uuid import UUID

from agents.operations.models import Operation
from core.brokers.api import BrokerUrl, Publisher, configured, find, publisher


class NoSuchBrokerError(Exception):
    """A letter's broker is not among POSTROOM_BROKERS. Name it there, or plan with another target."""


class Publishers:
    """Opened when they are needed."""

    def __init__(self) -> None:
        self._open: dict[str, Publisher] = {}
        self._of_plans: dict[UUID, list[BrokerUrl]] = {}

    def of(self, name: str) -> Publisher:
        """Raises NoSuchBrokerError."""
        if name not in self._open:
            broker = _broker(name)
            if broker is None:
                raise NoSuchBrokerError(
                    f"There is no broker {name or 'for letters that name none'} in POSTROOM_BROKERS."
                )
            self._open[name] = publisher(broker)
        return self._open[name]

    def brokers(self, operation: Operation) -> list[BrokerUrl]:
        """Those that an operation sends to, as far as they are configured."""
        plan = operation.plan
        if plan.pk not in self._of_plans:
            names = set(plan.parts.values_list("broker", flat=True))
            self._of_plans[plan.pk] = [broker for name in names if (broker := _broker(name))]
        return self._of_plans[plan.pk]

    def lives(self, names: Iterable[str]) -> dict[str, str]:
        """Which life of their data these brokers are in, where they can say. Raises BrokerError, NoSuchBrokerError."""
        return {name: self.of(name).life() for name in set(names)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._open.values():
            each.close()
        self._open.clear()


def _broker(name: str) -> BrokerUrl | None:
    """Who hands a letter over by HTTP may name no broker; where there is one only, it is that."""
    known = configured()
    return known[0] if not name and len(known) == 1 else find(name)
