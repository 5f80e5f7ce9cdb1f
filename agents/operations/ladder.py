"""How many may be sent now, and what holds an operation up: decided from figures alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from agents.operations.options import Options
from agents.operations.values import Tally

# Below so many outcomes a ratio says nothing, unless no more will come.
ENOUGH = 20
# Without figures of the queue, so many may be under way.
WINDOW = 500
# With figures: what the consumer takes in so many seconds may wait, within these bounds.
AHEAD_SECONDS, LEAST_AHEAD, MOST_AHEAD = 10.0, 50, 2_000


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of where the messages go. None: nobody can say. `new`: the figures are younger than what was sent
    last. `down`: whose consumers are all down, in words."""

    depth: int | None = None
    out_rate: float | None = None
    new: bool = False
    down: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """An operation's figures: now, and when it was last started or resumed."""

    options: Options
    now: Tally
    begun: Tally
    step: int = 0

    @property
    def since(self) -> Tally:
        return self.now.since(self.begun)

    @property
    def bound(self) -> int | None:
        """How many the ladder lets be taken in hand, up to this step; None: it is past the ladder."""
        bounds = list(accumulate(self.options.canary))
        return bounds[self.step] if self.step < len(bounds) else None

    @property
    def climbed(self) -> bool:
        """Everything of this step is sent and has its outcome, or will not get one."""
        if self.bound is None or self.now.under_way:
            return False
        return self.since.spent >= self.bound or not self.now.waiting

    @property
    def judged(self) -> bool:
        """No more outcomes will come before more is sent."""
        return self.climbed or not self.now.under_way


def room(standing: Standing, around: Around) -> int:
    """How many may be taken in hand now."""
    free = standing.now.waiting
    if standing.bound is not None:
        free = min(free, standing.bound - standing.since.spent)
    if standing.options.follow:
        free = min(free, _ahead(standing, around))
    return max(0, free)


def _ahead(standing: Standing, around: Around) -> int:
    """As many as the consumer can be trusted with."""
    if around.depth is None:
        return WINDOW - standing.now.under_way
    if not around.new:
        return 0
    high = min(max(LEAST_AHEAD, round((around.out_rate or 0) * AHEAD_SECONDS)), MOST_AHEAD)
    return high - around.depth - standing.now.claimed


def halts(standing: Standing, around: Around) -> str:
    """Why it must not go on, or nothing."""
    if not standing.now.waiting:
        return ""
    return _failures(standing) or _unclear(standing) or _outside(standing.options, around)


def _failures(standing: Standing) -> str:
    since, when = standing.since, standing.options.halt_when
    if _passed(since.failed_same, since.settled, when.same_failure_ratio, standing.judged):
        return f"{since.failed_same} of {since.settled} failed the same way again"
    if _passed(since.failed, since.settled, when.failure_ratio, standing.judged):
        return f"{since.failed} of {since.settled} failed"
    return ""


def _passed(failed: int, settled: int, ratio: float | None, judged: bool) -> bool:
    if ratio is None or not settled or failed <= ratio * settled:
        return False
    return not ratio or judged or settled >= ENOUGH


def _unclear(standing: Standing) -> str:
    """A ladder climbs on outcomes; without them it would be blind."""
    if standing.climbed and standing.since.unknown > 0:
        return f"the outcome of {standing.since.unknown} is unknown, so nobody can tell whether the cause is gone"
    return ""


def _outside(options: Options, around: Around) -> str:
    when = options.halt_when
    if when.consumer_down and around.down:
        return around.down
    if when.queue_depth is not None and around.depth is not None and around.depth >= when.queue_depth:
        return f"{around.depth} messages wait in the queue, and the limit is {when.queue_depth}"
    return ""


def step_said(standing: Standing, seconds: float) -> str:
    """A step of the ladder that was climbed, for the timeline."""
    sizes = standing.options.canary
    size, last = sizes[standing.step], len(sizes) + 1
    since = standing.since
    known = f"{since.processed} of {since.spent} processed so far"
    return f"step {standing.step + 1} of {last} ({size}) took {seconds:.1f} s; {known}"
