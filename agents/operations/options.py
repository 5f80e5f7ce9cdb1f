"""How a plan is to be carried out: the options, their defaults, and what is wrong with one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Any

from agents.operations.values import FLAGS, Action, GuardKind

FOLLOW, FULL = "follow", "full"
OFF = "off"
LADDER = (1, 5, 25)
MOST_STEPS, MOST_RATE, MOST_SECONDS = 20, 100_000.0, 30 * 86_400.0
OUTCOME_WITHIN = 600.0
LONGEST_NAME = 300


class Expiry(StrEnum):
    """What becomes of a message's own deadline: none, as much time as it had at first, or as it is."""

    CLEAR = "clear"
    SHIFT = "shift"
    KEEP = "keep"


class OptionRefusedError(Exception):
    """An option that does not go. `field` names it, the sentence says what would."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.detail = field, detail


@dataclass(frozen=True, slots=True)
class HaltWhen:
    """What holds the operation up. None and False: that does not. Ratios are of the outcomes that are known."""

    same_failure_ratio: float | None = 0.0
    failure_ratio: float | None = None
    consumer_down: bool = True
    queue_depth: int | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """Of a redrive; a move takes `target_queue` alone, a purge `leave_out`.

    `rate` is messages a second; None with `follow`: as fast as the consumer keeps up; None without: as fast as the
    broker takes them. `canary` empty: no ladder. Seconds everywhere.
    """

    rate: float | None = None
    follow: bool = True
    canary: tuple[int, ...] = LADDER
    halt_when: HaltWhen = field(default_factory=HaltWhen)
    target_queue: str = ""
    # What is changed in each message: `{"body": patch, "headers": patch}`, a patch being a JSON Patch (a list) or a
    # merge patch (an object).
    edit: Mapping[str, Any] | None = None
    expiry: Expiry = Expiry.CLEAR
    delay: float = 0.0
    jitter: float = 0.0
    outcome_within: float = OUTCOME_WITHIN
    leave_out: tuple[GuardKind, ...] = ()

    @property
    def mask(self) -> int:
        """The flags whose bearers are left out."""
        return sum(FLAGS[kind] for kind in self.leave_out)

    def dump(self) -> dict[str, Any]:
        """As it was asked for, with every default: what is sealed, shown and hashed."""
        halt = self.halt_when
        return {
            "rate": self.rate if self.rate is not None else FOLLOW if self.follow else FULL,
            "canary": list(self.canary) or OFF,
            "halt_when": {
                "same_failure_ratio": halt.same_failure_ratio,
                "failure_ratio": halt.failure_ratio,
                "consumer_down": halt.consumer_down,
                "queue_depth": halt.queue_depth,
            },
            "target_queue": self.target_queue,
            "edit": self.edit,
            "expiry": str(self.expiry),
            "delay": self.delay,
            "jitter": self.jitter,
            "outcome_within": self.outcome_within,
            "leave_out": [str(kind) for kind in self.leave_out],
        }


NAMES = tuple(Options().dump())
TAKEN: Mapping[Action, frozenset[str]] = {
    Action.REDRIVE: frozenset(NAMES),
    Action.PURGE: frozenset({"leave_out"}),
    Action.RESTORE: frozenset(),
    Action.MOVE: frozenset({"target_queue"}),
}


def parse(action: Action, data: Mapping[str, Any]) -> Options:
    """What `data` asks for, with defaults for the rest. Raises OptionRefusedError at the first that does not go."""
    for name in data:
        if name not in NAMES:
            raise OptionRefusedError(name, f"there is no such option; there are {', '.join(NAMES)}")
        if name not in TAKEN[action] and data[name] != PLAIN[name]:
            raise OptionRefusedError(name, f"a {action} does not take it")
    if action is Action.MOVE and not data.get("target_queue"):
        raise OptionRefusedError("target_queue", "a move needs to know where to")
    rate, follow = _rate(data.get("rate", FOLLOW))
    return Options(
        rate=rate,
        follow=follow,
        canary=_canary(data.get("canary", LADDER)),
        halt_when=_halt_when(data.get("halt_when")),
        target_queue=_queue(data.get("target_queue")),
        edit=_edit(data.get("edit")),
        expiry=_expiry(data.get("expiry", Expiry.CLEAR)),
        delay=_seconds(data, "delay", 0.0),
        jitter=_seconds(data, "jitter", 0.0),
        outcome_within=_seconds(data, "outcome_within", OUTCOME_WITHIN, least=1.0),
        leave_out=_leave_out(data.get("leave_out", ())),
    )


def load(data: Mapping[str, Any]) -> Options:
    """What `Options.dump` made."""
    return parse(Action.REDRIVE, data)


PLAIN = Options().dump()


def _rate(value: Any) -> tuple[float | None, bool]:
    if value is None or value == FOLLOW:
        return None, True
    if value == FULL:
        return None, False
    if not _is_number(value) or not 0 < value <= MOST_RATE:
        raise OptionRefusedError("rate", f"it is messages a second (above 0), or {FOLLOW!r}, or {FULL!r}")
    return float(value), False


def _canary(value: Any) -> tuple[int, ...]:
    if value in (None, False, OFF):
        return ()
    steps = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else None
    if steps is None or not all(_is_size(each) for each in steps) or len(steps) > MOST_STEPS:
        raise OptionRefusedError(
            "canary", f"it is a list of up to {MOST_STEPS} sizes such as [1, 5, 25], or {OFF!r}"
        )
    return tuple(steps)


def _halt_when(value: Any) -> HaltWhen:
    if value is None:
        return HaltWhen()
    if not isinstance(value, Mapping):
        raise OptionRefusedError("halt_when", "it is an object")
    plain = HaltWhen()
    known = ("same_failure_ratio", "failure_ratio", "consumer_down", "queue_depth")
    if strange := [name for name in value if name not in known]:
        raise OptionRefusedError(
            f"halt_when.{strange[0]}", f"there is no such condition; there are {', '.join(known)}"
        )
    return HaltWhen(
        same_failure_ratio=_ratio(value, "same_failure_ratio", plain.same_failure_ratio),
        failure_ratio=_ratio(value, "failure_ratio", plain.failure_ratio),
        consumer_down=_switch(value.get("consumer_down", plain.consumer_down)),
        queue_depth=_depth(value.get("queue_depth")),
    )


def _ratio(data: Mapping[str, Any], name: str, plain: float | None) -> float | None:
    value = data.get(name, plain)
    if value is None:
        return None
    if not _is_number(value) or not 0 <= value <= 1:
        raise OptionRefusedError(f"halt_when.{name}", "it is between 0 and 1, or null for off")
    return float(value)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise OptionRefusedError("halt_when.consumer_down", "it is true or false")
    return value


def _depth(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OptionRefusedError("halt_when.queue_depth", "it is a number of messages, or null for off")
    return value


def _queue(value: Any) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or "\0" in value:
        raise OptionRefusedError("target_queue", "it is the name of a queue")
    return value


def _edit(value: Any) -> Mapping[str, Any] | None:
    if value in (None, {}):
        return None
    if not isinstance(value, Mapping) or not set(value) <= {"body", "headers"}:
        raise OptionRefusedError("edit", "it is an object with `body`, `headers` or both, each a patch")
    if not all(isinstance(patch, list | dict) for patch in value.values()):
        raise OptionRefusedError("edit", "a patch is a JSON Patch (a list) or a merge patch (an object)")
    return dict(value)


def _expiry(value: Any) -> Expiry:
    if value not in [*Expiry]:
        raise OptionRefusedError("expiry", f"it is one of {', '.join(Expiry)}")
    return Expiry(value)


def _seconds(data: Mapping[str, Any], name: str, plain: float, *, least: float = 0.0) -> float:
    value = data.get(name, plain)
    value = plain if value is None else value
    if not _is_number(value) or not least <= value <= MOST_SECONDS:
        raise OptionRefusedError(name, f"it is seconds, from {least:g} to {MOST_SECONDS:g}")
    return float(value)


def _leave_out(value: Any) -> tuple[GuardKind, ...]:
    several = isinstance(value, Sequence) and not isinstance(value, str)
    if not several or any(each not in [*FLAGS] for each in value):
        raise OptionRefusedError("leave_out", f"it is a list of {', '.join(FLAGS)}")
    return tuple(sorted({GuardKind(each) for each in value}))


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
