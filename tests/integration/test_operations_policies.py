"""Redrives that start by themselves: only what is due, so often, within a budget, one at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.deadletters.models import Letter
from agents.operations.models import Operation, RedrivePolicy
from agents.operations.services import automatic
from agents.operations.values import State
from core import clock
from core.access.audit.models import Entry
from tests.support.accounts import person, signed_in
from tests.support.operations import Consumer, check, died, held, worked

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
]


def policy(**changes: Any) -> RedrivePolicy:
    given: dict[str, Any] = {
        "name": "gateway",
        "enabled": True,
        "delay_s": 60,
        "at_most": 2,
        "queue": "extract",
    }
    return RedrivePolicy.objects.create(**given | changes)


def transient(number: int, **changes: Any) -> list[Any]:
    failure = {"class": "transient", "reason": "exception", "type": "TimeoutError", "message": "gateway"}
    return held(number, failure=failure, **changes)


def said() -> str:
    return str(RedrivePolicy.objects.get().said)


def test_due_ones_are_redriven_in_the_policys_name_and_to_the_end(consumer: Consumer) -> None:
    policy()
    transient(3), held(2), transient(1, queue="billing")
    assert automatic.look() == 1
    operation = Operation.objects.get()
    assert (operation.selected, operation.by_name, operation.policy) == (
        3,
        "policy gateway",
        RedrivePolicy.objects.get(),
    )
    while check(worked(operation)).state == State.RUNNING:
        consumer.succeed()
    assert (operation.state, operation.processed) == (State.DONE, 3)
    assert automatic.look() == 0
    assert said() == "nothing is due"


def test_not_yet__off__or_too_often__left_alone() -> None:
    fresh = policy(delay_s=3600 * 24 * 365)
    transient(2)
    assert automatic.look() == 0
    RedrivePolicy.objects.filter(pk=fresh.pk).update(delay_s=60, enabled=False)
    assert automatic.look() == 0
    RedrivePolicy.objects.filter(pk=fresh.pk).update(enabled=True)
    Letter.objects.update(redrives=2)
    assert automatic.look() == 0
    assert said() == "nothing is due"


def test_within_its_budget__and_one_operation_at_a_time() -> None:
    policy(budget=5)
    transient(8)
    assert automatic.look() == 1
    assert Operation.objects.get().selected == 5
    assert automatic.look() == 0
    assert said() == "redrive #1 is running"
    Operation.objects.update(state=State.DONE)
    assert automatic.look() == 0
    assert said() == "its 5 letters of this hour are spent"
    with clock.held(clock.now() + timedelta(hours=1, minutes=1)):
        assert automatic.look() == 1


def test_only_its_kind_of_error() -> None:
    policy(error="ConnectionError")
    transient(2)
    assert automatic.look() == 0


def test_it_dies_the_same_way_again__halted_and_left_to_people(consumer: Consumer) -> None:
    policy()
    transient(3)
    automatic.look()
    operation = worked(Operation.objects.get())
    consumer.end(_again)
    assert check(operation).state == State.HALTED
    assert automatic.look() == 0
    assert said() == "redrive #1 is halted"


def _again(letter: Letter, number: int) -> None:
    died(letter, number, "gateway", "TimeoutError")


def test_admin__made_and_changed_by_the_service_and_noted() -> None:
    root = signed_in(person("root", "admin"))
    path = "/admin/operations/redrivepolicy/"
    given = {"name": "gateway", "environment": "*", "queue": "pay", "agent": "*", "delay_s": 60}
    given |= {"at_most": 2, "budget": 10}
    assert root.post(f"{path}add/", given).status_code == 302
    made = RedrivePolicy.objects.get()
    assert (made.queue, made.enabled) == ("pay", False)
    assert root.post(f"{path}{made.pk}/change/", given | {"enabled": "on"}).status_code == 302
    assert RedrivePolicy.objects.get().enabled
    assert root.post(f"{path}{made.pk}/delete/", {"post": "yes"}).status_code == 302
    actions = Entry.objects.filter(action__startswith="redrive_policy").order_by("sequence")
    assert [entry.action.partition(".")[2] for entry in actions] == ["created", "changed", "deleted"]
    assert signed_in(person("eva", "viewer")).get(path).status_code == 403
