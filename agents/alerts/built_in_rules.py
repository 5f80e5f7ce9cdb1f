"""The rules of a first start. `migrate` adds those that are missing and leaves what users changed as it is.

Each holds for longer than a healthy burst lasts: what fires here is meant to be worth getting up for, or says notice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from agents.alerts.values import Severity, Signal

MINUTE = 60


@dataclass(frozen=True, slots=True)
class BuiltInRule:
    """A rule as the code declares it; the fields of models.Rule."""

    name: str
    title: str
    signal: Signal
    threshold: float
    severity: Severity
    hold_s: int = 0
    rest_s: int = 30
    window_s: int = 300
    advice: str = ""


BUILT_IN_RULES = (
    BuiltInRule(
        "broker-unreachable",
        "broker cannot be reached",
        Signal.BROKER_UNREACHABLE,
        15,
        Severity.CRITICAL,
        rest_s=15,
        advice="Look whether the broker runs and whether Postroom may sign in; until then its figures are unknown.",
    ),
    BuiltInRule(
        "capture-stopped",
        "letters cannot be taken into custody",
        Signal.CAPTURE_STOPPED,
        30,
        Severity.CRITICAL,
        advice="They are safe on the broker, and nobody sees them here until then.",
    ),
    BuiltInRule(
        "intake-stopped",
        "intake cannot commit",
        Signal.INTAKE_STOPPED,
        15,
        Severity.CRITICAL,
        advice="Look at the database and its disk; senders are told to come again.",
    ),
    BuiltInRule(
        "intake-overload",
        "intake is overloaded",
        Signal.INTAKE_OVERLOAD,
        100,
        Severity.WARNING,
        hold_s=2 * MINUTE,
        rest_s=MINUTE,
        advice="Senders are told to come again. Add intake processes, or send less.",
    ),
    BuiltInRule(
        "agent-down",
        "no instance is left",
        Signal.AGENT_DOWN,
        1,
        Severity.CRITICAL,
        rest_s=0,
        advice="Start an instance. One that is retired for good is taken out of the registry.",
    ),
    BuiltInRule(
        "agent-late",
        "instances are late",
        Signal.AGENT_LATE,
        1,
        Severity.WARNING,
        hold_s=MINUTE,
        advice="They still count as alive. Look at their machines' load and clocks.",
    ),
    BuiltInRule(
        "queue-age",
        "messages wait too long",
        Signal.QUEUE_AGE,
        15 * MINUTE,
        Severity.WARNING,
        hold_s=MINUTE,
        advice="Look at who consumes it, and at Stuck for the cause.",
    ),
    BuiltInRule(
        "queue-depth",
        "many messages wait",
        Signal.QUEUE_DEPTH,
        10_000,
        Severity.WARNING,
        hold_s=5 * MINUTE,
        rest_s=MINUTE,
        advice="Look at its in and out rates: add consumers, or hold senders back.",
    ),
    BuiltInRule(
        "queue-growth",
        "it grows and does not stop",
        Signal.QUEUE_GROWTH,
        1,
        Severity.WARNING,
        hold_s=15 * MINUTE,
        rest_s=2 * MINUTE,
        advice="More goes in than out. Add consumers, or hold senders back.",
    ),
    BuiltInRule(
        "stuck",
        "messages are stuck",
        Signal.STUCK,
        1,
        Severity.WARNING,
        hold_s=MINUTE,
        advice="Stuck shows the evidence and what helps.",
    ),
    BuiltInRule(
        "letters-arriving",
        "many letters arrive",
        Signal.LETTERS_ARRIVING,
        50,
        Severity.WARNING,
        rest_s=MINUTE,
        advice="Look at their groups: one cause often stands behind all.",
    ),
    BuiltInRule(
        "letters-new",
        "a failure that was not seen before",
        Signal.LETTERS_NEW,
        1,
        Severity.NOTICE,
        window_s=900,
        advice="Look at the group, and say who has it.",
    ),
    BuiltInRule(
        "letters-back",
        "a failure came back after a redrive",
        Signal.LETTERS_BACK,
        1,
        Severity.WARNING,
        window_s=900,
        advice="The repair did not help, or only in part.",
    ),
    BuiltInRule(
        "error-ratio",
        "much of its work fails",
        Signal.ERROR_RATIO,
        0.25,
        Severity.WARNING,
        hold_s=2 * MINUTE,
        rest_s=MINUTE,
        advice="Look at its traces with errors.",
    ),
    BuiltInRule(
        "operation-waiting",
        "an operation waits for a second person",
        Signal.OPERATION_WAITING,
        5 * MINUTE,
        Severity.NOTICE,
        rest_s=0,
        advice="Somebody else with the right to approve decides.",
    ),
    BuiltInRule(
        "operation-halted",
        "an operation halted",
        Signal.OPERATION_HALTED,
        0,
        Severity.WARNING,
        rest_s=0,
        advice="Its page says which condition of the plan held it up.",
    ),
    BuiltInRule(
        "operation-ended",
        "an operation ended",
        Signal.OPERATION_ENDED,
        1,
        Severity.NOTICE,
        rest_s=0,
        window_s=900,
    ),
)


def install(using: str = "default", **_: Any) -> None:
    """Add what is missing. Runs after every `migrate`."""
    from agents.alerts.models import Rule

    for rule in BUILT_IN_RULES:
        facts = {name: value for name, value in asdict(rule).items() if name != "name"}
        Rule.objects.using(using).get_or_create(name=rule.name, defaults=facts | {"built_in": True})
