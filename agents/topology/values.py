"""What topology is made of: ends of edges, edges, and what one minute saw on an edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from agents.topology.sketch import Sketch

MINUTE = 60 * 1_000_000_000


class EdgeKind(StrEnum):
    """How two ends are joined."""

    SEND = "send"  # an agent put messages on a queue; whether anybody took them shows in `matched`
    MESSAGE = "message"  # an agent's messages reached another through a queue
    CALL = "call"  # an agent called another and waited
    MODEL = "model"
    TOOL = "tool"
    SERVICE = "service"  # an agent called something that sends us no spans
    WORK = "work"  # an agent's own entry: what it was asked to do, by whomever


class Edge(NamedTuple):
    """The identity of an edge. `source` is empty where nobody knows who sent; `via` is the queue, if any; of a model
    it is the provider, as prices hang on both."""

    environment: str
    kind: EdgeKind
    source: str
    via: str
    target: str


@lru_cache(maxsize=50_000)
def edge(environment: str, kind: EdgeKind, source: str, via: str, target: str) -> Edge:
    """An edge, and the same object for the same one: edges are few, and thousands of spans a second name them."""
    return Edge(environment, kind, source, via, target)


class Cell(NamedTuple):
    """An edge in one stretch of time; `start` in minutes since 1970, `level` its length in minutes."""

    edge: Edge
    start: int
    level: int = 1


@dataclass(slots=True)
class Tally:
    """What was seen on an edge in a minute. Tallies add up in any order: that is what makes order not matter."""

    calls: int = 0
    received: int = 0  # spans of step `receive`: counted apart, since a `process` span follows most of them
    matched: int = 0  # of the calls of an outgoing edge, how many were seen to arrive
    errors: int = 0
    skewed: int = 0  # the receiver began before the sender ended: the clocks are apart, so no wait is known
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0  # of the input tokens, those that the provider had in its cache
    last_seen: int = 0
    duration: Sketch = field(default_factory=Sketch)
    wait: Sketch = field(default_factory=Sketch)  # in the queue until processing began
    fetch: Sketch = field(default_factory=Sketch)  # in the queue until it was received

    def add(self, other: Tally) -> None:
        self.calls += other.calls
        self.received += other.received
        self.matched += other.matched
        self.errors += other.errors
        self.skewed += other.skewed
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cached_tokens += other.cached_tokens
        self.last_seen = max(self.last_seen, other.last_seen)
        for mine, others in (
            (self.duration, other.duration),
            (self.wait, other.wait),
            (self.fetch, other.fetch),
        ):
            if others.buckets:
                mine.merge(others)

    def plus(self, other: Tally) -> Tally:
        """Both together, as a new one."""
        whole = Tally()
        whole.add(self)
        whole.add(other)
        return whole

    @property
    def rate(self) -> int:
        """How many went over the edge: some libraries only receive, most also process."""
        return max(self.calls, self.received)

    @property
    def missing(self) -> int:
        """Of what went out, what nobody was seen to take."""
        return max(0, self.calls - self.matched)
