"""What may come to a redrive, over the API with tokens, each to its end on a real queue. The same cases stand in
tests/browser/test_operations_cases.py as somebody clicks them."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.deadletters.models import Letter
from agents.operations import watching
from agents.operations.models import Operation, Plan
from core import clock
from core.access.api import Scope
from core.access.models import ApprovalLimit
from core.leases import Lease
from core.watch import Turn
from tests.support.api_client import Program
from tests.support.operations import Consumer, check, held, letter_states, worked
from tests.support.waiting import until

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
    pytest.mark.usefixtures("redis_in_use"),
]
V1 = "/api/v1"


class Desk(Program):
    """Somebody's program, with a worker that does what it starts."""

    def plan(self, select: Any, **options: Any) -> Any:
        given = {"canary": "off", "rate": "full"} | options
        made = self.post(f"{V1}/plans", {"action": "redrive", "select": select, "options": given})
        assert made.status_code == 201, made.json()
        return made.json()

    def start(self, plan: Any) -> Any:
        return self.post(f"{V1}/operations", {"plan": plan["id"], "reason": "gateway repaired"})

    def begin(self, select: Any, **options: Any) -> str:
        """Planned, started and worked on; its path."""
        started = self.start(self.plan(select, **options))
        assert started.status_code == 201, started.json()
        return self.work(f"{V1}/operations/{started.json()['id']}")

    def step(self, path: str, name: str, **body: Any) -> Any:
        return self.post(f"{path}/{name}", body)

    def work(self, path: str) -> str:
        check(worked(_operation(path)))
        return path

    def tally(self, path: str) -> Any:
        """Without what is none."""
        return {name: number for name, number in self.get(path).json()["tally"].items() if number}

    def state(self, path: str) -> Any:
        return self.get(path).json()["state"]


def _operation(path: str) -> Operation:
    return Operation.objects.get(pk=UUID(path.rpartition("/")[2]))


@pytest.fixture
def ana() -> Desk:
    return Desk("operator", name="ana")


def of(ids: list[UUID]) -> Any:
    return {"ids": [str(each) for each in ids]}


def test_edit__what_goes_out_is_changed_and_the_original_is_read_as_it_was(
    ana: Desk, consumer: Consumer
) -> None:
    letters = held(body=b'{"order": 7, "card": "old"}')
    patch = [{"op": "replace", "path": "/card", "value": "new"}]
    path = ana.begin(of(letters), edit={"body": patch, "headers": {"why": "repaired"}})
    [message] = consumer.take()
    assert json.loads(base64.b64decode(message["body"])) == {"order": 7, "card": "new"}
    assert message["headers"]["why"] == "repaired"
    assert ana.tally(path) == {"selected": 1, "dispatched": 1}
    kept = ana.get(f"{V1}/dead-letters/{letters[0]}/body").json()
    assert kept.get("text") == '{"order": 7, "card": "old"}', kept


def test_edit_that_does_not_fit__halted_and_named(ana: Desk, consumer: Consumer) -> None:
    path = ana.begin(of(held(body=b"no json")), edit={"body": {"card": "new"}})
    told = ana.get(path).json()
    assert (told["state"], consumer.waiting()) == ("halted", 0)
    assert "The edit does not fit letter" in told["why"]


def test_target_queue__it_goes_there_and_not_where_it_came_from(
    ana: Desk, consumer: Consumer, redis_url: str
) -> None:
    path = ana.begin(of(held(2)), target_queue="repair")
    assert (Consumer(redis_url, "repair").waiting(), consumer.waiting()) == (2, 0)
    assert ana.get(f"{V1}/plans/{ana.get(path).json()['plan']}").json()["options"]["target_queue"] == "repair"


def test_delay__it_is_there_when_its_time_is_over(ana: Desk, consumer: Consumer) -> None:
    path = ana.begin(of(held()), delay=0.5)
    assert (ana.tally(path), consumer.waiting()) == ({"selected": 1, "dispatched": 1}, 0)
    turn = Turn(Lease("watcher", 1, timedelta(seconds=60), clock.monotonic() + 60))

    def arrived() -> bool:
        watching.move_due(turn)
        return consumer.waiting() == 1

    until(arrived, "the delayed message")


def test_cancel__what_is_sent_stays_sent_and_the_rest_is_untouched(ana: Desk, consumer: Consumer) -> None:
    letters = held(5)
    path = ana.begin(of(letters), canary=[2])
    assert ana.step(path, "cancel", reason="wrong group").json()["state"] == "cancelling"
    ana.work(path)
    assert ana.tally(path) == {"selected": 5, "dispatched": 2, "untouched": 3}
    assert consumer.succeed() == 2
    assert (ana.state(path), consumer.waiting()) == ("cancelled", 0)
    assert ana.tally(path) == {"selected": 5, "processed": 2, "untouched": 3}
    assert sorted(Letter.objects.values_list("state", flat=True)) == ["held"] * 3 + ["processed"] * 2
    assert ana.step(path, "resume").status_code == 409


def test_pause__nothing_more_is_sent_until_it_is_resumed(ana: Desk, consumer: Consumer) -> None:
    path = ana.begin(of(held(3)), canary=[1])
    assert ana.step(path, "pause", reason="look first").json()["state"] == "paused"
    assert consumer.succeed() == 1
    ana.work(path)
    assert (ana.state(path), consumer.waiting()) == ("paused", 0)
    assert ana.step(path, "resume").json()["state"] == "running"
    while ana.state(ana.work(path)) == "running":
        assert consumer.succeed()
    assert ana.tally(path) == {"selected": 3, "processed": 3}
    said = [line["after"] for line in ana.get(path).json()["timeline"]]
    assert {"paused", "running", "done"} <= {*said}


