"""One writer of the audit benchmark: `python -m tests.bench.audit_writes trail|bare NAME COUNT`.

Says `ready`, waits for a line, writes, and says the seconds. `bare` is the floor: the same rows into the same table
and indexes, one insert a commit, by the driver alone: no chain, no head, no checkpoint, no ORM.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from django.db import connection  # noqa: E402

from core import clock  # noqa: E402
from core.access.audit import chain  # noqa: E402
from core.access.audit.api import Action, record  # noqa: E402
from tests.support.trail import ANA, ROLE  # noqa: E402

BEFORE, AFTER = {"state": "held", "count": 60}, {"state": "purged", "count": 60}
COLUMNS = (*chain.ENTRY_FIELDS, "hash")


def trail(name: str, number: int) -> None:
    why = f"{name} {number}"
    record(Action.AGENT_REPORTED, by=ANA, on=ROLE, source="192.0.2.7", why=why, before=BEFORE, after=AFTER)


def bare(name: str) -> Callable[[str, int], None]:
    """Numbers of its own for each writer, so that they do not meet."""
    first = int(name) * 10_000_000
    marks = ",".join(["?" if connection.vendor == "sqlite" else "%s"] * len(COLUMNS))
    statement = f"INSERT INTO audit_entry ({','.join(COLUMNS)}) VALUES ({marks})"
    connection.ensure_connection()
    driver: Any = connection.connection
    begin = "BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN"

    def write(name: str, number: int) -> None:
        driver.execute(begin)
        driver.execute(statement, _row(first + number))
        driver.execute("COMMIT")

    return write


def _row(sequence: int) -> tuple[Any, ...]:
    sqlite = connection.vendor == "sqlite"
    values: dict[str, Any] = {
        "sequence": sequence,
        "id": uuid.uuid4().hex if sqlite else uuid.uuid4(),
        "segment": "2026-11",
        "at": str(clock.now()) if sqlite else clock.now(),
        "action": str(Action.AGENT_REPORTED),
        "by_kind": "person",
        "by_id": ANA.id,
        "by_name": ANA.name,
        "by_via": ANA.via,
        "on_kind": ROLE.kind,
        "on_id": ROLE.id,
        "on_name": ROLE.name,
        "environment": ROLE.place.environment,
        "queue": ROLE.place.queue,
        "agent": ROLE.place.agent,
        "source": "192.0.2.7",
        "why": f"writer {sequence}",
        "before": '{"count":60,"state":"held"}',
        "after": '{"count":60,"state":"purged"}',
        "previous": "0" * 64,
        "hash": "0" * 64,
    }
    return tuple(values[name] for name in COLUMNS)


def main(what: str, name: str, count: int) -> None:
    write = trail if what == "trail" else bare(name)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for number in range(count):
        write(name, number)
    print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
