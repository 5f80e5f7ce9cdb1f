"""Waiting messages are moved or purged by a plan: what waited when it was sealed, and none of it into nothing."""

from __future__ import annotations

from typing import Any

import pytest

from agents.deadletters.models import Letter
from agents.operations import api
from agents.operations.errors import SelectionRefusedError
from agents.operations.models import Item, Operation
from agents.operations.options import OptionRefusedError, parse
from agents.operations.services import shifting
from agents.operations.values import Action, Selection, State
from core.access.api import PermissionRefusedError, Scope
from core.brokers.api import BrokerUrl
from tests.support.accounts import person, signed_in
from tests.support.queues_of_messages import Queues, made_on, operator, operator_again, started, worked
from tests.support.waiting import until

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
]


@pytest.fixture(params=["main", "rabbit"])
def queues(request: pytest.FixtureRequest, redis_url: str, settings: Any) -> Queues:
    url = redis_url if request.param == "main" else request.getfixturevalue("vhost")
    return made_on(BrokerUrl(request.param, url), settings, redis_url)


def test_moved__what_waited_when_it_was_sealed_and_nothing_that_came_since(queues: Queues) -> None:
    queues.send("a", "b", "c")
    operation = started(queues)
    queues.send("late")
    worked(operation)
    assert (operation.state, operation.applied, operation.selected) == (State.DONE, 3, 3)
    assert queues.bodies(queues.other) == ["a", "b", "c"]
    assert queues.bodies(queues.name) == ["late"]


def test_consumed_in_between__left_out_and_said_so(queues: Queues) -> None:
    queues.send("a", "b")
    operation = started(queues)
    # What was looked at goes back a moment later.
    until(lambda: queues.depth() == 2, "both to wait again")
    queues.bodies(queues.name)
    worked(operation)
    assert (operation.state, operation.left_out) == (State.DONE, 2)
    assert Item.objects.filter(plan=operation.plan_id).values_list("why", flat=True)[0] == (
        "it waited there no longer"
    )


def test_purged__into_custody_and_redriven_from_there_if_somebody_wants(queues: Queues) -> None:
    queues.send("a", "b")
    worked(started(queues, Action.PURGE))
    assert queues.bodies(queues.name) == []
    queues.capture()
    letters = list(Letter.objects.order_by("message_id"))
    assert [(row.message_id, row.queue, row.state) for row in letters] == [
        ("m-a", queues.name, "held"),
        ("m-b", queues.name, "held"),
    ]
    assert letters[0].failure_type == "TakenOff"
    assert "ana: gateway moved" in letters[0].failure_message


def test_a_worker_that_died_before_it_noted_anything__on_redis_known_on_rabbitmq_unknown(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.send("a", "b")
    operation = started(queues)

    def died(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(shifting, "_record", died)
        with pytest.raises(KeyboardInterrupt):
            shifting.apply(operation)
    worked(operation)
    assert queues.bodies(queues.other) == ["a", "b"]
    if queues.broker.kind == "redis":
        assert (operation.state, operation.applied) == (State.DONE, 2)
    else:
        assert (operation.state, operation.unknown) == (State.DONE_WITH_UNKNOWN, 2)


def test_no_such_target_on_rabbitmq__halted_and_all_still_waits(queues: Queues) -> None:
    if queues.broker.kind == "redis":
        # A list is there as soon as somebody writes to it.
        return
    queues.send("a")
    operation = worked(started(queues, target_queue="nobody-has-this"))
    assert (operation.state, operation.waiting) == (State.HALTED, 1)
    assert "nobody-has-this is not there" in operation.why
    assert queues.bodies(queues.name) == ["a"]


def test_a_queue_that_was_deleted_on_rabbitmq__left_out_and_at_its_end(queues: Queues) -> None:
    if queues.broker.kind == "redis":
        # An empty list is none.
        return
    queues.send("a", "b")
    operation = started(queues)
    queues.delete()
    worked(operation)
    assert (operation.state, operation.left_out) == (State.DONE, 2)


def test_over_the_api__planned_started_and_its_members_named(queues: Queues) -> None:
    queues.send("a", "b")
    client = signed_in(person("ben", "admin"))

    def post(path: str, body: Any) -> Any:
        answer = client.post(f"/api/v1{path}", body, content_type="application/json")
        assert answer.status_code == 201, answer.json()
        return answer.json()

    select, options = {"queue": f"{queues.broker.name}/{queues.name}"}, {"target_queue": queues.other}
    plan = post("/plans", {"action": "move", "select": select, "options": options})
    assert (plan["state"], plan["count"], plan["late"]) == ("sealed", 2, 0)
    operation = post("/operations", {"plan": plan["id"], "reason": "gateway moved", "count": 2})
    worked(Operation.objects.get(pk=operation["id"]))
    found = client.get(f"/api/v1/operations/{operation['id']}/items?state=applied").json()["results"]
    assert [item["ordinal"] for item in found] == [1, 2]
    assert all(item["message_id"] for item in found)


def test_paused__nothing_moves(queues: Queues) -> None:
    queues.send("a")
    operation = started(queues)
    api.pause(operation, operator_again())
    with pytest.raises(api.StaleStateError):
        shifting.apply(operation)
    assert queues.bodies(queues.name) == ["a"]


@pytest.mark.parametrize(
    ("action", "queue", "options", "error"),
    [
        (Action.REDRIVE, "main/orders", {}, SelectionRefusedError),
        (Action.MOVE, "main/orders", {}, OptionRefusedError),
        (Action.MOVE, "main/orders", {"target_queue": "orders"}, SelectionRefusedError),
        (Action.MOVE, "main/orders", {"target_queue": "postroom.letters"}, SelectionRefusedError),
        (Action.PURGE, "nowhere/orders", {}, SelectionRefusedError),
        (Action.PURGE, "main/postroom.letters", {}, SelectionRefusedError),
    ],
)
def test_what_does_not_go__refused(
    redis_url: str,
    settings: Any,
    action: Action,
    queue: str,
    options: Any,
    error: type[Exception],
) -> None:
    settings.REDIS_URL = redis_url
    with pytest.raises(error):
        api.plan(action, Selection(queue=queue), parse(action, options), operator())


def test_another_queue_than_ones_own__refused(redis_url: str, settings: Any) -> None:
    settings.REDIS_URL = redis_url
    ana = operator(Scope(queue="bills"))
    with pytest.raises(PermissionRefusedError):
        api.plan(Action.PURGE, Selection(queue="main/orders"), parse(Action.PURGE, {}), ana)
