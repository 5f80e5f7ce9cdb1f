"""What alerts speak of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.access.api import Place


class State(StrEnum):
    """Where an alert is. What an agent raises fires at once; only rules have to hold for a while first."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


# Not over yet: the same key raised again is the same alert.
OPEN = (State.PENDING, State.FIRING, State.ACKNOWLEDGED)
# What somebody was told of, or would have been but for a silence.
TOLD = (State.FIRING, State.ACKNOWLEDGED)


class Severity(StrEnum):
    """How bad it is; `notice` wants nobody at night."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


# The worst last: what is at least as bad as another stands behind it.
BY_SEVERITY = (Severity.NOTICE, Severity.WARNING, Severity.CRITICAL)


class Signal(StrEnum):
    """What a rule can look at. What each means and counts in stands in signals.py."""

    QUEUE_DEPTH = "queue_depth"
    QUEUE_AGE = "queue_age"
    QUEUE_GROWTH = "queue_growth"
    BROKER_UNREACHABLE = "broker_unreachable"
    STUCK = "stuck"
    LETTERS_ARRIVING = "letters_arriving"
    LETTERS_NEW = "letters_new"
    LETTERS_BACK = "letters_back"
    CAPTURE_STOPPED = "capture_stopped"
    AGENT_LATE = "agent_late"
    AGENT_DOWN = "agent_down"
    ERROR_RATIO = "error_ratio"
    INTAKE_STOPPED = "intake_stopped"
    INTAKE_OVERLOAD = "intake_overload"
    OPERATION_WAITING = "operation_waiting"
    OPERATION_HALTED = "operation_halted"
    OPERATION_ENDED = "operation_ended"


class Spot(NamedTuple):
    """What a reading is of. Empty: there is no such dimension. `name` tells apart what shares a place: a failure
    group, an operation, a process, the cause of stuck messages."""

    environment: str = ""
    broker: str = ""
    queue: str = ""
    agent: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """The same for the same spot, whatever is measured."""
        plain = "/".join(self)
        if plain.count("/") == len(self) - 1 and "%" not in plain:
            return plain
        return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in self)

    @property
    def place(self) -> Place:
        return Place(self.environment or None, self.queue or None, self.agent or None)


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement. `value` None: it is not known now, and `says` tells what is missing."""

    spot: Spot
    value: float | None
    says: str = ""
    title: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """All that one signal measured at a moment. `missing`: why whatever is not among them is unknown, not gone."""

    rows: tuple[Reading, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a rule counts. No days: every day. `begins` equal to `ends`: all day; later than it: over midnight."""

    days: frozenset[int] = frozenset()  # 0 is Monday
    begins: time = time(0)
    ends: time = time(0)
    zone: str = "UTC"

    def count_at(self, moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(self.zone))
        now = local.time()
        if self.begins == self.ends:
            return self._on(local.weekday())
        if self.begins < self.ends:
            return self._on(local.weekday()) and self.begins <= now < self.ends
        # Over midnight the night belongs to the day on which it began.
        if now >= self.begins:
            return self._on(local.weekday())
        return now < self.ends and self._on((local.weekday() - 1) % 7)

    def _on(self, day: int) -> bool:
        return not self.days or day in self.days


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule asks for: at least `threshold` for `hold`, and below it for `rest` to be over. `counts`: now is
    within its hours."""

    threshold: float
    hold: timedelta = timedelta()
    rest: timedelta = timedelta()
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """How an alert of a rule stands. `holds_since` and `quiet_since` move on by every time that was not measured:
    that proves nothing. `seen_at`: the last moment that was."""

    state: State
    holds_since: datetime
    seen_at: datetime
    quiet_since: datetime | None = None
    unknown_since: datetime | None = None


class NoticeKind(StrEnum):
    """What a notice tells."""

    FIRED = "fired"
    CLEARED = "cleared"
    TEST = "test"


class NoticeState(StrEnum):
    """Where a notice is. `claimed`: somebody is handing it over, with a lease."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"


class ChannelKind(StrEnum):
    """How a channel is spoken to."""

    WEBHOOK = "webhook"
    APPRISE = "apprise"


class SilenceKind(StrEnum):
    """Why nothing is sent out: somebody wants quiet now, or work was planned."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Raised:
    """What an agent wants somebody to know. Without a key of its own its title is the key."""

    environment: str
    agent: str
    severity: Severity
    title: str
    instance: str = ""
    detail: str = ""
    message_id: str = ""
    error: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of handing a notice over."""

    ok: bool
    says: str
    # The other side's own wish, when it named one.
    again_in: timedelta | None = field(default=None)
