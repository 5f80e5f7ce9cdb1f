"""The sender of the drill `flood`, as fast as it may.

python -m postroom.drills.flood_source COUNT LIMIT [slots|depth]
"""

from __future__ import annotations

import os
import sys
import time
from typing import Literal, cast

from postroom import Agent
from postroom.backpressure.throttle import Throttle
from postroom.drills.notes import note


def main(count: int, limit: int, by: Literal["slots", "depth"]) -> None:
    throttle = Throttle(limit, timeout=None, by=by, broker_url=os.environ["POSTROOM_BROKER_URL"])
    source = Agent("source", handler=lambda message: None, hooks=[throttle])
    for number in range(count):
        _send(source, number)
        if number % 1_000 == 0:
            note("sent", number)
    note("sent", count)
    note("all-sent", count)


def _send(source: Agent, number: int) -> None:
    """Until the broker has it."""
    while True:
        try:
            source.send_message(
                "flood", {"number": number}, message_id=f"00000000-0000-7000-9000-{number:012d}"
            )
        except Exception as problem:
            note("sent-again", number, type(problem).__name__)
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), cast("Literal['slots', 'depth']", sys.argv[3]))
