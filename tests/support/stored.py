"""What the store holds: `python -m tests.support.stored spans|logs|stats`, one line for each span or record."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
import json

from agents.spans import services
from agents.spans.api import Query


def spans() -> None:
    store, cursor, more = services.store(), "", True
    while more:
        rows, cursor, more = store.read_since(cursor)
        for span in rows:
            print(f"{span.trace_id.hex()}/{span.span_id.hex()}")


def logs() -> None:
    store, cursor, more = services.store(), "", True
    while more:
        rows, cursor, more = store.tail_logs(cursor, Query())
        for record in rows:
            print(record.body)


def stats() -> None:
    found = services.store().stats()
    print(json.dumps({"spans": found.spans, "logs": found.logs, "size": found.size}))


if __name__ == "__main__":
    {"spans": spans, "logs": logs, "stats": stats}[sys.argv[1]]()
