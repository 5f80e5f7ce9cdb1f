"""A settlement as the arguments of the script that carries it out. Pure, but for the tag that a retry gets."""

from __future__ import annotations

import json
import secrets
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kombu.utils.json import dumps

from postroom.delivery.api import Delivery, Settlement
from postroom.delivery.redis import keys

# As kombu's Redis transport has them unless its options say otherwise.
PRIORITY_STEPS: Final = (0, 3, 6, 9)
SEPARATOR: Final = "\x06\x16"

ListOf = Callable[[str, Mapping[str, Any]], str]


class Call(NamedTuple):
    """What `scripts.SETTLE` is called with."""

    keys: list[str]
    arguments: list[Any]


def list_of(
    queue: str,
    message: Mapping[str, Any],
    steps: Sequence[int] = PRIORITY_STEPS,
    separator: str = SEPARATOR,
) -> str:
    """The list that kombu keeps messages of this priority in."""
    priority = message.get("properties", {}).get("priority") or 0
    step = steps[bisect(steps, min(max(int(priority), 0), 9)) - 1]
    return f"{queue}{separator}{step}" if step else queue


def call(delivery: Delivery, settlement: Settlement, place: ListOf = list_of) -> Call:
    """One call for all of it."""
    done = settlement.done
    arguments = [
        delivery.tag if settlement.acknowledge else "",
        keys.SETTLED_SECONDS,
        settlement.letter or "",
        done.result if done else "",
        max(int(done.keep * 1000), 1) if done else 0,
        *_retry(delivery, settlement, place),
        delivery.message_id,
        *settlement.events,
    ]
    return Call(_keys(delivery, settlement), arguments)


def _retry(delivery: Delivery, settlement: Settlement, place: ListOf) -> tuple[str, float, str]:
    if settlement.retry is None:
        return "", 0, ""
    message = settlement.retry.message
    waiting = [dumps(message), delivery.queue, place(delivery.queue, message)]
    return secrets.token_hex(12), settlement.retry.after, json.dumps(waiting)


def _keys(delivery: Delivery, settlement: Settlement) -> list[str]:
    own = [keys.UNACKED, keys.UNACKED_DUE, keys.DELAYED, keys.DELAYED_MESSAGES, keys.EVENTS, keys.LETTERS]
    record = settlement.done.key if settlement.done else ""
    return [*own, keys.SETTLED + delivery.tag, record, keys.SLOTS + delivery.queue]
