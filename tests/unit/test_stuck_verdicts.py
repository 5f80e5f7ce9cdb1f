"""Verdicts from facts: each proved, each ruled out, exactly one; and nothing claimed where evidence is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.queues.stuck import saturation
from agents.queues.stuck.judging import judge
from agents.queues.stuck.table import HELP, TABLE, markdown
from agents.queues.stuck.takers import Life, life
from agents.queues.stuck.values import (
    BrokerFacts,
    Elsewhere,
    Facts,
    InstanceFacts,
    LedgerFacts,
    QueueFacts,
    Verdict,
)
from tests.support.stuck_facts import (
    ALIVE,
    BROKER,
    EMPTY,
    GONE,
    NOBODY,
    QUEUE,
    STILL,
    running,
    waiting,
)

V = Verdict
AWAY = replace(BROKER, reachable=False, fresh=False, age_s=20.0, away_s=18.0, reason="connection refused")
CUT = replace(ALIVE, answers=False, silent_asks_s=12.0, consumes=None, running=None)
ELSEWHERE = replace(ALIVE, consumes=False, running=0)
HUNG = Elsewhere(V.RUNNING_LONG, "extract", "extract", "extract-0 has worked on another for 40 s")
BLOCKED = Elsewhere(V.NO_CONSUMER, "pay", "pay", "it waits for pay, where nothing consumes the queue")

PROVED: dict[str, tuple[Facts, Verdict]] = {
    "agents tell of nothing, broker away": (
        waiting(broker=replace(AWAY, told_before=True), figures=replace(QUEUE, fresh=False, age_s=20.0)),
        V.BROKER_UNREACHABLE,
    ),
    "agents cut off": (waiting(figures=NOBODY, takers=(CUT,)), V.BROKER_UNREACHABLE),
    "holder cut off": (running(holder=CUT, takers=(CUT,)), V.BROKER_UNREACHABLE),
    "no such queue": (waiting(figures=replace(EMPTY, there=False), takers=()), V.UNROUTED),
    "ring": (running(ring=("extract", "pay")), V.DEADLOCK),
    "all silent": (waiting(figures=STILL, takers=(GONE,)), V.AGENT_DOWN),
    "holder killed": (running(holder=GONE, takers=(GONE, ALIVE)), V.AGENT_DOWN),
    "in the hands of one that is gone": (
        waiting(
            figures=replace(STILL, depth=0), takers=(ALIVE,), in_hands=(replace(GONE, name="extract-1"),)
        ),
        V.AGENT_DOWN,
    ),
    "consumes another queue": (waiting(figures=NOBODY, takers=(ELSEWHERE,)), V.NO_CONSUMER),
    "stopped cleanly": (
        waiting(figures=NOBODY, takers=(replace(GONE, stopped=True, down=True),)),
        V.NO_CONSUMER,
    ),
    "nobody ever": (waiting(figures=NOBODY, takers=()), V.NO_CONSUMER),
    "its child is stuck": (running(child=BLOCKED), V.BLOCKED_DOWNSTREAM),
    "waits for room": (running(room="pay", child=BLOCKED), V.BLOCKED_DOWNSTREAM),
    "asks somebody": (waiting(state="waiting", waits_for="input-required"), V.AWAITING_INPUT),
    "fails again": (waiting(state="retrying", attempt=3, due_s=4.0, error="TimeoutError"), V.RETRY_BACKOFF),
    "hangs": (running(), V.RUNNING_LONG),
    "behind one that hangs": (waiting(figures=STILL, hands=HUNG, hands_full=True), V.RUNNING_LONG),
    "received only": (running(state="received"), V.UNACKNOWLEDGED),
    "in hand, nothing runs": (waiting(figures=STILL, takers=(replace(ALIVE, running=0),)), V.UNACKNOWLEDGED),
    "slow consumer": (
        waiting(figures=replace(QUEUE, leaving=0.4, growth=1.6, sunk_s=5.0)),
        V.CONSUMER_SATURATED,
    ),
}
UNKNOWN: dict[str, tuple[Facts, str]] = {
    "nobody samples": (
        waiting(broker=replace(BROKER, fresh=False, age_s=40.0), figures=replace(NOBODY, fresh=False)),
        "figures of main are 40 s old",
    ),
    "never sampled": (waiting(broker=replace(AWAY, age_s=None), figures=None), "were never seen"),
    "only Postroom is cut off": (
        waiting(broker=replace(AWAY, told_since=True, told_before=True)),
        "only Postroom's own way",
    ),
    "broker away, nobody tells": (waiting(broker=AWAY), "whether agents reach it"),
    "heartbeats dropped": (
        waiting(figures=NOBODY, takers=(GONE,), beats_heard=False, beats_age_s=40.0),
        "no agent's heartbeat was heard for 40 s",
    ),
    "silent, and yet answers": (
        running(holder=replace(ALIVE, beat_s=40.0)),
        "one of the two does not get through",
    ),
    "events not heard": (
        running(ledger=LedgerFacts(False, 60.0, "events of main are not heard")),
        "events of main are not heard",
    ),
    "an event was lost": (waiting(figures=EMPTY), "an event of who took it is missing"),
    "nobody knows the holder": (running(holder=None), "nobody tells whether extract-0 lives"),
    "retry that never came": (waiting(state="retrying", attempt=3, due_s=-30.0), "nobody took it"),
}
MOVES = {
    "within its time": waiting(age_s=3.0),
    "drains": waiting(),
    "burst": waiting(figures=replace(QUEUE, entering=40.0, leaving=3.0, growth=37.0)),
    "slow handlers, hands full": waiting(figures=replace(STILL, moved_s=6.0), hands_full=True),
    "runs as usual": running(age_s=4.0),
    "held up by a recipient that works": running(room="pay"),
    "second attempt": waiting(state="retrying", attempt=1, due_s=1.0, life_s=3.0),
}


def test_in_hand__what_was_answered_before_it_came_proves_nothing() -> None:
    """Who was cut off in between may never have got it."""
    idle = replace(ALIVE, running=0)
    before = waiting(age_s=7.0, figures=STILL, takers=(replace(idle, asked_age_s=6.0),))
    assert judge(before).verdict is None
    since = waiting(age_s=7.0, figures=STILL, takers=(replace(idle, asked_age_s=1.0),))
    assert judge(since).verdict is V.UNACKNOWLEDGED


@pytest.mark.parametrize("name", PROVED)
def test_evidence__proves_one_verdict(name: str) -> None:
    facts, verdict = PROVED[name]
    found = judge(facts)
    assert found.verdict is verdict, found
    assert found.because
    assert found.evidence
    assert not found.missing
    assert verdict not in {each.verdict for each in found.ruled_out}
    before = [rule.verdict for rule in TABLE][: [rule.verdict for rule in TABLE].index(verdict)]
    assert [each.verdict for each in found.ruled_out][: len(before)] == before


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_missing__is_named_and_nothing_claimed(name: str) -> None:
    facts, missing = UNKNOWN[name]
    found = judge(facts)
    assert found.verdict is V.UNKNOWN, found
    assert any(missing in each for each in found.missing), found.missing


@pytest.mark.parametrize("name", MOVES)
def test_what_moves__has_no_verdict(name: str) -> None:
    found = judge(MOVES[name])
    assert found.verdict is None, found
    assert not found.missing


def test_what_left_a_queue_of_which_nobody_tells__is_not_stuck() -> None:
    found = judge(waiting(figures=EMPTY, takers=()))
    assert (found.verdict, found.because) == (
        None,
        "it left extract, and nobody tells of what is taken from there",
    )


def test_evidence_on_its_way__waits_a_moment() -> None:
    maybe = replace(GONE, beat_s=4.0, silent_asks_s=7.0)
    young = judge(waiting(age_s=9.0, figures=NOBODY, takers=(maybe,)))
    assert (young.verdict, young.because) == (None, "it is too early to say")
    assert young.missing
    assert judge(waiting(age_s=60.0, figures=NOBODY, takers=(maybe,))).verdict is V.UNKNOWN


def test_a_killed_holder__is_seen_before_the_work_is_long() -> None:
    assert judge(running(age_s=7.0, holder=GONE)).verdict is V.AGENT_DOWN
    assert judge(running(age_s=7.0)).verdict is None


@pytest.mark.parametrize(
    ("each", "heard", "expected"),
    [
        (ALIVE, True, Life.ALIVE),
        (GONE, True, Life.GONE),
        (GONE, False, Life.UNKNOWN),
        (CUT, True, Life.CUT_OFF),
        (replace(CUT, silent_asks_s=4.0), True, Life.OPEN),
        (replace(CUT, silent_asks_s=5.0, asked_age_s=3.0), True, Life.CUT_OFF),
        (replace(CUT, silent_asks_s=7.0, asked_age_s=1.0), True, Life.OPEN),
        (replace(ALIVE, beat_s=40.0, down=True), True, Life.CONTRADICTED),
        (replace(ALIVE, beat_s=12.0, answers=None), True, Life.OPEN),
        (replace(ALIVE, beat_s=40.0, answers=None), True, Life.GONE),
        (replace(ALIVE, beat_s=None, answers=None), True, Life.UNKNOWN),
        (replace(GONE, stopped=True), True, Life.STOPPED),
    ],
)
def test_life__needs_two_to_agree(each: InstanceFacts, heard: bool, expected: Life) -> None:
    assert life(each, heard) is expected


@pytest.mark.parametrize(
    ("changes", "saturated"),
    [
        ({}, False),
        ({"entering": 40.0, "leaving": 3.0, "growth": 37.0}, False),
        ({"entering": 40.0, "leaving": 1.0, "growth": 39.0}, False),
        ({"entering": 0.0, "leaving": 3.0, "growth": -3.0}, False),
        ({"entering": 2.0, "leaving": 0.5, "growth": 1.5, "sunk_s": 5.0}, True),
        ({"entering": 2.0, "leaving": 0.5, "growth": 1.5, "sunk_s": 1.0}, False),
        ({"entering": 2.0, "leaving": 0.0, "growth": 2.0, "moved_s": 20.0}, False),
        ({"entering": 6.0, "leaving": 5.0, "growth": 1.0, "growing_s": 200.0}, True),
        ({"usual_entering": None, "leaving": 0.1}, False),
        ({"entering": 40.0, "leaving": 2.0, "growth": 38.0, "work_s": 0.5, "usual_work_s": 0.05}, True),
        ({"entering": 40.0, "leaving": 2.0, "growth": 38.0, "work_s": 0.5, "usual_work_s": 0.2}, False),
        ({"entering": 40.0, "leaving": 9.0, "growth": 31.0, "work_s": 0.2, "usual_work_s": 0.02}, False),
        ({"entering": 1.0, "leaving": 2.0, "growth": -1.0, "work_s": 0.5, "usual_work_s": 0.05}, False),
    ],
)
def test_saturation__is_told_from_a_burst(changes: dict[str, Any], saturated: bool) -> None:
    assert saturation.look(replace(QUEUE, **changes)).saturated is saturated


def test_the_table_of_the_docs_is_that_of_the_code() -> None:
    page = Path("docs/concepts/stuck.md").read_text(encoding="utf-8")
    assert page.partition("<!-- table -->\n")[2].partition("\n<!-- /table -->")[0] == markdown()


def test_every_verdict_stands_once_in_the_order_of_the_contract() -> None:
    assert [*(rule.verdict for rule in TABLE), V.UNKNOWN] == list(Verdict)
    assert HELP.keys() == set(Verdict)


# ---- Whatever the facts are --------------------------------------------------------------------------------------
ages = st.floats(0, 200)
some_ages = st.none() | ages
counts = st.integers(0, 50)
instances = st.builds(
    InstanceFacts,
    agent=st.just("extract"),
    name=st.sampled_from(["extract-0", "extract-1"]),
    beat_s=some_ages,
    down=st.booleans(),
    paused=st.booleans(),
    stopped=st.booleans(),
    answers=st.none() | st.booleans(),
    silent_asks_s=ages,
    consumes=st.none() | st.booleans(),
    slots=st.none() | counts,
    running=st.none() | counts,
)
brokers = st.builds(
    BrokerFacts,
    name=st.just("main"),
    kind=st.sampled_from(["redis", "rabbitmq"]),
    reachable=st.booleans(),
    age_s=some_ages,
    away_s=ages,
    told_since=st.booleans(),
    told_before=st.booleans(),
    fresh=st.booleans(),
)
queues = st.builds(
    QueueFacts,
    name=st.just("extract"),
    there=st.booleans(),
    depth=counts,
    unacknowledged=st.none() | counts,
    delayed=st.none() | counts,
    consumers=st.none() | counts,
    age_s=ages,
    fresh=st.booleans(),
    entering=ages,
    leaving=ages,
    usual_entering=some_ages,
    growth=st.none() | st.floats(-50, 50),
    growing_s=ages,
    moved_s=some_ages,
)
elsewhere = st.builds(
    Elsewhere,
    verdict=st.sampled_from(list(Verdict)),
    agent=st.just("pay"),
    queue=st.just("pay"),
    says=st.just("x"),
    early=st.booleans(),
)
facts = st.builds(
    Facts,
    state=st.sampled_from(["sent", "waiting", "received", "running", "retrying"]),
    age_s=ages,
    life_s=ages,
    agent=st.sampled_from(["", "extract"]),
    instance=st.just("extract-0"),
    queue=st.sampled_from(["", "extract"]),
    attempt=st.integers(0, 5),
    heard_s=ages,
    waits_for=st.sampled_from(["", "", "input-required"]),
    due_s=st.none() | st.floats(-100, 100),
    broker=st.none() | brokers,
    ledger=st.builds(LedgerFacts, heard=st.booleans(), age_s=some_ages),
    figures=st.none() | queues,
    takers=st.lists(instances, max_size=3).map(tuple),
    holder=st.none() | instances,
    beats_heard=st.booleans(),
    ring=st.sampled_from([(), (), ("a", "b")]),
    child=st.none() | elsewhere,
    hands=st.none() | elsewhere,
    hands_full=st.booleans(),
)


@given(facts)
def test_any_facts__one_verdict_or_none_and_never_a_claim_that_something_missing_could_undo(
    each: Facts,
) -> None:
    found = judge(each)
    if found.verdict in {None, V.UNKNOWN}:
        return
    rule = next(rule for rule in TABLE if rule.verdict is found.verdict)
    assert rule.check(each).found == "proved"
    for before in TABLE[: TABLE.index(rule)]:
        assert before.check(each).found == "ruled_out"


@given(facts)
def test_without_the_ledger__nothing_but_an_unreachable_broker_is_claimed(each: Facts) -> None:
    found = judge(replace(each, ledger=LedgerFacts(False, None, "events are not heard")))
    assert found.verdict in {None, V.UNKNOWN, V.BROKER_UNREACHABLE}
    assert found.verdict is not V.UNKNOWN or found.missing


@given(facts)
def test_without_the_broker__nothing_but_an_unreachable_broker_is_claimed(each: Facts) -> None:
    broker = BrokerFacts("main", "redis", reachable=True, age_s=60.0, fresh=False)
    found = judge(replace(each, broker=broker))
    assert found.verdict in {None, V.UNKNOWN}


@given(facts)
def test_without_heartbeats__no_agent_is_called_down_for_its_silence(each: Facts) -> None:
    silent = [replace(one, beat_s=60.0, down=True, stopped=False) for one in each.takers]
    holder = replace(each.holder, beat_s=60.0, stopped=False) if each.holder else None
    found = judge(replace(each, takers=tuple(silent), holder=holder, beats_heard=False))
    assert found.verdict is not V.AGENT_DOWN
