"""Waits for all channels of one connection at once, with Celery's event loop or without.

Each turn it first delivers what is claimed or can be claimed, then sleeps until Redis says that a queue has changed,
a broadcast comes in, or another thread says that there is room again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty
from typing import Any, Final

from kombu.utils.eventio import ERR, READ

from postroom.delivery.redis import kombu_parts
from postroom.delivery.redis.channel import LOOK_AGAIN, LOOK_AGAIN_UNTRACKED

CHANGED: Final = "CHANGED"
# Celery's loop has other things to do too.
DELIVERED_PER_TURN: Final = 100


class Poller(kombu_parts.redis.MultiChannelPoller):  # type: ignore[misc]
    """kombu's poller still sees to broadcasts (LISTEN); messages of queues come by claim."""

    def __init__(self) -> None:
        super().__init__()
        self.on_untracked: Callable[[], None] = lambda: None
        self._lock, self._inlets = threading.Lock(), dict[Any, int]()
        self._nudged, self._nudges = os.pipe()
        os.set_blocking(self._nudged, False)
        os.set_blocking(self._nudges, False)
        self.poller.register(self._nudged, READ)

    # What the sleep ends with

    @property
    def fds(self) -> dict[int, Any]:
        return {**self._fd_to_chan, self._nudged: (self, "NUDGED")} if self._nudged >= 0 else {}

    def nudge(self) -> None:
        """Wake up, whoever says so."""
        with self._lock, suppress(OSError):  # woken already, or closed
            os.write(self._nudges, b".")

    def on_poll_init(self, poller: Any) -> None:
        self.poller = poller

    def _register_inlet(self, channel: Any) -> None:
        fd = channel.inlet.fileno()
        if self._inlets.get(channel) != fd:
            self._inlets[channel] = fd
            self._fd_to_chan[fd] = (channel, CHANGED)
            self.poller.register(fd, READ | ERR)
            if not channel.inlet.tracks:
                self.on_untracked()

    def forget_inlet(self, channel: Any) -> None:
        """Before it is closed: its number may be another's soon."""
        if (fd := self._inlets.pop(channel, None)) is not None:
            self._fd_to_chan.pop(fd, None)
            with suppress(KeyError, ValueError, OSError):
                self._unregister_from_poll(fd)

    def discard(self, channel: Any) -> None:
        super().discard(channel)
        self.forget_inlet(channel)

    def _unregister_from_poll(self, fileno: int) -> None:
        """With Celery's loop it is the loop that forgets (see Transport)."""
        self.poller.unregister(fileno)

    # A turn

    def on_poll_start(self) -> None:
        """A turn of Celery's loop: deliver what there is, up to a limit."""
        self._listen()
        for _ in range(DELIVERED_PER_TURN):
            if not self._deliver_one():
                return
        self.nudge()  # there may be more: come again without sleeping

    def _listen(self) -> None:
        for channel in list(self._channels):
            if channel.active_queues:
                self._register_inlet(channel)
            if channel.active_fanout_queues:
                self._register_LISTEN(channel)

    def _deliver_one(self) -> bool:
        for channel in list(self._channels):
            if channel.active_queues and channel.qos.can_consume():
                claim = channel.next_claimed()
                if claim is not None:
                    channel.deliver(claim)
                    return True
        return False

    def on_readable(self, fileno: int) -> Any:
        if fileno == self._nudged:
            return self._drain_nudges()
        channel, what = self._fd_to_chan.get(fileno, (None, ""))
        if what == CHANGED:
            return channel.hear()
        return super().on_readable(fileno)

    def _drain_nudges(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._nudged, 4096)

    def handle_event(self, fileno: int, event: int) -> Any:
        what = self._fd_to_chan.get(fileno, (None, CHANGED))[1]
        if what == CHANGED:
            self.on_readable(fileno)
            return None
        return super().handle_event(fileno, event)

    # Without Celery's loop

    def get(self, callback: Any, timeout: float | None = None) -> None:
        """Deliver one message or broadcast; Empty when none came in time."""
        self._in_protected_read = True
        try:
            self._refresh_bindings()
            self._listen()
            if self._deliver_one() or self._wait(timeout):
                return
            if not self._deliver_one():
                raise Empty
        finally:
            self._in_protected_read = False
            while self.after_read:
                self.after_read.pop()()

    def _wait(self, timeout: float | None) -> bool:
        """Sleep until something happens; true when that was a broadcast, which is delivered then."""
        heard = False
        for fileno, event in self.poller.poll(self._patience(timeout)) or ():
            heard = bool(self.handle_event(fileno, event)) or heard
        return heard

    def _patience(self, timeout: float | None) -> float:
        pause = LOOK_AGAIN_UNTRACKED if self.polls else LOOK_AGAIN
        return pause if timeout is None else min(timeout, pause)

    @property
    def polls(self) -> bool:
        """Redis does not say when a queue has changed."""
        return any(channel.active_queues and not channel.inlet.tracks for channel in list(self._channels))

    def _refresh_bindings(self) -> None:
        if (
            refresh := getattr(super(), "maybe_refresh_binding_expiry", None)
        ) is not None:  # from kombu 5.7 on
            refresh()

    def maybe_restore_messages(self) -> None:
        """The keepers' threads sweep."""

    def maybe_check_brpop_health(self) -> None:
        """Nothing blocks here."""

    def close(self) -> None:
        super().close()
        with self._lock:
            for fd in {self._nudged, self._nudges} - {-1}:
                os.close(fd)
            self._nudged = self._nudges = -1
