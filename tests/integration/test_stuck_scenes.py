"""From rows to causes: each kind of scene that a database can hold gives the cause that it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.ledger.api import Kind
from agents.ledger.services import ears
from agents.ledger.services.ears import Way, WayKind
from agents.queues.models import BrokerRow, QueueRow, WorkerRow
from agents.queues.services import standing
from agents.queues.stuck.looking import Looker, one
from agents.queues.stuck.models import CauseChange, CauseRow, StuckLook
from agents.queues.stuck.scene import Reader
from agents.registry.models import Instance
from core import clock
from core.databases import DEFAULT, TELEMETRY
from tests.support import stuck
from tests.support.ledger_stories import TIMEOUT, by, event, keep

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]
RUNNING = [{"id": "1", "task": "postroom.handle"}]


def wait(number: int = 3, ago: float = 20, queue: str = "extract", **more: Any) -> None:
    keep(
        *(
            event(f"{queue}-{each}", Kind.SENT, ago=ago - each / 10, queue=queue, **more)
            for each in range(number)
        )
    )


def run(message: str, agent: str = "extract", ago: float = 60, **more: Any) -> None:
    sent = event(message, Kind.SENT, ago=ago + 1, queue=agent, **more)
    keep(sent, event(message, Kind.RUNNING, 1, ago, queue=agent, **by(agent), **more))


def test_nothing_late__no_question_more() -> None:
    wait(ago=2)
    assert stuck.found() == []


def test_no_consumer__the_agent_takes_from_another_queue() -> None:
    stuck.well()
    stuck.alive(queues=["other"])
    stuck.queue(consumers=0)
    wait()
    assert stuck.said() == [("no_consumer", "extract", "extract", 3)]


def test_no_consumer__the_agent_stopped_as_it_said() -> None:
    stuck.well()
    stuck.instance(status="stopping")
    stuck.worker(answered_ago=60)
    stuck.queue(consumers=0)
    wait()
    assert stuck.said() == [("no_consumer", "extract", "extract", 3)]


def test_agent_down__silent_by_heartbeat_and_over_the_broker() -> None:
    stuck.well()
    stuck.instance(beat_ago=9)
    stuck.instance("classify")
    stuck.worker(answered_ago=9)
    stuck.queue(consumers=0)
    wait()
    run("held", ago=10)
    (cause,) = stuck.found()
    assert (cause.verdict, cause.agent, cause.messages, cause.frees) == ("agent_down", "extract", 4, 4)
    kinds = {each.kind for each in cause.evidence}
    assert {"heartbeat", "broker"} <= kinds


def test_agents_cut_off_from_a_broker_that_answers_postroom() -> None:
    stuck.well()
    stuck.instance(beat_ago=1)
    stuck.worker(answered_ago=12)
    stuck.queue(consumers=0)
    wait()
    assert stuck.said() == [("broker_unreachable", "extract", "extract", 3)]


def cut_off(agent: str, beat_ago: float) -> None:
    """Asked in vain two seconds ago, it answered seven seconds ago."""
    stuck.instance(agent, beat_ago=beat_ago)
    stuck.worker(agent, answered_ago=7)


def asked(ago: float) -> None:
    BrokerRow.objects.update(asked_at=stuck.ago(ago))


def test_two_that_live_and_cannot_be_asked__speak_for_who_was_not_heard_of_since() -> None:
    stuck.well()
    asked(ago=2)
    for agent, beat_ago in (("extract", 4), ("classify", 1), ("pay", 0.5)):
        cut_off(agent, beat_ago)
    stuck.queue(consumers=0)
    wait(ago=7)
    assert stuck.said() == [("broker_unreachable", "extract", "extract", 3)]


def test_one_that_answers__speaks_against_it() -> None:
    stuck.well()
    asked(ago=2)
    for agent, beat_ago in (("extract", 4), ("classify", 1), ("pay", 0.5)):
        cut_off(agent, beat_ago)
    stuck.alive("archive")
    stuck.queue(consumers=0)
    wait(ago=7)
    assert stuck.said() == []


def test_hung_handler__names_what_waits_behind_it_too() -> None:
    stuck.well()
    stuck.alive(running=RUNNING)
    stuck.queue(unacknowledged=1, depth=40)
    wait()
    run("held")
    (cause,) = stuck.found()
    assert (cause.verdict, cause.messages, cause.frees) == ("running_long", 4, 41)
    assert cause.sentence.startswith("extract-0 has worked on it for 1 min")


def test_blocked_downstream__points_at_the_end_of_the_chain() -> None:
    stuck.well()
    for agent in ("extract", "classify", "web"):
        stuck.alive(agent, running=RUNNING)
    stuck.alive("pay", queues=["other"])
    stuck.queue("pay", consumers=0, depth=2)
    for name in ("extract", "classify"):
        stuck.queue(name, unacknowledged=1, depth=10)
    run("m-classify", "classify")
    run("m-extract", "extract", parent_id="m-classify")
    keep(event("m-pay", Kind.SENT, ago=55, queue="pay", parent_id="m-extract"))
    wait(queue="extract")
    root, *behind = stuck.found()
    assert (root.verdict, root.agent, root.frees) == ("no_consumer", "pay", 2 + 1 + 10 + 1)
    assert [(str(each.verdict), each.queue, each.agent) for each in behind] == [
        ("blocked_downstream", "extract", "pay"),
        ("blocked_downstream", "classify", "pay"),
    ]
    assert {each.behind for each in behind} == {root.key}


def test_a_sender_that_waits_for_room__is_behind_what_takes_it() -> None:
    stuck.well()
    for agent in ("extract", "pay"):
        stuck.alive(agent, running=RUNNING)
        stuck.queue(agent, unacknowledged=1, depth=1)
    run("m-pay", "pay", ago=40)
    run("m-extract", "extract", ago=20)
    keep(event("m-extract", Kind.WAITING, 1, 18, waits_for="room in pay", queue="extract", **by("extract")))
    wait(2, queue="pay")
    wait(2, queue="extract")
    root, *behind = stuck.found()
    assert (root.verdict, root.agent) == ("running_long", "pay")
    assert [(str(each.verdict), each.queue, each.agent) for each in behind] == [
        ("blocked_downstream", "extract", "pay")
    ]
    assert behind[0].sentence.startswith("it waits for room in pay: ")


def test_deadlock__is_one_ring() -> None:
    stuck.well()
    for agent in ("extract", "pay"):
        stuck.alive(agent, running=RUNNING)
        stuck.queue(agent, unacknowledged=1, depth=1)
        run(f"m-{agent}", agent, ago=12)
    keep(
        event("to-pay", Kind.SENT, ago=11, queue="pay", parent_id="m-extract"),
        event("to-extract", Kind.SENT, ago=11, queue="extract", parent_id="m-pay"),
    )
    found = stuck.found()
    assert {str(each.verdict) for each in found} == {"deadlock"}
    assert {each.sentence for each in found} == {"each waits for the next: extract → pay → extract"}


def test_what_waits_behind_a_ring__is_part_of_the_deadlock() -> None:
    stuck.well()
    for agent in ("extract", "pay"):
        stuck.alive(agent, running=RUNNING)
        stuck.queue(agent, unacknowledged=1, depth=3)
        run(f"m-{agent}", agent, ago=12)
        wait(2, ago=11, queue=agent)
    keep(
        event("to-pay", Kind.SENT, ago=11, queue="pay", parent_id="m-extract"),
        event("to-extract", Kind.SENT, ago=11, queue="extract", parent_id="m-pay"),
    )
    assert {(verdict, queue) for verdict, _, queue, _ in stuck.said()} == {
        ("deadlock", "extract"),
        ("deadlock", "pay"),
    }


def test_a_sender_that_calls_the_broker_otherwise__means_the_one_that_is_there() -> None:
    stuck.well()
    stuck.alive(running=RUNNING)
    stuck.queue(unacknowledged=1)
    wait(broker="elsewhere")
    run("held")
    (cause,) = stuck.found()
    assert (cause.verdict, cause.broker, cause.messages) == ("running_long", "main", 4)


def test_retry_and_input() -> None:
    stuck.well()
    stuck.alive()
    stuck.queue(depth=0, delayed=1)
    due = clock.now() + timedelta(seconds=8)
    keep(
        event("again", Kind.SENT, ago=20),
        event("again", Kind.RETRYING, 3, 2, error=TIMEOUT, due=due, **by("extract")),
        event("asks", Kind.SENT, ago=20),
        event("asks", Kind.WAITING, 1, 19, waits_for="input-required", **by("extract")),
    )
    assert {each[0] for each in stuck.said()} == {"retry_backoff", "awaiting_input"}


def test_the_same_id_in_two_environments__are_two() -> None:
    stuck.well()
    stuck.queue(consumers=0)
    wait(1, environment="production")
    wait(1, environment="staging")
    assert len(stuck.found()) == 2


# ---- Each source taken away ----------------------------------------------------------------------------------------
def nobody_consumes() -> None:
    stuck.well()
    stuck.alive(queues=["other"])
    stuck.queue(consumers=0)
    wait(ago=60)


def hangs() -> None:
    stuck.well()
    stuck.alive(running=RUNNING)
    stuck.queue(unacknowledged=1)
    run("held", ago=90)


def no_watcher() -> None:
    QueueRow.objects.update(sampled_at=stuck.ago(60))
    BrokerRow.objects.update(sampled_at=stuck.ago(60), asked_at=stuck.ago(60))
    WorkerRow.objects.update(answered_at=stuck.ago(60))


def no_broker() -> None:
    standing.is_away(stuck.MAIN, "connection refused")
    BrokerRow.objects.update(since=stuck.ago(20), sampled_at=stuck.ago(20))


def no_heartbeats() -> None:
    Instance.objects.update(last_beat=stuck.ago(60))


def no_events() -> None:
    ears.lost(Way("main", WayKind.EVENTS), "the stream is gone")


@pytest.mark.parametrize("scene", [nobody_consumes, hangs])
@pytest.mark.parametrize(
    ("take", "missing"),
    [
        (no_watcher, "nobody samples it"),
        (no_broker, "whether agents reach it, nobody tells"),
        (no_heartbeats, "one of the two does not get through"),
        (no_events, "events of main are not heard: the stream is gone"),
    ],
)
def test_a_source_taken_away__unknown_with_the_reason(scene: object, take: object, missing: str) -> None:
    assert callable(scene)
    assert callable(take)
    scene()
    assert "unknown" not in {each[0] for each in stuck.said()}
    take()
    (cause,) = stuck.found()
    assert cause.verdict == "unknown"
    assert any(missing in each for each in cause.missing), cause.missing


# ---- Kept ----------------------------------------------------------------------------------------------------------
def test_a_cause__opens_once_lasts_and_is_over_with_history(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_consumes()
    looker = Looker()
    looker.look()
    looker.look()
    row = CauseRow.objects.get()
    assert (row.state, row.messages, row.detail["message_ids"][0]) == ("open", 3, "extract-0")
    keep(*(event(f"extract-{each}", Kind.SUCCEEDED, 1, 0, **by("extract")) for each in range(3)))
    looker.look()
    assert CauseRow.objects.get().state == "open", "what flickers does not come and go"
    CauseRow.objects.update(seen_at=stuck.ago(30))
    looker.look()
    assert CauseRow.objects.get().state == "over"
    assert list(CauseChange.objects.order_by("pk").values_list("after", flat=True)) == ["open", "over"]
    assert StuckLook.objects.count() == 1


def test_one_message__is_judged_by_its_own_age() -> None:
    nobody_consumes()
    keep(event("young", Kind.SENT, ago=1))
    from agents.ledger.models import MessageRow

    now = clock.now()
    assert one(MessageRow.objects.get(message_id="extract-0"), now).judgement.verdict == "no_consumer"
    assert one(MessageRow.objects.get(message_id="young"), now).judgement.verdict is None


def test_a_look_at_many__asks_a_bounded_number_of_questions(django_assert_max_num_queries: object) -> None:
    assert callable(django_assert_max_num_queries)
    stuck.well()
    for number in range(30):
        stuck.queue(f"q{number}", consumers=0)
        wait(20, queue=f"q{number}")
    with django_assert_max_num_queries(20 + 30, using=TELEMETRY):
        scene = Reader().read(clock.now())
    assert len(scene.groups) == 30
