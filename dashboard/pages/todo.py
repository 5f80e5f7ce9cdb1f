"""What the overview says: one sentence of state, and at most five things to do, the most urgent first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.urls import reverse

from agents.alerts.models import Alert
from agents.alerts.values import Severity, Signal
from agents.deadletters.trouble import Trouble as CaptureTrouble
from agents.deadletters.trouble import What
from agents.intake.trouble import Trouble
from core.processes import Kind, ProcessState, State
from dashboard import words
from dashboard.pages import status_words

AT_MOST = 5
# `watcher` is what the process is called, `watch` what it does.
_COMMANDS = {Kind.WATCHER: "watch"}


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing that wants a person: what, the evidence, the button that helps, or lines to paste."""

    status: str
    what: str
    why: str
    since: datetime | None = None
    button: str = ""
    url: str = ""
    lines: tuple[str, ...] = ()
    # How it reads within the sentence; empty: another one says it too.
    short: str = ""
    # Of stuck messages: the environment, the agent and the queue that do not move.
    stands: tuple[str, str, str] | None = None

    @property
    def paste(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the overview knows."""

    processes: list[ProcessState]
    troubles: list[Trouble]
    approvals: int
    approvals_since: datetime | None
    approvals_url: str
    heard: bool
    otel_lines: tuple[str, ...]
    captures: tuple[CaptureTrouble, ...] = ()
    alerts: tuple[Alert, ...] = ()
    # What rooms put among it: see next_steps.py.
    more: tuple[Todo, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence, and its shape."""

    status: str
    text: str
    since: datetime | None = None


def todos(facts: Facts) -> list[Todo]:
    """What to do, most urgent first."""
    stand_still = [each.stands for each in facts.more if each.stands]
    found = [
        *_troubles(facts.troubles),
        *_processes(facts.processes),
        *_captures(facts.captures),
        *_alerts(alert for alert in facts.alerts if not _told_by_cause(alert, stand_still)),
        *facts.more,
        *_approvals(facts),
        *_first_agent(facts),
    ]
    order = status_words.URGENCY
    return sorted(found, key=lambda todo: order.index(todo.status))[:AT_MOST]


def verdict(found: list[Todo]) -> Verdict:
    """Is everything fine?"""
    urgent = [todo for todo in found if todo.status != "info"]
    if urgent:
        first = urgent[0]
        return Verdict(first.status, " · ".join(todo.short for todo in urgent if todo.short), first.since)
    if found:
        return Verdict("ok", "Postroom runs, and waits for its first agent.")
    return Verdict("ok", "Everything runs, and nothing waits for you.")


def _troubles(troubles: list[Trouble]) -> Iterator[Todo]:
    for trouble in troubles:
        yield Todo(
            "bad",
            f"Let intake {trouble.name} write again",
            f"{trouble.sentence} Senders are told to come again; nothing acknowledged is harmed.",
            datetime.fromtimestamp(trouble.since, UTC),
            short=f"intake {trouble.name} cannot write",
        )


def _captures(troubles: tuple[CaptureTrouble, ...]) -> Iterator[Todo]:
    """Letters are safe where they are; but nobody sees new ones."""
    for trouble in troubles:
        away = trouble.what is What.UNREACHABLE
        said = f"cannot reach {trouble.broker}" if away else f"letters wait on {trouble.broker}"
        yield Todo(
            "bad",
            f"Let Postroom reach {trouble.broker} again" if away else "Let the database take letters again",
            f"Postroom takes no letter off {trouble.broker} until then. {trouble.sentence}",
            datetime.fromtimestamp(trouble.since, UTC),
            short=said,
        )


def _told_by_cause(alert: Alert, stand_still: list[tuple[str, str, str]]) -> bool:
    """Whether a cause of stuck messages says it already, with evidence: the same thing is to be done only once. An
    operation that halted always is among the steps."""
    if alert.rule and alert.rule.signal == Signal.OPERATION_HALTED:
        return True
    if alert.rule is None or alert.rule.signal not in (Signal.STUCK, Signal.AGENT_DOWN):
        return False
    return any(
        environment == alert.environment and (agent == alert.agent if alert.agent else queue == alert.queue)
        for environment, agent, queue in stand_still
    )


def _alerts(alerts: Iterable[Alert]) -> Iterator[Todo]:
    for alert in alerts:
        often = f" Raised {words.number(alert.count)} times." if alert.count > 1 else ""
        said = " ".join(filter(None, (alert.detail, alert.error)))
        yield Todo(
            "bad" if alert.severity == Severity.CRITICAL else "warn",
            alert.title if alert.rule_id else f"{alert.agent}: {alert.title}",
            f"{said or 'It says no more.'}{often}",
            alert.first_raised_at,
            "Open",
            reverse("alerts-alert", args=(alert.pk,)),
            short=alert.title if alert.rule_id else f"{alert.agent} raises an alert",
        )


def _processes(states: list[ProcessState]) -> Iterator[Todo]:
    unknown = [state for state in states if state.state is State.UNKNOWN]
    if unknown:
        yield _blind(unknown[0])
    never = [state for state in states if state.state is State.DOWN and not state.name]
    if never:
        yield _never_seen(never)
    for state in states:
        if state.name and state.state not in {State.UP, State.UNKNOWN}:
            yield _process(state)


def _blind(state: ProcessState) -> Todo:
    """One cause, not one line for each process that nothing is known of."""
    return Todo(
        "unknown",
        "Find out why Redis does not answer",
        "Without it nothing is known of the processes, and no page is live. What agents send is still kept.",
        state.since,
        short="Redis cannot be reached, so nothing is known of the processes",
    )


def _never_seen(states: list[ProcessState]) -> Todo:
    kinds = _listed([str(state.kind) for state in states])
    many = len(states) > 1
    return Todo(
        "bad",
        f"Start {kinds}",
        f"None {'of these' if many else 'of its kind'} has been seen, and Postroom needs each at least once.",
        lines=tuple(_command(state.kind) for state in states),
        short=f"{kinds} {'are' if many else 'is'} down",
    )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _command(kind: Kind) -> str:
    return f"manage.py {_COMMANDS.get(kind, kind)}"


def _process(state: ProcessState) -> Todo:
    named = f"{state.kind} {state.name}".strip()
    if state.state is State.DOWN:
        return Todo(
            "bad",
            f"Start {named}",
            state.reason or "It has ended.",
            state.since,
            lines=(_command(state.kind),),
            short=f"{named} is down",
        )
    again = f" It has been restarted {state.restarts} times." if state.restarts > 1 else ""
    return Todo(
        "warn",
        f"Wait for {named}",
        f"{state.reason or 'It is on its way up.'}{again}",
        state.since,
        short=f"{named} is {state.state}",
    )


def _approvals(facts: Facts) -> Iterator[Todo]:
    if not facts.approvals:
        return
    wait = "1 request waits" if facts.approvals == 1 else f"{words.number(facts.approvals)} requests wait"
    yield Todo(
        "warn",
        f"Look at what {wait} for you",
        "Nothing of it is done until a second person agrees.",
        facts.approvals_since,
        "Approvals",
        facts.approvals_url,
        short=f"{wait} for your approval",
    )


def _first_agent(facts: Facts) -> Iterator[Todo]:
    if not facts.heard:
        yield Todo(
            "info",
            "Point an agent at Postroom",
            "No agent has reported yet. Any OpenTelemetry exporter does: set these two in its environment.",
            lines=facts.otel_lines,
            short="no agent has reported yet",
        )
