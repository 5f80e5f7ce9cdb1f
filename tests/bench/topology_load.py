"""What the live topic costs the web process: run by topology_draw_bench in the house that it fills.

Prints a line of JSON: milliseconds of the first load, of one with nothing new, of one after a second's worth of
spans, of one a minute later, and of working out the delta on the event loop.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from core import clock  # noqa: E402
from core.access.api import Grant, Kind, Permission, Subject  # noqa: E402
from dashboard.live.groups import Group, numbered  # noqa: E402
from dashboard.live.topology import Topology  # noqa: E402
from tests.support import topology_rows, topology_writer  # noqa: E402

T = TypeVar("T")
# At 5,000 spans a second and four readings a second.
AT_ONCE = 1_250


def timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    found = work()
    return found, round(1000 * (time.perf_counter() - began), 1)


def main() -> None:
    topic = Topology()
    state, first = timed(topic.load)
    _, nothing = timed(topic.load)
    group = Group(topic, Subject(Kind.PERSON, "1", "ana", (Grant("viewer", frozenset({Permission.SEE})),)))
    before = numbered(state, None)
    _, snapshot = timed(lambda: (group.advance(before), group.snapshot()))
    topology_rows.write(list(topology_writer.large("1000", str(AT_ONCE // 2))))
    changed, some = timed(topic.load)
    _, delta = timed(lambda: group.advance(numbered(changed, before)))
    with clock.held(clock.now() + timedelta(minutes=1)):
        _, minute = timed(topic.load)
    print(
        json.dumps(
            {
                "rows": len(state.rows), "first_ms": first, "nothing_new_ms": nothing, "some_ms": some,
                "next_minute_ms": minute, "snapshot_on_loop_ms": snapshot, "delta_on_loop_ms": delta,
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
