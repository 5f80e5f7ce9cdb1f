"""A look into a queue. Where it counts as a delivery it is written into the trail before it is done."""

from __future__ import annotations

from django.db import transaction

from agents.queues.api import PeekCountsError
from agents.queues.opening import opened
from agents.queues.selectors import place_of
from agents.queues.values import QueueState, Waiting
from core.access.api import Permission, require
from core.access.audit.api import Action, Target
from core.access.services import Actor
from core.brokers.api import BrokerError, find

__all__ = ["PeekCountsError", "look", "text_of"]

MOST_SHOWN = 4_000


def look(
    queue: QueueState, limit: int, actor: Actor, *, knowing_that_it_counts: bool = False
) -> list[Waiting]:
    """The messages that are taken next. Raises BrokerError, and PeekCountsError where only who knows may look."""
    place = place_of(queue)
    require(actor.subject, Permission.SEE, place)
    url = find(queue.broker)
    if url is None:
        raise BrokerError(f"{queue.broker} is not among POSTROOM_BROKERS any more.")
    with opened(url) as there:
        if not there.peeks_in_place and knowing_that_it_counts:
            # Whoever lets messages be delivered once more may be the one who empties a queue with a limit of that.
            require(actor.subject, Permission.MOVE, place)
            with transaction.atomic():
                target = Target("queue", f"{queue.broker}/{queue.name}", queue.name, place)
                actor.record(Action.QUEUE_PEEKED, target, after={"at_most": limit})
        return list(there.peek(queue.name, limit, knowing_that_it_counts=knowing_that_it_counts))


def text_of(body: bytes) -> str:
    """As much of a body as a page shows."""
    text = body[: 4 * MOST_SHOWN].decode(errors="replace")
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
