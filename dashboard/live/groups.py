"""The subscribers of a topic who see the same rows: what they see is worked out and serialised once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core import clock, metrics
from core.access.api import Subject
from dashboard.live import diff, frames, scopes
from dashboard.live.api import Row, State, Topic
from dashboard.live.frames import Change, Rows, Told


class Receiver(Protocol):
    """What a subscription needs of a socket."""

    @property
    def subject(self) -> Subject:
        """Who reads it."""

    @property
    def has_room(self) -> bool:
        """False while the client has not acknowledged a window of frames, and once it is closed."""

    async def send(self, text: str) -> None:
        """Put a frame on its way. Never waits for the client."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """Live, or stale since a moment for a reason."""

    since: datetime | None = None
    reason: str = ""

    def told(self, topic: str) -> Told:
        since = clock.rfc3339(self.since) if self.since else None
        return Told(topic, "stale" if since else "live", frames.now(), since, self.reason)


LIVE = Freshness()


@dataclass(eq=False, slots=True)
class Subscription:
    """One socket's interest in one topic, and what it was sent of it."""

    receiver: Receiver
    topic: str
    group: Group
    # The revision that the client has. None: it wants a snapshot.
    at: int | None = None
    told: Freshness = LIVE


@dataclass(frozen=True, slots=True)
class Numbered:
    """A state whose revision is certain."""

    revision: int
    rows: Mapping[str, Row]


def numbered(state: State, before: Numbered | None) -> Numbered:
    """The source's revision, or for a source without one: milliseconds since 1970 when we first saw these rows.

    The time makes it rise over a restart as well, and the last one plus one when the clock stands still.
    """
    if state.revision is not None:
        return Numbered(state.revision, state.rows)
    if before and before.rows == state.rows:
        return before
    least = before.revision + 1 if before else 0
    return Numbered(max(least, int(clock.unix() * 1000)), state.rows)


@dataclass(eq=False, slots=True)
class Group:
    """Every subscription of one topic whose subjects see the same. `revision` is the last that changed their rows."""

    topic: Topic
    subject: Subject
    rows: Rows = field(default_factory=dict)
    revision: int | None = None
    members: set[Subscription] = field(default_factory=set)
    _snapshot: tuple[str, ...] = ()

    def advance(self, state: Numbered) -> Delta | None:
        """Take over a new state. The delta leads from the last one, unless only a snapshot can."""
        before, base = self.rows, self.revision
        rows = scopes.seen_by(self.topic, self.subject, state.rows)
        ops = diff.between(before, rows)
        if base is not None and not ops and state.revision >= base:
            return None
        self.rows, self.revision, self._snapshot = rows, state.revision, ()
        if base is None or state.revision <= base:
            # The first state, or a source whose numbers began anew: no client can step there from what it has.
            self._send_back_to_start()
            return None
        return Delta(base, frames.texts(self._change("delta", base, ops)))

    def snapshot(self) -> tuple[str, ...]:
        """Everything, serialised at the first asking after a change."""
        if not self._snapshot:
            self._snapshot = frames.texts(self._change("snapshot", None, diff.everything(self.rows)))
        return self._snapshot

    def _change(self, kind: str, base: int | None, ops: list[frames.Op]) -> Change:
        assert self.revision is not None
        return Change(self.topic.name, kind, base, self.revision, frames.now(), ops)

    def _send_back_to_start(self) -> None:
        for member in self.members:
            member.at = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A serialised delta and the revision that it steps from."""

    base: int
    texts: tuple[str, ...]


_DELTAS, _SNAPSHOTS = metrics.FRAMES.labels("delta"), metrics.FRAMES.labels("snapshot")


async def serve(subscription: Subscription, freshness: Freshness, delta: Delta | None = None) -> None:
    """Send what the client lacks: the delta when it has the base, else a snapshot, then how fresh that is.

    A client without room gets nothing at all now, and a snapshot when it has room again.
    """
    receiver, group = subscription.receiver, subscription.group
    if subscription.at != group.revision:
        if not receiver.has_room:
            _fall_behind(subscription)
            return
        steps = delta is not None and subscription.at == delta.base
        subscription.at = group.revision
        (_DELTAS if steps else _SNAPSHOTS).inc()
        for text in delta.texts if delta and steps else group.snapshot():
            await receiver.send(text)
    if subscription.told != freshness and receiver.has_room:
        subscription.told = freshness
        await receiver.send(frames.text(freshness.told(subscription.topic)))


def _fall_behind(subscription: Subscription) -> None:
    """What it was to get is dropped; a snapshot makes up for it later."""
    if subscription.at is not None:
        metrics.SLOW_CLIENTS.inc()
    subscription.at = None
