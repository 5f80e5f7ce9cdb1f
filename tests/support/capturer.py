"""Captures from a broker, and is killed where it is told to; then again, until the last captures all that is left.

    python -m tests.support.capturer NAME=URL QUEUE [before-ack:BATCHES | after-ack:BATCHES] …

Each capture is a process of its own (forked, for starting one takes seconds). Prints what the last one settled.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
from agents.deadletters.services import capture
from agents.deadletters.services.capture import Capture
from core.brokers.api import BrokerUrl, Delivery, Stream

capture.BATCH = 10


def die_at(stream: Stream, where: str, batches: int) -> None:
    """Kill this process at its so-many-th batch, as hard as can be."""
    done, left = stream.done, [batches]

    def dying(deliveries: Sequence[Delivery]) -> None:
        left[0] -= 1
        if not left[0] and where == "before-ack":
            os.kill(os.getpid(), signal.SIGKILL)
        done(deliveries)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    stream.done = dying  # type: ignore[method-assign]


def capture_all(broker: BrokerUrl, queue: str, where: str = "", batches: int = 1) -> int:
    capturing = Capture(broker, queue)
    if where:
        die_at(capturing._stream, where, batches)
    settled = 0
    while step := capturing.step(0.5):
        settled += step
    capturing.close()
    return settled


def main(at: str, queue: str, *deaths: str) -> None:
    name, _, url = at.partition("=")
    broker = BrokerUrl(name, url)
    for each in deaths:
        where, _, batches = each.partition(":")
        if (child := os.fork()) == 0:
            capture_all(broker, queue, where, int(batches))
            os._exit(3)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"{each} did not come to pass"
    print(capture_all(broker, queue))


if __name__ == "__main__":
    main(*sys.argv[1:])
