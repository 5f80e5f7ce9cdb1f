"""A redrive from plan to outcome: sealed, sent once, climbing on outcomes, halting, settled by evidence or by hand."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from django.test import Client

from agents.deadletters import selectors as custody
from agents.deadletters.models import Letter
from agents.operations import api, selectors
from agents.operations.errors import (
    EmptyPlanError,
    PlanExpiredError,
    PlanUsedError,
    ReasonMissingError,
    WrongCountError,
)
from agents.operations.services import outcomes, reaping
from agents.operations.values import (
    Action,
    Grade,
    GuardKind,
    PlanState,
    Selection,
    Standing,
    State,
    Verdict,
)
from agents.registry.services import heartbeats
from agents.registry.values import Heartbeat
from core import clock
from core.access.api import PermissionRefusedError, Scope
from core.access.audit.models import Entry
from core.transitions import StaleStateError
from tests.support.accounts import person, signed_in
from tests.support.operations import (
    ALL,
    Consumer,
    check,
    died,
    held,
    letter_states,
    operator,
    planned,
    started,
    succeeded,
    worked,
)

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
    pytest.mark.usefixtures("redis_in_use"),
]


def test_a_plan_freezes_its_members__what_comes_later_is_not_in_it() -> None:
    ana, first = operator(), held(3)
    plan = planned(ana)
    held(2)
    assert (plan.state, plan.count, selectors.late(plan)) == (PlanState.SEALED, 3, 2)
    assert [item.letter for item in selectors.members(plan)] == sorted(first)
    assert len(plan.sha256) == 64


def test_the_hash_is_over_members_and_options() -> None:
    ana = operator()
    held(3)
    assert planned(ana).sha256 == planned(ana).sha256
    assert planned(ana, rate=5).sha256 != planned(ana).sha256
    assert planned(ana, Action.PURGE).sha256 != planned(ana).sha256


def test_everything_is_sent_and_processed__done(consumer: Consumer) -> None:
    letters = held(7)
    operation = started(operator(), **ALL)
    assert check(operation).tally.dispatched == 7
    assert letter_states(letters) == {"dispatched"}
    assert consumer.succeed() == 7
    check(operation)
    assert (operation.state, operation.processed, operation.grades[Grade.EVENT]) == (State.DONE, 7, 7)
    assert letter_states(letters) == {"processed"}


def test_the_message_is_what_it_was_and_says_which_redrive_it_is(consumer: Consumer) -> None:
    [letter] = held(body=b'{"a": 1}')
    started(operator(), **ALL)
    [message] = consumer.take()
    assert message["body"] == "eyJhIjogMX0="
    assert message["headers"]["postroom-redrive-id"] == f"{letter}:1"
    assert message["headers"]["postroom-sender"] == "classify"


def test_the_same_failure_again__one_spent_and_halted(consumer: Consumer) -> None:
    letters = held(40)
    operation = started(operator(), rate="full")
    assert check(operation).tally.dispatched == 1
    consumer.fail()
    check(operation)
    assert operation.state == State.HALTED
    assert (operation.failed_same, operation.waiting) == (1, 39)
    assert "failed the same way" in operation.why
    worked(operation)
    assert consumer.waiting() == 0
    assert letter_states(letters) == {"held"}
    assert Letter.objects.get(deaths=2).redrives == 1


def test_the_same_failure_again__its_group_names_the_operation(consumer: Consumer) -> None:
    earlier = started(operator(), select=Selection(ids=tuple(held())), **ALL)
    held(2)
    operation = started(operator("ben"), rate="full")
    consumer.fail()
    assert check(earlier).failed_same == check(operation).failed_same == 1
    olga = signed_in(person("olga", "viewer"))
    [group] = olga.get("/api/v1/failure-groups").json()["results"]
    named = {"id": str(operation.pk), "number": operation.number, "action": "redrive"}
    assert (group["came_back"]["times"], group["came_back"]["operation"]) == (2, named)
    assert olga.get(f"/api/v1/failure-groups/{group['id']}").json()["came_back"] == group["came_back"]
    path = f"/operations/{operation.pk}"
    assert f'Came back after <a href="{path}">{operation}</a>' in shown(
        olga, f"/letters/groups/{group['id']}"
    )
    assert f"came back after {operation}</a>" in shown(olga, "/letters")


def shown(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_repaired__the_ladder_is_climbed_to_the_end(consumer: Consumer) -> None:
    held(40)
    operation = started(operator(), rate="full")
    sizes = []
    while operation.state == State.RUNNING:
        sizes.append(consumer.succeed())
        check(worked(operation))
    assert (sizes, operation.state) == ([1, 5, 25, 9], State.DONE)
    said = [line.said for line in selectors.timeline(operation)]
    assert sum(line.startswith("step ") for line in said) == 3


def test_resumed_after_a_halt__the_ladder_begins_anew(consumer: Consumer) -> None:
    ana = operator()
    held(40)
    operation = started(ana, rate="full")
    consumer.fail()
    operation = worked(api.resume(check(operation), ana))
    assert consumer.succeed() == 1
    assert consumer.waiting() == 0
    check(worked(operation))
    assert consumer.waiting() == 5


def test_half_repaired__halts_where_the_ratio_says(consumer: Consumer) -> None:
    held(40)
    operation = started(operator(), rate="full", halt_when={"same_failure_ratio": 0.3})
    consumer.succeed()
    worked(operation)

    def every_other(letter: Letter, number: int, seen: list[int] = []) -> None:  # noqa: B006
        seen.append(number)
        died(letter, number) if len(seen) % 2 else succeeded(letter, number)

    consumer.end(every_other)
    check(operation)
    assert operation.state == State.HALTED
    assert (operation.processed, operation.failed_same) == (3, 3)


def test_another_failure__told_apart_and_goes_on(consumer: Consumer) -> None:
    held(3)
    operation = started(operator(), canary="off", rate="full")
    consumer.fail("disk full")
    check(operation)
    assert (operation.state, operation.failed_new, operation.failed_same) == (State.DONE, 3, 0)


def test_no_outcome_in_time__unknown_and_never_called_done(consumer: Consumer) -> None:
    letters = held(2)
    operation = started(operator(), outcome_within=5, **ALL)
    with clock.held(clock.now() + timedelta(seconds=6)):
        assert outcomes.give_up() == 2
    check(operation)
    assert (operation.state, operation.unknown) == (State.DONE_WITH_UNKNOWN, 2)
    assert letter_states(letters) == {"unknown"}
    consumer.succeed()
    check(operation)
    assert (operation.state, operation.processed) == (State.DONE, 2)
    assert letter_states(letters) == {"processed"}


def test_settled_by_hand__audited(consumer: Consumer) -> None:
    ana, letters = operator(), held(3)
    operation = started(ana, outcome_within=5, **ALL)
    with clock.held(clock.now() + timedelta(seconds=6)):
        outcomes.give_up()
    assert api.settle(check(operation), Verdict.PROCESSED, ana, letters[:1]) == 1
    assert api.settle(check(operation), Verdict.FAILED, ana) == 2
    check(operation)
    assert (operation.processed, operation.failed_new, operation.state) == (1, 2, State.DONE)
    assert operation.grades[Grade.HAND] == 3
    assert letter_states(letters[:1]) == {"processed"}
    assert letter_states(letters[1:]) == {"held"}
    assert Entry.objects.filter(action="operation.settled").count() == 2


def test_paused__nothing_more_is_sent_and_resumed_it_goes_on(consumer: Consumer) -> None:
    ana = operator()
    held(12)
    operation = started(ana, canary=[2], rate="full")
    api.pause(operation, ana)
    assert consumer.succeed() == 2
    worked(operation)
    assert (consumer.waiting(), check(operation).state) == (0, State.PAUSED)
    worked(api.resume(operation, ana))
    assert consumer.succeed() > 0
    worked(operation)
    consumer.succeed()
    assert check(worked(operation)).processed == 12


def test_cancelled__what_is_sent_stays_sent_and_the_rest_is_untouched(consumer: Consumer) -> None:
    ana, letters = operator(), held(12)
    operation = started(ana, canary=[2], rate="full")
    operation = check(api.cancel(operation, ana))
    assert (operation.state, operation.untouched, operation.dispatched) == (State.CANCELLING, 10, 2)
    consumer.succeed()
    assert check(operation).state == State.CANCELLED
    assert letter_states(letters) == {"held", "processed"}
    with pytest.raises(StaleStateError):
        api.resume(operation, ana)


def test_a_plan_is_used_once_in_time_with_a_reason(consumer: Consumer) -> None:
    ana = operator()
    held(2)
    plan = planned(ana, **ALL)
    with pytest.raises(ReasonMissingError):
        api.start(plan, "  ", ana)
    with pytest.raises(WrongCountError, match="3 was typed, and the plan has 2"):
        api.start(plan, "repaired", ana, count=3)
    api.start(plan, "repaired", ana, count=2)
    plan.refresh_from_db()
    with pytest.raises(PlanUsedError):
        api.start(plan, "again", ana)
    late = planned(ana)
    with clock.held(clock.now() + timedelta(hours=2)):
        with pytest.raises(PlanExpiredError):
            api.start(late, "too late", ana)
        assert reaping.expire_plans() == 1


def test_nothing_matches__nothing_starts() -> None:
    ana = operator()
    with pytest.raises(EmptyPlanError):
        api.start(planned(ana), "why not", ana)


def test_letters_of_another_scope__not_in_the_plan(consumer: Consumer) -> None:
    held(2, queue="extract"), held(3, queue="billing")
    ana = operator("ana", "operator", scope=Scope(queue="extract"))
    plan = planned(ana)
    assert plan.count == 2
    ids = tuple(Letter.objects.filter(queue="billing").values_list("pk", flat=True))
    assert planned(ana, select=Selection(ids=ids)).count == 0
    ben = operator("ben", "operator", scope=Scope(queue="billing"))
    with pytest.raises(PermissionRefusedError):
        api.start(plan, "mine", ben)
    assert selectors.plan(ben.subject, plan.pk) is None


def test_without_the_right__refused() -> None:
    with pytest.raises(PermissionRefusedError):
        planned(operator("vic", "viewer"))


def test_the_version_that_failed_still_runs__warned_of_and_left_out(consumer: Consumer) -> None:
    ana = operator()
    held(3), held(2, version="1.8.1")
    heartbeats.beat([Heartbeat("extract", "extract-0", "production", clock.now(), version="1.8.2")])
    plan = planned(ana, **ALL)
    guards = {guard.kind: guard for guard in plan.warnings}
    assert guards[GuardKind.VERSION_RUNS].count == 3
    assert guards[GuardKind.NO_CONSUMER].standing is Standing.OK
    operation = api.start(plan, "the rest", ana, leave_out=[GuardKind.VERSION_RUNS])
    check(worked(operation))
    assert (operation.left_out, operation.dispatched, consumer.waiting()) == (3, 2, 2)


def test_part_of_a_chain__warned_of(consumer: Consumer) -> None:
    chained = b'[[], {}, {"chain": [{"task": "next"}]}]'
    held(1, body=chained, headers={"task": "book", "id": "m-1"}), held(2)
    guards = {guard.kind: guard for guard in planned(operator()).warnings}
    assert guards[GuardKind.CANVAS].count == 1


def test_edited__what_goes_out_is_changed_and_the_original_stays(consumer: Consumer) -> None:
    [letter] = held(body=b'{"order": 7, "card": "old"}')
    edit = {"body": {"card": "new"}, "headers": [{"op": "add", "path": "/why", "value": "repaired"}]}
    started(operator(), edit=edit, **ALL)
    [message] = consumer.take()
    assert json.loads(base64.b64decode(message["body"])) == {"order": 7, "card": "new"}
    assert message["headers"]["why"] == "repaired"
    kept = custody.contents_of(Letter.objects.get(pk=letter))
    assert kept
    assert kept.body == b'{"order": 7, "card": "old"}'


def test_an_edit_that_does_not_fit__halted_and_nothing_sent(consumer: Consumer) -> None:
    held(2, body=b"no json")
    operation = started(operator(), edit={"body": {"card": "new"}}, **ALL)
    check(operation)
    assert (operation.state, operation.waiting, consumer.waiting()) == (State.HALTED, 2, 0)
    assert "The edit does not fit letter" in operation.why


def test_to_another_queue_and_with_a_delay__there_and_then(consumer: Consumer, redis_url: str) -> None:
    held(1)
    operation = started(operator(), target_queue="repair", delay=60, **ALL)
    repair = Consumer(redis_url, "repair")
    assert check(operation).dispatched == 1
    assert (repair.waiting(), consumer.waiting()) == (0, 0)
    started(operator("ben"), Action.REDRIVE, Selection(ids=tuple(held(1))), target_queue="repair", **ALL)
    assert repair.waiting() == 1
