"""Drill `bare`: the drill `orders` with Celery alone, on Redis. It promises nothing: it shows what is lost without us.

The same shop, the same kills and outages, and the settings that Celery's own documentation advises for work that must
not be lost. A refused card raises, as in the other drill: Celery keeps no letter of it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import redis

from postroom.drills import bare_agent, crashes
from postroom.drills.children import Child
from postroom.drills.figures import Verdict, at_least, told
from postroom.drills.orders import (
    SETTLE_SECONDS,
    WORKERS,
    Books,
    Send,
    Shop,
    Trouble,
    break_things,
    is_refused,
    order_id,
)
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import NeverCameError, until

# Celery's own transport notes what it handed out here.
HANDED_OUT = "unacked"
# Once nothing moves for as long, nothing will: what is to come back is back after a third of it.
STILL_SECONDS = 3.0 * bare_agent.VISIBLE_AGAIN_SECONDS


def play(scene: Scene, verdict: Verdict) -> None:
    books, count = Books(scene.folder), scene.size.count
    workers = [_worker(scene, number) for number in range(WORKERS)]
    # There is no letter, and so no window between a letter and its acknowledgement.
    chance = random.Random(4711)  # noqa: S311
    trouble = Trouble(scene, workers, chance, (crashes.CLAIMED, crashes.EFFECT))
    shop, progress = Shop(_through(scene.broker.plain), count, books.count), scene.progress("bare", count)
    shop.start()
    break_things(trouble, shop, books, progress)
    _settle(trouble, shop, books, scene.broker.plain)
    progress.close()
    _tell(verdict, count, books)
    verdict.add(at_least("workers killed", trouble.kills, scene.size["kills"]))
    verdict.add(*(told(name, times) for name, times in sorted(trouble.done.items())))


def _worker(scene: Scene, number: int) -> Child:
    name = f"bare-{number}"
    options = ("--concurrency=2", "--loglevel=warning", "-n", f"{name}@drill", "-Q", bare_agent.QUEUE)
    command = ("-m", "celery", "-A", "postroom.drills.bare_agent", "worker", *options)
    return scene.children.python(name, *command, DRILL_PLAIN_BROKER=scene.broker.plain)


def _through(broker: str) -> Send:
    bare_agent.app.conf.update(broker_url=broker)

    def send(order: dict[str, str], id: str) -> None:
        bare_agent.app.send_task("book", kwargs=order, task_id=id, retry=False)

    return send


def _settle(trouble: Trouble, shop: Shop, books: Books, broker: str) -> None:
    """Until all was sent and nothing has moved for long enough: on the broker, in a worker's hand, in the books."""
    trouble.revive()
    still = _Still(lambda: (shop.sent, books.count(), *_on_broker(broker)))
    try:
        until(
            lambda: shop.sent == shop.count and still(), "nothing to move any more", SETTLE_SECONDS, every=0.5
        )
    except NeverCameError:
        return


class _Still:
    """Whether a value stayed the same for long enough."""

    def __init__(self, value: Callable[[], object]) -> None:
        self._value, self._last, self._since = value, value(), time.monotonic()

    def __call__(self) -> bool:
        now = self._value()
        if now != self._last:
            self._last, self._since = now, time.monotonic()
        return time.monotonic() - self._since > STILL_SECONDS


def _on_broker(broker: str) -> tuple[int, int]:
    with redis.Redis.from_url(broker) as client:
        return client.llen(bare_agent.QUEUE), client.hlen(HANDED_OUT)


def _tell(verdict: Verdict, count: int, books: Books) -> None:
    times = books.times()
    good = [order_id(number) for number in range(count) if not is_refused(number)]
    verdict.add(
        told("orders", count),
        told("booked", sum(order in times for order in good)),
        told("good orders lost: booked nowhere, on no queue", sum(order not in times for order in good)),
        told("booked twice or more", sum(times[order] > 1 for order in good)),
        told("refused cards of which nothing is left", count - len(good)),
    )


DRILL = Drill(
    "bare",
    "the drill orders with Celery alone: what is lost, and what is done twice",
    play,
    small=Size("small", 1_000, {"kills": 8, "outages": 1}),
    full=Size("full", 10_000, {"kills": 50, "outages": 5}),
)
