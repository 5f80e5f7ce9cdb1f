"""What is said of a process, from its beat and from its supervisor's report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core import clock, processes
from core.processes import Kind, ProcessState, Record, State

NOW = 1_000_000.0
MOMENT = datetime.fromtimestamp(NOW, UTC)
BEAT = Record(Kind.WORKER, "host", State.UP, NOW - 60, NOW - 1, 41)
REPORT = Record(Kind.WORKER, "host", State.UP, NOW - 60, NOW - 1, 40, restarts=2)


def test_beat__fresh__up_with_the_supervisor_s_count() -> None:
    state = processes.judge(BEAT, REPORT, NOW)
    assert (state.state, state.pid, state.restarts) == (State.UP, 41, 2)


def test_beat__alone__up() -> None:
    assert processes.judge(BEAT, None, NOW).state is State.UP


def test_beat__old__down_since_it_was_last_heard() -> None:
    state = processes.judge(replace(BEAT, at=NOW - 20), REPORT, NOW)
    assert state.state is State.DOWN
    assert state.since == datetime.fromtimestamp(NOW - 20, UTC)
    assert state.reason == "It has not been heard of for 20 s."


def test_report__of_a_restart__counts_more_than_the_last_beat() -> None:
    restarting = replace(REPORT, state=State.RESTARTING, reason="was ended by SIGKILL", pid=None)
    state = processes.judge(BEAT, restarting, NOW)
    assert (state.state, state.reason) == (State.RESTARTING, "was ended by SIGKILL")


def test_report__of_a_supervisor_that_is_silent_itself__is_not_believed() -> None:
    restarting = replace(REPORT, state=State.RESTARTING, at=NOW - 30)
    assert processes.judge(BEAT, restarting, NOW).state is State.UP


def test_report__old_and_no_beat__down() -> None:
    assert processes.judge(None, replace(REPORT, at=NOW - 30), NOW).state is State.DOWN


def test_list__names_the_kinds_that_were_never_seen() -> None:
    states = {state.kind: state for state in processes.join({BEAT.key: BEAT}, {}, NOW, MOMENT)}
    assert set(states) == set(Kind)
    assert states[Kind.WORKER].state is State.UP
    assert states[Kind.BEAT].state is State.DOWN
    assert states[Kind.BEAT].reason == "No beat has been seen. Start one."
    assert states[Kind.REDIS].state is State.UP


def test_list__redis_that_answers_is_up_whatever_was_said_of_it() -> None:
    told = Record(Kind.REDIS, "host", State.STARTING, NOW - 1, NOW, 7, restarts=3)
    states = {state.kind: state for state in processes.join({}, {told.key: told}, NOW, MOMENT)}
    assert (states[Kind.REDIS].state, states[Kind.REDIS].restarts) == (State.UP, 3)


def test_unknown__keeps_who_there_was_and_says_since_when() -> None:
    last = [ProcessState(Kind.WEB, "host", State.UP, clock.now(), restarts=1)]
    (state,) = processes.unknown_since(MOMENT, last)
    assert (state.state, state.since, state.restarts) == (State.UNKNOWN, MOMENT, 1)
    assert "Redis cannot be reached" in state.reason


def test_unknown__from_the_start__every_kind() -> None:
    states = processes.unknown_since(MOMENT, [])
    assert [state.kind for state in states] == list(Kind)
    assert {state.state for state in states} == {State.UNKNOWN}


def test_rows__of_another_version__are_passed_over() -> None:
    rows = {"a": '{"kind": "web", "colour": "red"}', "b": processes._dump(BEAT)}
    assert processes._load(rows) == {BEAT.key: BEAT}
