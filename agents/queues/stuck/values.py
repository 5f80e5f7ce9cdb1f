"""What is said of a message that does not move: evidence with its age, a verdict, and what ruled out the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """The order is part of the meaning: the first that its evidence proves."""

    BROKER_UNREACHABLE = "broker_unreachable"
    UNROUTED = "unrouted"
    DEADLOCK = "deadlock"
    AGENT_DOWN = "agent_down"
    NO_CONSUMER = "no_consumer"
    BLOCKED_DOWNSTREAM = "blocked_downstream"
    AWAITING_INPUT = "awaiting_input"
    RETRY_BACKOFF = "retry_backoff"
    RUNNING_LONG = "running_long"
    UNACKNOWLEDGED = "unacknowledged"
    CONSUMER_SATURATED = "consumer_saturated"
    UNKNOWN = "unknown"


ORDER = {verdict: place for place, verdict in enumerate(Verdict)}


# A queue from which nothing was taken for longer does not move now.
MOVES_S = 4.0


class Kind(StrEnum):
    """Whose word a piece of evidence is."""

    BROKER = "broker"
    LEDGER = "ledger"
    HEARTBEAT = "heartbeat"
    SPANS = "spans"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact. `age_s`: how long ago it was seen; None when it was never seen."""

    kind: Kind
    says: str
    age_s: float | None
    source: str = ""
    link: str = ""


class RuledOut(NamedTuple):
    """A verdict that cannot be, and the fact that says so."""

    verdict: Verdict
    because: str


class Found(StrEnum):
    """What a look at the evidence for one verdict comes to."""

    PROVED = "proved"
    RULED_OUT = "ruled_out"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """`says`: the sentence of a proof, the fact that rules out, or what is missing. `early`: what is missing is on its
    way, and a moment later it will be known."""

    found: Found
    says: str
    evidence: tuple[Evidence, ...] = ()
    early: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one message. No verdict: it moves, or it is too early to say (`missing` says what is awaited).

    `agent`: whose repair helps. `behind`: what it waits behind, when the cause is elsewhere.
    """

    verdict: Verdict | None
    because: str = ""
    evidence: tuple[Evidence, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    missing: tuple[str, ...] = ()
    agent: str = ""
    behind: str = ""


# ---- Facts: what the evidence says, gathered before anything is decided --------------------------------------------
@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """A broker as the watcher sees it. `age_s`: of its figures; None: never sampled. `away_s`: since it does not
    answer. `told_since`: somebody told of messages of it after it fell silent. `told_before`: somebody used to, by
    a way that does not lead through it."""

    name: str
    kind: str
    reachable: bool
    age_s: float | None
    away_s: float = 0.0
    reason: str = ""
    told_since: bool = False
    told_before: bool = False
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """How well events of this broker's messages are heard. `age_s`: when they were heard last."""

    heard: bool
    age_s: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """A queue's last figures, and what the last seconds saw of it. None: nobody can tell."""

    name: str
    there: bool
    depth: int
    unacknowledged: int | None
    delayed: int | None
    consumers: int | None
    age_s: float
    fresh: bool
    oldest_s: float | None = None
    # Messages a second, over the last seconds and as is usual for it.
    entering: float = 0.0
    leaving: float = 0.0
    usual_entering: float | None = None
    growth: float | None = None
    growing_s: float = 0.0
    # For how long less has left than usually comes, in every look.
    sunk_s: float = 0.0
    # How long one message takes now, by its hands and what left lately, and how long it usually takes.
    work_s: float | None = None
    usual_work_s: float | None = None
    # Since a message of it was last seen to be taken or done.
    moved_s: float | None = None
    link: str = ""

    @property
    def moves(self) -> bool:
        return self.moved_s is not None and self.moved_s <= MOVES_S


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """Somebody who takes, or took, messages from the queue, by what heartbeats and the worker itself say.

    `beat_s`: since its last heartbeat; None: it never beat. `answers`: over the broker; None when silence says
    nothing. `silent_asks_s`: for how long it has not answered. `consumes`: whether it takes from this queue now.
    `with_others`: nobody answers over its broker any more, while some of those provably live.
    """

    agent: str
    name: str
    beat_s: float | None = None
    down: bool = False
    paused: bool = False
    stopped: bool = False  # it said that it stops
    answers: bool | None = None
    silent_asks_s: float = 0.0
    consumes: bool | None = None
    slots: int | None = None
    running: int | None = None
    asked_age_s: float | None = None
    with_others: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that are usual, with room: beyond them a message is looked at."""

    wait_s: float = 5.0
    work_s: float = 30.0
    retry_s: float = 30.0
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another message that this one cannot move before."""

    verdict: Verdict
    agent: str
    queue: str
    says: str
    # Nothing is decided of it yet.
    early: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known of one message under way."""

    state: str
    age_s: float
    life_s: float
    agent: str
    instance: str
    queue: str
    attempt: int
    heard_s: float  # since its last event arrived
    waits_for: str = ""
    room: str = ""  # the queue that its handler waits for room in, while it sends
    due_s: float | None = None  # until a retry comes back; below 0: it should have
    error: str = ""
    broker: BrokerFacts | None = None
    ledger: LedgerFacts = field(default_factory=lambda: LedgerFacts(False, None))
    figures: QueueFacts | None = None
    takers: tuple[InstanceFacts, ...] = ()
    holder: InstanceFacts | None = None
    # Whether any agent's heartbeat is heard, and how old the newest is.
    beats_age_s: float | None = None
    beats_heard: bool = True
    patience: Patience = field(default_factory=Patience)
    # The ring that it is part of, as agents in order; what it sent and waits for; who fills its queue's hands.
    ring: tuple[str, ...] = ()
    child: Elsewhere | None = None
    hands: Elsewhere | None = None
    hands_full: bool = False
    # Who has deliveries of its queue in hand, by the broker's word; asked when nothing moves.
    in_hands: tuple[InstanceFacts, ...] = ()
    link: str = ""
