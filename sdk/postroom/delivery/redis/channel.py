"""A channel of kombu's Redis transport whose messages come in by claim.

Sending, bindings, priorities, fanout and the form of a message stay kombu's, so any Celery client may send to it.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from queue import Empty
from typing import Any, Final

import redis as redis_py
from kombu.utils.json import dumps

from postroom.delivery import telling
from postroom.delivery.redis import keys, kombu_parts, scripts
from postroom.delivery.redis.inlet import Claimed, Inlet
from postroom.delivery.redis.keeper import Keeper
from postroom.delivery.redis.payload import NoMessageError, as_payload
from postroom.delivery.redis.qos import QoS

LOOK_AGAIN: Final = 1.0
LOOK_AGAIN_UNTRACKED: Final = 0.05
EXPIRY_EVERY: Final = 1.0


class FixedNamesError(ValueError):
    """postroom+redis:// keeps its keys under fixed names: use a database of its own instead of global_keyprefix."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Channel(kombu_parts.redis.Channel):  # type: ignore[misc]
    """One consumer's view of the broker."""

    QoS = QoS
    # How long a claim holds without being renewed, and how often this process sweeps for everybody.
    claim_seconds = 30.0
    sweep_seconds = 1.0
    # Who claims, as other tools show it; empty: host and process.
    instance = ""
    socket_timeout = 30
    socket_keepalive = True

    from_transport_options = (
        *kombu_parts.redis.Channel.from_transport_options,
        "claim_seconds",
        "sweep_seconds",
        "instance",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._inlet: Inlet | None = None
        self._claimed: deque[Claimed] = deque()
        self._without_ack: set[str] = set()
        self._signalled, self._looked_at, self._expiry_at = True, 0.0, 0.0
        self._abandoned = False
        super().__init__(*args, **kwargs)
        if self.global_keyprefix:
            self._disconnect_pools()
            raise FixedNamesError

    # What it stands on

    @cached_property
    def plain(self) -> redis_py.Redis:
        """A client that any number of threads may use: the eleventh waits instead of failing."""
        parameters = self.pool.connection_kwargs | {"max_connections": 10, "timeout": 30}
        make: Any = redis_py.BlockingConnectionPool
        pool = make(connection_class=self.pool.connection_class, **parameters)
        return redis_py.Redis(connection_pool=pool)

    @cached_property
    def keeper(self) -> Keeper:
        parameters = self.pool.connection_kwargs
        own = redis_py.ConnectionPool(connection_class=self.pool.connection_class, **parameters)
        return Keeper(redis_py.Redis(connection_pool=own), self.claim_seconds, self.sweep_seconds)

    @property
    def inlet(self) -> Inlet:
        """Opened with the first look into a queue."""
        if self._inlet is None:
            inlet = self._new_inlet()
            inlet.open()
            self._inlet = inlet
        return self._inlet

    def _new_inlet(self) -> Inlet:
        instance = self.instance or f"{socket.gethostname()}:{os.getpid()}"
        return Inlet(self.pool, instance, self.claim_seconds)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous)
        return parameters | {"protocol": 2}

    # Claiming

    def hear(self) -> None:
        """Redis says that a queue has changed."""
        with self._open_inlet() as inlet:
            inlet.hear()
        self._signalled = True

    def credit_returned(self) -> None:
        """There is room again; from whatever thread this is said, the poller wakes and looks."""
        self._signalled = True
        if self.connection:
            self.connection.cycle.nudge()

    def next_claimed(self) -> Claimed | None:
        """The next message to deliver: one that is claimed already, or the first of a new claim."""
        if not self._claimed and self._worth_a_look():
            self._claim()
        return self._claimed.popleft() if self._claimed else None

    def has_claimed(self) -> bool:
        return bool(self._claimed)

    def _worth_a_look(self) -> bool:
        if not self._signalled and self._inlet is not None:
            pause = LOOK_AGAIN if self._inlet.tracks else LOOK_AGAIN_UNTRACKED
            return time.monotonic() - self._looked_at >= pause
        return True

    def _claim(self) -> None:
        room = self.qos.room(len(self._claimed))
        lists = self._lists()
        if not room or not lists:
            return
        with self._open_inlet() as inlet:
            claimed = inlet.claim(lists, room)
        self._hold(claimed)
        self._signalled, self._looked_at = bool(claimed), time.monotonic()
        if claimed:
            self._queue_cycle.rotate(claimed[-1].queue)
        self._keep_from_expiring()

    @contextmanager
    def _open_inlet(self) -> Iterator[Inlet]:
        """A broken one is not used again: the next look opens a new one."""
        try:
            yield self.inlet
        except self.connection_errors:
            self._close_inlet()
            raise

    def _hold(self, claimed: list[Claimed]) -> None:
        for claim in claimed:
            self.keeper.hold(claim.tag)
        self._claimed.extend(claimed)

    def _lists(self) -> list[tuple[str, str]]:
        """Where to look: by priority, and within one in turn."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        return [(self._q_for_pri(queue, step), queue) for step in self.priority_steps for queue in queues]

    def _keep_from_expiring(self) -> None:
        """Queues with x-expires live for as long as somebody looks into them."""
        if time.monotonic() - self._expiry_at >= EXPIRY_EVERY:
            self._expiry_at = time.monotonic()
            for queue in self.active_queues:
                self._live_on(queue)

    def _live_on(self, queue: str) -> None:
        if getattr(self, "_expires", None):  # kombu knows x-expires from 5.6 on
            self._maybe_update_queues_expire(self.plain, queue)

    def deliver(self, claim: Claimed) -> None:
        """Hand a claimed message to its consumer; without one it goes back."""
        if claim.queue not in self.connection._callbacks:
            self.qos.give_back([claim.tag])
            return
        try:
            payload = as_payload(claim)
        except NoMessageError as problem:
            self.qos.bury(claim, problem)
            return
        if claim.queue in self._without_ack:
            self.qos.forget([claim.tag])
        self.connection._deliver(payload, claim.queue)

    def _get(self, queue: str) -> dict[str, Any]:
        """For basic_get: one message, now."""
        inlet = self._new_inlet()
        try:
            inlet.open()
            claimed = inlet.claim([(self._q_for_pri(queue, step), queue) for step in self.priority_steps], 1)
        finally:
            inlet.close()
        if not claimed:
            raise Empty
        self.keeper.start()
        self.keeper.hold(claimed[0].tag)
        return as_payload(claimed[0])

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        message = super().basic_get(queue, no_ack=no_ack, **kwargs)
        if message is not None and no_ack:
            self.qos.forget([message.delivery_tag])
        return message

    # Consumers come and go

    def basic_consume(self, queue: str, no_ack: bool = False, *args: Any, **kwargs: Any) -> Any:
        answer = super().basic_consume(queue, no_ack, *args, **kwargs)
        (self._without_ack.add if no_ack else self._without_ack.discard)(queue)
        if queue not in self.active_fanout_queues:
            self.keeper.start()
        self._signalled = True
        return answer

    def _basic_cancel(self, consumer_tag: str) -> Any:
        answer = super()._basic_cancel(consumer_tag)
        self._hand_back([claim for claim in self._claimed if claim.queue not in self.active_queues])
        return answer

    def _hand_back(self, claims: list[Claimed]) -> None:
        self.qos.give_back([claim.tag for claim in claims])
        for claim in claims:
            self._claimed.remove(claim)

    # Sending

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        tells = telling.pending()
        if tells is None or kwargs.get("_publish_batch") is not None:
            super()._put(queue, message, **kwargs)
            return
        priority = self._get_message_priority(message, reverse=False)
        self._send(keys=[self._q_for_pri(queue, priority)], args=[dumps(message), keys.EVENTS, *tells.events])
        tells.done()
        self._live_on(queue)

    @cached_property
    def _send(self) -> Any:
        return self.plain.register_script(scripts.SEND)

    # The end

    def close(self) -> None:
        """What was not started goes back; on a connection that is lost, the sweep of another worker sees to it."""
        if self.closed:
            return
        try:
            self._close_inlet()
            self._hand_back(list(self._claimed))
            super().close()
            self._end_keeper(Keeper.orphan if self._abandoned else Keeper.stop)
        except self.connection_errors:
            self._end_keeper(Keeper.orphan)
            raise
        finally:
            self._close_plain()

    def abandon(self) -> None:
        """The connection was lost: what runs goes on, and its claims are kept for as long as it does."""
        self._end_keeper(Keeper.orphan)
        self._abandoned, self.do_restore = True, False
        self._claimed.clear()
        self.qos.let_go()

    def _end_keeper(self, how: Any) -> None:
        if (keeper := self.__dict__.get("keeper")) is not None:
            how(keeper)

    def _close_inlet(self) -> None:
        if self._inlet is not None:
            if self.connection and self.connection.cycle:
                self.connection.cycle.forget_inlet(self)
            self._inlet.close()
            self._inlet = None
            self._signalled = True

    def _close_plain(self) -> None:
        if (plain := self.__dict__.get("plain")) is not None:
            plain.connection_pool.disconnect()

    def _after_fork(self) -> None:
        self._inlet = None
        self._claimed.clear()
        super()._after_fork()
