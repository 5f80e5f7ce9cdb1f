"""Holds a sender up while too much of what it sent is still under way, across all processes.

    throttle = Throttle(max_in_flight=100)                       # blocks, for half a minute at most
    throttle = Throttle(max_in_flight=100, when_full="raise")    # tells the caller at once

A message has a slot from before it is sent until its recipient settles it for good; a retry keeps it. The slots are
in Redis. On RabbitMQ they can be as well (`redis_url`), or the depth of the queue is asked for (`by="depth"`), which
knows nothing of senders and lets each of them overshoot by what the others send in the same moment.
"""

from __future__ import annotations

import os
import random
import time
from typing import Literal, Protocol

from postroom.backpressure.slots import RECIPIENT_FULL, TAKEN
from postroom.errors import ConfigurationError, TransientError
from postroom.runtime.api import About, Hook, Incoming, Outcome, Outgoing

USUAL_MOST = 100
USUAL_TIMEOUT, USUAL_LEASE = 30.0, 60.0
SHORTEST_WAIT, LONGEST_WAIT = 0.005, 0.1
# After these a message is under way no more.
FINAL = frozenset({"succeeded", "dead", "expired", "refused"})


class FullError(TransientError):
    """Too many messages to this recipient are in flight. Send again later, or wait for a slot by when_full="block"."""


class Room(Protocol):
    """Where a message gets its slot."""

    def enter(self, outgoing: Outgoing) -> str:
        """Take a slot; "" when there was one, else who is full, in words. Raises TransientError."""

    def leave(self, sender: str, queue: str, message_id: str) -> None:
        """This message is over. Repeating it changes nothing."""

    def close(self) -> None:
        """Let go of what this process holds."""


class Throttle(Hook):
    """A hook that lets `max_in_flight` messages from one sender to one recipient be under way at a time.

    `max_for_recipient` bounds all senders together. `timeout` is how long to block, in seconds; None is for ever.
    `lease` is how long a slot outlives a sender that died.
    """

    def __init__(
        self,
        max_in_flight: int = USUAL_MOST,
        *,
        max_for_recipient: int = 0,
        when_full: Literal["block", "raise"] = "block",
        timeout: float | None = USUAL_TIMEOUT,
        lease: float = USUAL_LEASE,
        by: Literal["slots", "depth"] = "slots",
        redis_url: str = "",
        broker_url: str = "",
    ) -> None:
        if max_in_flight < 1:
            raise ConfigurationError("max_in_flight must be 1 or more: with 0 nothing could ever be sent.")
        self.most, self.most_for_all = max_in_flight, max_for_recipient
        self._blocks, self._timeout, self._lease, self._by = when_full == "block", timeout, lease, by
        self._redis_url, self._broker_url = redis_url, broker_url
        self._rooms: dict[int, Room] = {}

    def on_process_start(self, about: About) -> None:
        self._broker_url = self._broker_url or about.broker_url

    def on_process_stop(self, about: About) -> None:
        self.close()

    def before_send(self, outgoing: Outgoing) -> None:
        """Takes a slot, or waits for one, or raises FullError."""
        deadline = self._deadline()
        wait = SHORTEST_WAIT
        while why := self._room().enter(outgoing):
            left = deadline - time.monotonic()
            if left <= 0:
                raise FullError(f"{why} {(FullError.__doc__ or '').partition('. ')[2]}")
            # Not all who wait come back in the same moment.
            time.sleep(min(left, wait * random.uniform(0.5, 1.0)))  # noqa: S311
            wait = min(LONGEST_WAIT, wait * 2)

    def after_send(self, outgoing: Outgoing, error: BaseException | None) -> None:
        if error is not None:
            self._room().leave(outgoing.sender, outgoing.queue, outgoing.message_id)

    def after_handle(self, incoming: Incoming, outcome: Outcome, begun: object) -> None:
        """The recipient's side. On a Redis broker the settlement itself gives the slot back."""
        if outcome.kind in FINAL and self._redis_url:
            self._room().leave(incoming.sender, incoming.queue, incoming.message_id)

    def close(self) -> None:
        if room := self._rooms.pop(os.getpid(), None):
            room.close()

    def _deadline(self) -> float:
        if not self._blocks:
            return 0.0
        return time.monotonic() + self._timeout if self._timeout is not None else float("inf")

    def _room(self) -> Room:
        """One for each process: connections are not shared over a fork."""
        if (pid := os.getpid()) not in self._rooms:
            self._rooms = {pid: self._open()}
        return self._rooms[pid]

    def _open(self) -> Room:
        broker = self._broker_url or os.environ.get("POSTROOM_BROKER_URL", "")
        if self._by == "depth":
            from postroom.backpressure.depth import DepthRoom

            return DepthRoom(broker, self.most)
        from postroom.backpressure.slot_room import SlotRoom

        return SlotRoom(_redis(self._redis_url or broker), self.most, self.most_for_all, self._lease)


def full(answer: int, queue: str, most: int, most_for_all: int) -> str:
    """Who is full, in words; "" when a slot was taken. Pure."""
    if answer == TAKEN:
        return ""
    if answer == RECIPIENT_FULL:
        return f"{most_for_all} messages of all senders to {queue} are in flight, which is the most."
    return f"{most} messages to {queue} are in flight, which is the most that one sender may have."


def _redis(url: str) -> str:
    """The address of a Redis, as its client takes it."""
    plain = url.removeprefix("postroom+")
    if not plain.startswith(("redis:", "rediss:", "unix:")):
        raise ConfigurationError(
            'Slots are kept in Redis: give the throttle a redis_url, or use by="depth" with RabbitMQ.'
        )
    return plain