def test_approval__nothing_is_sent_before_a_second_person_saw_the_same_seal(
    ana: Desk, consumer: Consumer
) -> None:
    ApprovalLimit.objects.create(action="redrive", above=1)
    path = ana.begin(of(held(2)))
    assert (ana.state(path), consumer.waiting()) == ("awaiting_approval", 0)
    seal, ben = ana.get(path).json()["sha256"], Desk("approver", name="ben")
    assert ana.step(path, "approve", sha256=seal).status_code == 403
    assert ben.step(path, "approve", sha256="0" * 64).status_code == 409
    assert ben.step(path, "approve", sha256=seal, reason="looked at it").json()["state"] == "running"
    ana.work(path)
    assert (ana.tally(path), consumer.waiting()) == ({"selected": 2, "dispatched": 2}, 2)


def test_expiry_of_a_plan__it_says_so_and_starts_nothing(ana: Desk, consumer: Consumer) -> None:
    letters = held()
    plan = ana.plan(of(letters))
    with clock.held(clock.now() + timedelta(hours=2)):
        assert ana.get(f"{V1}/plans/{plan['id']}").json()["state"] == "expired"
        refused = ana.start(plan)
    assert (refused.status_code, "expired" in refused.json()["detail"]) == (409, True)
    assert (consumer.waiting(), letter_states(letters)) == (0, {"held"})
    ana.begin(of(letters))
    assert consumer.waiting() == 1


def test_late_arrivals__counted_and_not_sent(ana: Desk, consumer: Consumer) -> None:
    first = held(2)
    plan = ana.plan({"filter": {"queue": "extract"}})
    late = held(3, died_at=clock.rfc3339(clock.now()))
    assert ana.get(f"{V1}/plans/{plan['id']}").json()["late"] == 3
    started = ana.start(plan)
    ana.work(f"{V1}/operations/{started.json()['id']}")
    assert consumer.waiting() == 2
    assert (letter_states(first), letter_states(late)) == ({"dispatched"}, {"held"})


def test_two_operators_on_the_same_letters__each_is_sent_once_and_the_second_is_told(
    ana: Desk, consumer: Consumer
) -> None:
    letters, ben = held(4), Desk("operator", name="ben")
    mine, theirs = ana.plan(of(letters)), ben.plan(of(letters))
    one, two = (f"{V1}/operations/{by.start(plan).json()['id']}" for by, plan in ((ana, mine), (ben, theirs)))
    ana.work(one), ben.work(two)
    assert consumer.waiting() == 4
    assert (ana.tally(one)["dispatched"], ben.tally(two)) == (4, {"selected": 4, "left_out": 4})
    items = ben.get(f"{two}/items", state="left_out").json()["results"]
    assert {item["why"] for item in items} == {"it is dispatched by now"}
    # And what one has begun, the other may hold up.
    assert ben.step(one, "cancel").json()["state"] == "cancelling"


def test_token_without_right__refused_by_name_and_nothing_happens(ana: Desk, consumer: Consumer) -> None:
    letters = held(2)
    path, plan = ana.begin(of(letters[:1]), canary=[1]), ana.plan(of(letters[1:]))
    vera = Desk("viewer", name="vera")
    asked = {"action": "redrive", "select": of(letters), "options": {}}
    refusals = [vera.post(f"{V1}/plans", asked), vera.start(plan)]
    refusals += [vera.step(path, name) for name in ("pause", "cancel", "resume", "settle")]
    assert [each.status_code for each in refusals] == [403] * 6
    assert all("right to" in each.json()["detail"] for each in refusals)
    assert vera.get(path).status_code == 200
    # Nor what takes a further right: an edit.
    editless = {"action": "redrive", "select": of(letters), "options": {"edit": {"body": {"card": "new"}}}}
    assert Desk("automation", name="robot").post(f"{V1}/plans", editless).status_code == 403
    assert (Operation.objects.count(), Plan.objects.count(), consumer.waiting()) == (1, 2, 1)


def test_scope__only_what_is_there_is_taken_seen_and_held_up(
    ana: Desk, consumer: Consumer, redis_url: str
) -> None:
    own, other = held(2), held(3, queue="mail")
    robot = Desk("automation", Scope(queue="extract"), name="robot")
    assert robot.plan(of(other))["count"] == 0
    path = robot.begin({"filter": {}})
    assert (consumer.waiting(), Consumer(redis_url, "mail").waiting()) == (2, 0)
    assert (letter_states(own), letter_states(other)) == ({"dispatched"}, {"held"})
    theirs = ana.plan(of(other))
    assert robot.get(f"{V1}/plans/{theirs['id']}").status_code == 404
    assert robot.start(theirs).json()["errors"][0]["field"] == "plan"
    elsewhere = Desk("automation", Scope(queue="mail"), name="elsewhere")
    assert [elsewhere.get(path).status_code, elsewhere.step(path, "cancel").status_code] == [404, 404]
    # Of one that reaches further than one's own place, one sees it and may not hold it up.
    both = ana.begin(of(other + held(1)), canary=[1])
    assert [robot.get(both).status_code, robot.step(both, "cancel").status_code] == [200, 403]
