"""How many messages a second come in and are acknowledged, beside kombu's own Redis transport in the same run.

    python -m tests.bench.transport_bench [--messages 5000] [--size 1000] [--rounds 3]

Each takes the same messages from the same private Redis, one consumer, each message acknowledged when it is handed
over: with as many open as Celery has at concurrency 4 (16), and with one. The fastest round of each counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, Final

import redis
from kombu import Connection, Consumer, Queue

import postroom.delivery.transport  # noqa: F401  makes the address known
from tests.support import servers

QUEUE: Final = "bench"
OPEN: Final = (16, 1)
# Atomic claims must not cost more than this share of the speed.
LEAST: Final = 0.8


def fill(url: str, messages: int, size: int) -> None:
    """The same waiting messages for every round."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
        with Connection(_address("kombu", url)) as connection:
            connection.Producer().publish({"text": "x" * size}, routing_key=QUEUE, declare=[Queue(QUEUE)])
        message = client.rpop(QUEUE)
        for begin in range(0, messages, 1000):
            client.lpush(QUEUE, *[message] * min(1000, messages - begin))


def rate(url: str, transport: str, messages: int, open_at_once: int) -> float:
    """Messages a second, from the first to the last acknowledgement."""
    left = messages

    def acknowledge(message: Any) -> None:
        nonlocal left
        message.ack()
        left -= 1

    with Connection(_address(transport, url)) as connection:
        channel: Any = connection.channel()
        channel.basic_qos(0, open_at_once, False)
        consumer = Consumer(channel, [Queue(QUEUE, routing_key=QUEUE)], on_message=acknowledge)
        consumer.consume()
        began = time.perf_counter()
        while left > 0:
            connection.drain_events(timeout=10)
        return messages / (time.perf_counter() - began)


def _address(transport: str, url: str) -> str:
    return f"postroom+{url}" if transport == "postroom" else f"redis+{url.replace('unix:', 'socket:')}"


def measure(url: str, given: argparse.Namespace, open_at_once: int) -> float:
    """How fast ours is, as a share of kombu's."""
    best = {"kombu": 0.0, "postroom": 0.0}
    for _ in range(given.rounds):
        for transport in ("kombu", "postroom"):
            fill(url, given.messages, given.size)
            best[transport] = max(best[transport], rate(url, transport, given.messages, open_at_once))
    ratio = best["postroom"] / best["kombu"]
    ours, theirs = best["postroom"], best["kombu"]
    print(
        f"{open_at_once} open: {ours:,.0f} messages/s, kombu's own {theirs:,.0f}/s: {ratio:.2f}", flush=True
    )
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with servers.redis_server() as url:
        ratios = [measure(url, given, open_at_once) for open_at_once in OPEN]
    good = min(ratios) >= LEAST
    print("good" if good else f"bad: below {LEAST} of kombu's own")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
