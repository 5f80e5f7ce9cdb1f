"""What operations speak of: what is asked for, the states, the tally, the guards. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntFlag, StrEnum
from typing import Any
from uuid import UUID

from agents.deadletters.values import State as LetterState
from core.access.api import Permission


class Action(StrEnum):
    """What can be done to letters and to waiting messages."""

    REDRIVE = "redrive"
    PURGE = "purge"
    RESTORE = "restore"
    MOVE = "move"


class PlanState(StrEnum):
    """What changes it is drawn in docs/concepts/states.md."""

    SEALING = "sealing"
    SEALED = "sealed"
    USED = "used"
    EXPIRED = "expired"


class State(StrEnum):
    """An operation's state; what changes it is drawn in docs/concepts/states.md."""

    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DONE = "done"
    DONE_WITH_UNKNOWN = "done_with_unknown"
    FAILED = "failed"


class ItemState(StrEnum):
    """Where one member of an operation is: exactly one of these, which is why the tally adds up."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DISPATCHED = "dispatched"
    PROCESSED = "processed"
    FAILED_SAME = "failed_same"
    FAILED_NEW = "failed_new"
    APPLIED = "applied"
    LEFT_OUT = "left_out"
    UNTOUCHED = "untouched"
    UNKNOWN = "unknown"


class Grade(StrEnum):
    """By what kind of evidence an outcome is known; `hand`: a person said so."""

    EVENT = "event"
    SPAN = "span"
    LEFT_QUEUE = "left_queue"
    HAND = "hand"


class GuardKind(StrEnum):
    """What a plan can warn of."""

    VERSION_RUNS = "version_runs"
    NO_CONSUMER = "no_consumer"
    QUEUE_FULL = "queue_full"
    TOOL_SUCCEEDED = "tool_succeeded"
    REDRIVEN_BEFORE = "redriven_before"
    OVER_LIMIT = "over_limit"
    EXPIRED = "expired"
    CANVAS = "canvas"


class Flag(IntFlag):
    """The guards that a single member stands under, and that it can be left out for."""

    VERSION_RUNS = 1
    TOOL_SUCCEEDED = 2
    REDRIVEN_BEFORE = 4
    EXPIRED = 8
    CANVAS = 16


class Standing(StrEnum):
    """What a guard found. Unknown: the evidence is missing or too old, and the sentence says which."""

    OK = "ok"
    WARN = "warn"
    UNKNOWN = "unknown"


# Still going on, or held up and able to go on.
OPEN = (State.AWAITING_APPROVAL, State.RUNNING, State.PAUSED, State.HALTED, State.CANCELLING)
# What waits for a person.
ENDED = (State.REJECTED, State.CANCELLED, State.DONE, State.DONE_WITH_UNKNOWN, State.FAILED)
# Sent, or about to be: an outcome can still come. Late evidence settles what is unknown.
AWAITED = (ItemState.CLAIMED, ItemState.DISPATCHED, ItemState.UNKNOWN)
FLAGS = {kind: Flag[kind.name] for kind in GuardKind if kind.name in Flag.__members__}

PERMISSIONS: Mapping[Action, Permission] = {
    Action.REDRIVE: Permission.REDRIVE,
    Action.PURGE: Permission.PURGE,
    Action.RESTORE: Permission.RESTORE,
    Action.MOVE: Permission.MOVE,
}
# From which state a letter is taken.
TAKEN_FROM: Mapping[Action, LetterState] = {
    Action.REDRIVE: LetterState.HELD,
    Action.PURGE: LetterState.HELD,
    Action.RESTORE: LetterState.PURGED,
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which ones, in exactly one of these ways. `filter` has the names and values of GET /dead-letters; `receipt` is
    the id of the purge that is to be taken back; `queue` is `broker/name`, with `messages` for some of its waiting
    messages (none: all that wait)."""

    ids: tuple[UUID, ...] = ()
    group: str = ""
    filter: Mapping[str, str] = field(default_factory=dict)
    receipt: str = ""
    queue: str = ""
    messages: tuple[str, ...] = ()
    # A filter without any condition is a choice, and not the same as no filter.
    everything: bool = False

    @property
    def ways(self) -> list[str]:
        """Which ways are used."""
        found = [name for name in ("ids", "group", "filter", "receipt", "queue") if getattr(self, name)]
        return [*found, *(["filter"] if self.everything and not self.filter else [])]

    def dump(self) -> dict[str, Any]:
        """As JSON keeps it, without what is empty."""
        found: dict[str, Any] = {
            "ids": [str(each) for each in self.ids],
            "group": self.group,
            "filter": dict(self.filter),
            "receipt": self.receipt,
            "queue": self.queue,
            "messages": list(self.messages),
            "everything": self.everything,
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Selection:
        """What `dump` made."""
        given = dict(data)
        ids = tuple(UUID(each) for each in given.pop("ids", ()))
        return cls(ids=ids, messages=tuple(given.pop("messages", ())), **given)


@dataclass(frozen=True, slots=True)
class Tally:
    """The members by state, as of one moment. The ten others always add up to `selected`."""

    selected: int = 0
    waiting: int = 0
    claimed: int = 0
    dispatched: int = 0
    processed: int = 0
    failed_same: int = 0
    failed_new: int = 0
    applied: int = 0
    left_out: int = 0
    untouched: int = 0
    unknown: int = 0

    @property
    def adds_up(self) -> bool:
        counted: int = sum(getattr(self, state) for state in ItemState)
        return self.selected == counted

    @property
    def failed(self) -> int:
        return self.failed_same + self.failed_new

    @property
    def settled(self) -> int:
        """How many messages' outcome is known."""
        return self.processed + self.failed

    @property
    def spent(self) -> int:
        """How many were taken in hand."""
        return self.claimed + self.dispatched + self.settled + self.applied + self.unknown

    @property
    def under_way(self) -> int:
        return self.claimed + self.dispatched

    def since(self, before: Tally) -> Tally:
        """What changed since an earlier tally of the same operation."""
        return Tally(
            **{each.name: getattr(self, each.name) - getattr(before, each.name) for each in fields(self)}
        )


@dataclass(frozen=True, slots=True)
class Guard:
    """A warning that a plan carries, or the good news that there is none of this kind."""

    kind: GuardKind
    standing: Standing
    # In words, with the figures: "payments still runs 1.8.2, the version that failed".
    sentence: str
    # How many members stand under it, among how many that were looked at; None: it is about all of them.
    count: int | None = None
    looked_at: int | None = None
    # What was seen, where, and how old it is in seconds: each `{says, age_s, link}`.
    evidence: Sequence[Mapping[str, Any]] = ()

    @property
    def can_leave_out(self) -> bool:
        return self.kind in FLAGS and bool(self.count)

    def dump(self) -> dict[str, Any]:
        return {
            "kind": str(self.kind),
            "standing": str(self.standing),
            "sentence": self.sentence,
            "count": self.count,
            "looked_at": self.looked_at,
            "evidence": list(self.evidence),
            "can_leave_out": self.can_leave_out,
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Guard:
        """What `dump` made."""
        return cls(
            GuardKind(data["kind"]), Standing(data["standing"]), data["sentence"], data["count"],
            data["looked_at"], tuple(data["evidence"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reach:
    """Who and what the plan touches. None: nobody knows."""

    agents: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    seconds: float | None = None
    tokens: int | None = None

    def dump(self) -> dict[str, Any]:
        return {
            "agents": list(self.agents),
            "tools": list(self.tools),
            "seconds": self.seconds,
            "tokens": self.tokens,
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Reach:
        """What `dump` made."""
        if not data:
            return cls()
        return cls(tuple(data["agents"]), tuple(data["tools"]), data["seconds"], data["tokens"])


class Verdict(StrEnum):
    """What a person says became of a message whose outcome is unknown."""

    PROCESSED = "processed"
    FAILED = "failed"
