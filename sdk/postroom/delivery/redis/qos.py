"""How many deliveries a channel may have open, and what becomes of each.

A delivery is noted in Redis before kombu hears of it, so there is nothing to note here; it is acknowledged, or goes
back, by its claim.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from postroom.delivery.api import Delivery, Settlement
from postroom.delivery.redis import keys, kombu_parts, scripts, settling
from postroom.delivery.redis.inlet import Claimed
from postroom.delivery.redis.payload import NoMessageError, letter_about

logger = logging.getLogger(__name__)

HEAD: Final = "RPUSH"
BEHIND_ALL: Final = "LPUSH"
# What is taken in one step where nobody set a limit.
UNLIMITED: Final = 10


class QoS(kombu_parts.virtual.QoS):  # type: ignore[misc]
    """Acknowledges and gives back by script; a claim that ran out is nobody's business any more."""

    def __init__(self, channel: Any, prefetch_count: int = 0) -> None:
        super().__init__(channel, prefetch_count)
        self._acknowledge = channel.plain.register_script(scripts.ACKNOWLEDGE)
        self._give_back = channel.plain.register_script(scripts.GIVE_BACK)
        self._settle = channel.plain.register_script(scripts.SETTLE)

    def room(self, waiting: int) -> int:
        """How many more may be claimed while so many are claimed and not delivered yet."""
        if "can_consume" in vars(
            self
        ):  # Celery's worker_disable_prefetch puts its own in place: one at a time
            return 0 if waiting else int(self.can_consume())
        if not self.prefetch_count:
            return max(UNLIMITED - waiting, 0)
        return max(int(self.can_consume_max_estimate()) - waiting, 0)

    def append(self, message: Any, delivery_tag: str) -> None:
        super().append(message, delivery_tag)
        self.channel.keeper.hold(delivery_tag, message)

    def ack(self, delivery_tag: str) -> None:
        self.forget([delivery_tag])
        super().ack(delivery_tag)
        self.channel.credit_returned()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if requeue:
            self.give_back([delivery_tag], BEHIND_ALL)
        else:
            self.forget([delivery_tag])
        super().ack(delivery_tag)
        self.channel.credit_returned()

    def forget(self, tags: list[str]) -> None:
        """Acknowledged, or dropped: these are gone from Redis."""
        self._acknowledge(args=[keys.UNACKED, keys.UNACKED_DUE, *tags])
        self.channel.keeper.drop(tags)

    def bury(self, claim: Claimed, problem: NoMessageError) -> None:
        """Bytes that no consumer could read become a letter, or they would come back for ever."""
        logger.error("what was in %s is no message (%s): it is a letter now", claim.queue, problem)
        settlement = Settlement(letter=letter_about(claim, problem))
        call = settling.call(Delivery(claim.queue, "", claim.tag), settlement)
        self._settle(keys=call.keys, args=call.arguments)
        self.channel.keeper.drop([claim.tag])

    def give_back(self, tags: list[str], where: str = HEAD) -> None:
        """Back in their queues; given in the order of their claims, they wait in that order again."""
        if tags:
            self._give_back(args=[keys.UNACKED, keys.UNACKED_DUE, where, *reversed(tags)])
            self.channel.keeper.drop(tags)

    def restore_unacked(self) -> list[tuple[BaseException, Any]]:
        """All that is open goes back to the heads of its queues."""
        self._flush()
        self.give_back(list(self._delivered))
        self._delivered.clear()
        return []

    def let_go(self) -> None:
        """Hold no message any more: those that run are held by who runs them."""
        self._delivered.clear()
        self._dirty.clear()

    def restore_visible(self, *args: object, **kwargs: object) -> None:
        """The keeper's thread sweeps; kombu's timers have nothing to do."""
