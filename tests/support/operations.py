"""Letters in custody, operations on them, and a consumer that answers; for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import redis

from agents.deadletters import api as custody
from agents.deadletters.models import Letter
from agents.ledger import api as ledger
from agents.ledger.services import keeping
from agents.ledger.values import now, told
from agents.operations import api
from agents.operations.models import Item, Operation, Plan
from agents.operations.options import parse
from agents.operations.services import executing, outcomes
from agents.operations.values import Action, ItemState, Selection
from core import clock, ids
from core.access.api import Scope
from core.access.services import Actor
from core.brokers.kombu_lists import PRIORITY_STEPS, list_of
from tests.support.accounts import person
from tests.support.letters import arrival

EVERYTHING = Selection(everything=True)
# All of it at once.
ALL: dict[str, Any] = {"canary": "off", "rate": "full"}


def operator(name: str = "ana", *roles: str, scope: Scope | None = None) -> Actor:
    """Somebody who may redrive, purge and settle."""
    from core.access import grants

    return Actor(grants.subject_of(person(name, *(roles or ("admin",)), scope=scope)), "test")


def held(number: int = 1, **changes: Any) -> list[UUID]:
    """So many letters in custody."""
    return [each.letter_id for each in custody.keep([arrival(**changes) for _ in range(number)])]


def planned(
    actor: Actor, action: Action = Action.REDRIVE, select: Selection = EVERYTHING, **options: Any
) -> Plan:
    return api.plan(action, select, parse(action, options), actor)


def started(
    actor: Actor, action: Action = Action.REDRIVE, select: Selection = EVERYTHING, **options: Any
) -> Operation:
    """Running, and worked on until nothing may be sent."""
    operation = api.start(planned(actor, action, select, **options), "gateway repaired", actor)
    return worked(operation)


def worked(operation: Operation) -> Operation:
    executing.go_on(operation.pk)
    operation.refresh_from_db()
    return operation


class Consumer:
    """Takes what is in a queue and tells what became of it, as an agent of the library does."""

    def __init__(self, url: str, queue: str = "extract") -> None:
        self._redis = redis.Redis.from_url(url)
        self._lists = [list_of(queue, step) for step in PRIORITY_STEPS]
        self.taken: list[dict[str, Any]] = []

    def take(self) -> list[dict[str, Any]]:
        found = []
        for each in self._lists:
            while (raw := self._redis.rpop(each)) is not None:
                found.append(json.loads(raw))  # type: ignore[arg-type]
        self.taken += found
        return found

    def waiting(self) -> int:
        return sum(int(self._redis.llen(each)) for each in self._lists)

    def succeed(self) -> int:
        """Everything that waits is handled."""
        return self.end(succeeded)

    def fail(self, message: str = "amount is negative") -> int:
        """Everything that waits dies."""
        return self.end(lambda letter, number: died(letter, number, message))

    def end(self, tell: Callable[[Letter, int], object]) -> int:
        found = self.take()
        for each in found:
            letter, _, number = each["headers"]["postroom-redrive-id"].partition(":")
            tell(Letter.objects.get(pk=letter), int(number))
        follow()
        return len(found)


def follow() -> None:
    while outcomes.follow_ledger():
        pass


def succeeded(letter: Letter, number: int, **changes: Any) -> None:
    """The library tells that it was handled."""
    said: dict[str, Any] = {"redrive": number, "attempt": 1, "source": ledger.Source.LIBRARY} | changes
    event = ledger.Event(
        id=str(ids.new()),
        kind=ledger.Kind.SUCCEEDED,
        at=clock.now(),
        message_id=letter.message_id,
        environment=letter.environment,
        queue=letter.queue,
        **said,
    )
    keeping.keep([told(event, now())])


def died(letter: Letter, number: int, message: str = "amount is negative", type: str = "ValueError") -> None:
    """The library's letter about a redriven message comes into custody."""
    failure = {"class": "permanent", "reason": "exception", "type": type, "message": message}
    redrive = {"letter_id": str(letter.pk), "number": number}
    custody.keep([arrival(redrive=redrive, failure=failure, message_id=letter.message_id)])


def states(operation: Operation) -> dict[str, int]:
    """Counted from the items themselves, to compare with the operation's figures."""
    found: dict[str, int] = {}
    for state in Item.objects.filter(plan=operation.plan_id).values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def check(operation: Operation) -> Operation:
    """The tally adds up, and is what the items say; letters are where their items are."""
    operation.refresh_from_db()
    tally = operation.tally
    assert tally.adds_up, tally
    assert states(operation) == {
        str(state): number for state in ItemState if (number := getattr(tally, state))
    }
    return operation


def letter_states(ids: Sequence[UUID]) -> set[str]:
    return set(Letter.objects.filter(pk__in=ids).values_list("state", flat=True))
