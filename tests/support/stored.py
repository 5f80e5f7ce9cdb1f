"""What the store holds, a line each: `python -m tests.support.stored spans|logs|stats|rows|edges`.

`rows` are the spans' columns; `edges` reads all of them into topology and says what it made of them.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
import json
from collections.abc import Iterator

from agents.spans import services
from agents.spans.api import Query
from agents.spans.values import Span
from agents.topology.models import EdgeCell, EdgeRow
from agents.topology.reader import Reader
from agents.topology.rollups import COUNTS, SKETCHES, edge_of, tally_of
from agents.topology.values import Edge, Tally

STRUCTURED = frozenset({"resource", "attributes", "events", "links"})


def everything() -> Iterator[Span]:
    store, cursor, more = services.store(), "", True
    while more:
        found, cursor, more = store.read_since(cursor)
        yield from found


def spans() -> None:
    for span in everything():
        print(f"{span.trace_id.hex()}/{span.span_id.hex()}")


def rows() -> None:
    for span in everything():
        told = {name: value for name, value in span._asdict().items() if name not in STRUCTURED}
        print(json.dumps(told, default=bytes.hex))


def edges() -> None:
    reader = Reader(services.store(), 1)
    while reader.step().spans:
        pass
    known = {row.pk: edge_of(row) for row in EdgeRow.objects.all()}
    whole: dict[Edge, Tally] = {}
    for cell in EdgeCell.objects.filter(level=1):
        whole.setdefault(known[cell.edge_id], Tally()).add(tally_of(cell))
    for edge, tally in whole.items():
        counts = {name: getattr(tally, name) for name in COUNTS}
        print(json.dumps(edge._asdict() | counts | {name: getattr(tally, name).count for name in SKETCHES}))


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
    parts = {"spans": spans, "logs": logs, "stats": stats, "rows": rows, "edges": edges}
    for part in sys.argv[1:]:
        parts[part]()
