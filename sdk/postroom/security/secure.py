"""Security as a hook: signs what is sent, lets in only what is signed, allowed, and new.

Everything that cannot be told makes a message wait. What is refused is kept as a letter with the reason
`unauthorised`, and stands in the audit trail.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from postroom import headers
from postroom.errors import ConfigurationError, PostroomError, UnauthorisedError
from postroom.http import Client
from postroom.registry.client import AgentRegistry
from postroom.registry.hook import registration
from postroom.runtime.api import About, Hook, Incoming, Outcome, Outgoing
from postroom.security import claims, trail
from postroom.security.claims import Expected
from postroom.security.keys import KeyRing
from postroom.security.policies import Policies
from postroom.security.replay import Doorbook
from postroom.security.trail import Trail, TrailFullError
from postroom.security.validator import AuthProvider, TokenValidator

log = logging.getLogger(__name__)

REFUSED = "message.refused"
PUBLISHED_AGAIN_AFTER = 5.0
# After these a message is over. One that was refused was never in, and says nothing about its namesake.
OVER = frozenset({"succeeded", "dead", "expired"})
WAITING = "waiting"


class Security(Hook):
    """Who may send to this agent, proven; and the agent's own proof for what it sends."""

    def __init__(
        self,
        about: About,
        *,
        client: Client,
        auth_provider: AuthProvider | None = None,
        ring: KeyRing | None = None,
        policies: Policies | None = None,
        doorbook: Doorbook | None = None,
        redis_url: str = "",
        audit: Trail | None = None,
        lifetime: float = claims.LIFETIME,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._about, self._client, self._clock, self._lifetime = about, client, clock, lifetime
        self._provider = auth_provider or TokenValidator(client=client, clock=clock)
        self.ring = ring or KeyRing(about.agent)
        self.policies = policies or Policies(client, about.agent, about.environment, clock=clock)
        self._book = doorbook or _book(redis_url or about.broker_url)
        self.audit = audit or Trail(client)
        # What an acknowledgement can get lost behind: there a message that is over may come once more.
        self._late = about.broker_url.startswith("amqp")
        # Messages that were let in and are handled now, in this process.
        self._inside: set[str] = set()
        self._published: tuple[str, ...] = ()
        self._tried_at = float("-inf")

    # ---- The agent's life ----------------------------------------------------------------------------------------
    def on_start(self, about: About) -> None:
        self._about = about
        self.publish()

    def on_process_stop(self, about: About) -> None:
        self.audit.close()

    def publish(self) -> None:
        """Has Postroom publish the agent's keys, when they are not yet. A Postroom that is away is asked again."""
        keys = self.ring.public()
        names = tuple(key["kid"] for key in keys)
        if names == self._published or self._clock() - self._tried_at < PUBLISHED_AGAIN_AFTER:
            return
        self._tried_at = self._clock()
        try:
            AgentRegistry(client=self._client).register(**registration(self._about), public_keys=keys)
            self._published = names
        except PostroomError as problem:
            log.warning("receivers cannot check what %s signs yet: %s", self._about.agent, problem)

    # ---- What is sent --------------------------------------------------------------------------------------------
    def headers_to_send(self, outgoing: Outgoing) -> Mapping[str, str]:
        self.publish()
        said = Expected(
            outgoing.sender,
            outgoing.queue,
            outgoing.environment,
            outgoing.message_id,
            outgoing.redrive,
            outgoing.task,
            outgoing.body,
        )
        return {headers.SENDER_TOKEN: claims.sign(said, self.ring.current(), self._clock(), self._lifetime)}

    # ---- What comes in -------------------------------------------------------------------------------------------
    def authorise(self, incoming: Incoming) -> None:
        try:
            self._let_in(incoming)
        except UnauthorisedError as problem:
            self._record(incoming, str(problem))
            raise

    def after_handle(self, incoming: Incoming, outcome: Outcome, begun: object) -> None:
        queue, message_id, redrive = self._about.queue, incoming.message_id, incoming.redrive
        if outcome.kind in OVER:
            self._book.leave(queue, message_id, redrive)
        elif outcome.kind == WAITING and (message_id in self._inside or incoming.delivery.redelivered):
            # Not for one that was never let in: it would open the door for a copy of its namesake.
            self._book.back(queue, message_id, redrive, incoming.attempt)
        self._inside.discard(message_id)

    def _let_in(self, incoming: Incoming) -> None:
        token = incoming.headers.get(headers.SENDER_TOKEN)
        said = self._provider.validate(token if isinstance(token, str) else "", self._expected(incoming))
        self.policies.require(str(said["sub"]), str(said["act"]))
        self._book.enter(
            self._about.queue,
            incoming.message_id,
            incoming.redrive,
            incoming.attempt,
            again=incoming.delivery.redelivered,
            late=self._late,
            keep=float(said["exp"]) + claims.LEEWAY - self._clock(),
        )
        self._inside.add(incoming.message_id)

    def _expected(self, incoming: Incoming) -> Expected:
        """What the receiver knows by itself: its own queue and environment, not those that the message names."""
        return Expected(
            incoming.sender,
            self._about.queue,
            self._about.environment,
            incoming.message_id,
            incoming.redrive,
            incoming.task,
            incoming.body,
        )

    def _record(self, incoming: Incoming, reason: str) -> None:
        detail = {
            "sender": incoming.sender,
            "queue": incoming.queue,
            "task": incoming.task,
            "redrive": incoming.redrive,
            "attempt": incoming.attempt,
        }
        # It is refused whether or not that can be written down: the letter tells the same.
        with suppress(TrailFullError):
            self.write({"action": REFUSED, "on": incoming.message_id, "reason": reason, "detail": detail})

    def write(self, said: Mapping[str, Any]) -> str:
        """An entry for the audit trail; its id here. One that cannot be kept is in the log, whole."""
        entry = trail.entry(said, self._about.agent, self._about.environment)
        try:
            return self.audit.write(entry)
        except TrailFullError:
            log.critical("an audit entry could be kept nowhere but here: %s", entry)
            raise


def _book(redis_url: str) -> Doorbook:
    url = redis_url.removeprefix("postroom+")
    if not url.startswith(("redis:", "rediss:", "unix:")):
        raise ConfigurationError("Replays are known by a record in Redis: give the secure agent a redis_url.")
    import redis

    from postroom.security.replay import RedisDoorbook

    return RedisDoorbook(redis.Redis.from_url(url))
