"""Websocket clients that follow the topology and note when each probe's node came to them.

    python -m tests.bench.latency_clients URL TOPIC COUNT

One Authorization header a line on stdin; says `ready` when all hold a snapshot; when stdin ends, prints for each
probe the moments at which the clients got it.
"""

from __future__ import annotations

import time
from typing import Any

from tests.bench import live_clients
from tests.bench.latency_spans import PROBE


class Follower(live_clients.Client):
    """Every row of a probe, the first time it is there: in a delta, or in a snapshot that stands for one."""

    def _apply(self, frame: dict[str, Any]) -> None:
        now = time.time()
        for op in frame["ops"]:
            if op["op"] == "put" and PROBE in op["id"] and op["id"] not in self.rows:
                self.tally.came.setdefault(PROBE + op["id"].rpartition(PROBE)[2], []).append(now)
        super()._apply(frame)

    def _came(self) -> None:
        """No board ticks here."""


if __name__ == "__main__":
    live_clients.main(Follower)
