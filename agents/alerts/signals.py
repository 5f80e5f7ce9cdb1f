"""Every signal: what it means, what it counts, and which parts of a rule it takes. The one place that declares them."""

from __future__ import annotations

from dataclasses import dataclass

from agents.alerts.values import Signal


@dataclass(frozen=True, slots=True)
class About:
    """How a signal reads. `windowed`: it is counted over the rule's stretch of time."""

    title: str
    unit: str
    means: str
    windowed: bool = False
    # Whole, and so written without decimals.
    counted: bool = True


ABOUT: dict[Signal, About] = {
    Signal.QUEUE_DEPTH: About("queue depth", "messages", "how many messages wait in a queue"),
    Signal.QUEUE_AGE: About("queue age", "s", "how long the oldest message of a queue waits", counted=False),
    Signal.QUEUE_GROWTH: About(
        "queue growth", "messages/s", "how many more go into a queue than out of it", counted=False
    ),
    Signal.BROKER_UNREACHABLE: About(
        "broker unreachable", "s", "for how long a broker cannot be reached", counted=False
    ),
    Signal.STUCK: About("stuck messages", "messages", "how many messages are stuck for one cause"),
    Signal.LETTERS_ARRIVING: About(
        "letters arriving", "letters", "how many letters died in the stretch of time", windowed=True
    ),
    Signal.LETTERS_NEW: About(
        "new failure", "letters", "letters with a fingerprint that is first seen", windowed=True
    ),
    Signal.LETTERS_BACK: About(
        "failure came back",
        "letters",
        "letters with a fingerprint that died again after a redrive",
        windowed=True,
    ),
    Signal.CAPTURE_STOPPED: About(
        "capture stopped", "s", "for how long letters cannot be taken off a broker", counted=False
    ),
    Signal.AGENT_LATE: About("agent late", "instances", "instances of an agent that are late or down"),
    Signal.AGENT_DOWN: About(
        "agent down", "instances", "instances of an agent that are down while none is up"
    ),
    Signal.ERROR_RATIO: About(
        "error ratio", "of its work", "the share of an agent's work that failed", windowed=True, counted=False
    ),
    Signal.INTAKE_STOPPED: About(
        "intake stopped", "s", "for how long an intake process cannot commit", counted=False
    ),
    Signal.INTAKE_OVERLOAD: About(
        "intake overload", "requests", "requests that intake told to come again later", windowed=True
    ),
    Signal.OPERATION_WAITING: About(
        "operation waits for approval",
        "s",
        "for how long an operation waits for a second person",
        counted=False,
    ),
    Signal.OPERATION_HALTED: About(
        "operation halted", "s", "for how long an operation is halted", counted=False
    ),
    Signal.OPERATION_ENDED: About(
        "operation ended", "operations", "operations that have ended", windowed=True
    ),
}
