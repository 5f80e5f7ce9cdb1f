"""What the overview says, from what it knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from agents.alerts.models import Alert, Rule
from agents.alerts.values import Severity, Signal
from agents.intake.trouble import Trouble
from core.processes import Kind, ProcessState, State
from dashboard.pages import todo
from dashboard.pages.todo import Facts, Todo

AT = datetime(2026, 11, 20, 14, 3, 12, tzinfo=UTC)
WELL = Facts(
    processes=[ProcessState(kind, "one", State.UP, AT) for kind in Kind],
    troubles=[],
    approvals=0,
    approvals_since=None,
    approvals_url="/approvals",
    heard=True,
    otel_lines=("export A=b", "export C=d"),
)


def _with(*changed: ProcessState) -> Facts:
    kinds = {state.kind for state in changed}
    return replace(
        WELL, processes=[*changed, *(state for state in WELL.processes if state.kind not in kinds)]
    )


def test_all_well__is_one_calm_sentence() -> None:
    found = todo.todos(WELL)
    assert found == []
    assert todo.verdict(found) == todo.Verdict("ok", "Everything runs, and nothing waits for you.")


def test_no_agent_yet__gives_the_lines_to_paste_and_is_no_alarm() -> None:
    found = todo.todos(replace(WELL, heard=False))
    assert [each.paste for each in found] == ["export A=b\nexport C=d"]
    assert todo.verdict(found).status == "ok"


def test_a_process_that_restarts_says_how_often() -> None:
    found = todo.todos(_with(ProcessState(Kind.WORKER, "one", State.RESTARTING, AT, restarts=3)))
    assert found[0].status == "warn"
    assert "restarted 3 times" in found[0].why
    assert todo.verdict(found).text == "worker one is restarting"


def test_processes_never_seen_are_one_thing_to_do() -> None:
    never = [ProcessState(kind, "", State.DOWN, None) for kind in (Kind.BEAT, Kind.WATCHER)]
    found = todo.todos(_with(*never))
    assert [each.lines for each in found] == [("manage.py beat", "manage.py watch")]
    assert todo.verdict(found) == todo.Verdict("bad", "beat and watcher are down")


def test_redis_gone__is_one_cause_and_not_six() -> None:
    blind = replace(WELL, processes=[ProcessState(kind, "one", State.UNKNOWN, AT) for kind in Kind])
    found = todo.todos(blind)
    assert len(found) == 1
    assert todo.verdict(found).status == "unknown"
    assert todo.verdict(found).since == AT


def test_what_is_worst_comes_first_and_five_are_enough() -> None:
    down = [ProcessState(Kind.WORKER, f"w{number}", State.DOWN, AT) for number in range(6)]
    found = todo.todos(replace(_with(*down), approvals=2, approvals_since=AT, heard=False))
    assert [each.status for each in found] == ["bad"] * todo.AT_MOST


def test_approvals_and_trouble_at_intake_have_a_button_and_a_reason() -> None:
    full = Trouble("one", "The disk is full.", AT.timestamp(), AT.timestamp())
    found = todo.todos(replace(WELL, troubles=[full], approvals=1, approvals_since=AT))
    assert [each.status for each in found] == ["bad", "warn"]
    assert found[0].why.startswith("The disk is full.")
    assert (found[1].button, found[1].url) == ("Approvals", "/approvals")
    assert todo.verdict(found).text == "intake one cannot write · 1 request waits for your approval"


def _alert(signal: Signal, queue: str = "", agent: str = "") -> Alert:
    rule = Rule(pk=1, signal=signal)
    return Alert(
        rule=rule,
        environment="default",
        queue=queue,
        agent=agent,
        title=f"{signal} of {agent or queue}",
        severity=Severity.WARNING,
        first_raised_at=AT,
    )


def test_an_alert_about_what_stands_still__is_told_once() -> None:
    alerts = (
        _alert(Signal.STUCK, queue="search"),
        _alert(Signal.AGENT_DOWN, agent="search"),
        _alert(Signal.STUCK, queue="mailer"),
        _alert(Signal.OPERATION_HALTED),
        _alert(Signal.ERROR_RATIO, agent="search"),
    )
    cause = Todo("bad", "search is down", "Start it again.", stands=("default", "search", "search"))
    found = todo.todos(replace(WELL, alerts=alerts, more=(cause,)))
    assert [each.what for each in found] == ["search is down", "stuck of mailer", "error_ratio of search"]
