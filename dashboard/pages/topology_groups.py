"""What the graph is told beside its rows: which node is in which workflow, and what models cost."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from agents.prices import selectors as price_book
from agents.prices.values import Use
from agents.topology.graph import Node, NodeKind, nodes_of
from agents.topology.models import EdgeRow
from agents.topology.rollups import edge_of
from agents.topology.selectors import place_of
from agents.topology.values import MINUTE, EdgeKind, Tally
from agents.topology.workflows import selectors
from core import clock
from core.access.api import Permission, may
from dashboard.pages import frame

# What the last day saw; older members are idle and hardly in the picture.
DAY = 24 * 60
SEVERAL = "several workflows"
# So that a queue is a node even where everything arrived.
SOMETHING = Tally(calls=1, matched=1)


def workflows(request: HttpRequest) -> dict[str, str]:
    """The workflow of each node; what several go through is a group of its own."""
    subject, environment = frame.subject_of(request), frame.environment_of(request)
    until = int(clock.unix() // 60) + 1
    titles = {row.pk: selectors.title_of(row) for row in selectors.seen_by(subject, environment)}
    found: dict[str, set[str]] = {}
    for edge, ids in selectors.members(subject, until - DAY, until, environment).items():
        for node in nodes_of(edge, SOMETHING):
            found.setdefault(node.id, set()).update(titles[pk] for pk in ids)
    return {id: next(iter(names)) if len(names) == 1 else SEVERAL for id, names in found.items()}


def prices(request: HttpRequest) -> dict[str, dict[str, Any]]:
    """What a million tokens of each model cost today, where it is one price whoever provides it."""
    book = price_book.book()
    if book.is_empty:
        return {}
    today, since = clock.now().date(), int((clock.unix() - DAY * 60) * 1e9)
    subject = frame.subject_of(request)
    models = EdgeRow.objects.filter(kind=EdgeKind.MODEL, last_seen__gte=since - since % MINUTE)
    found: dict[str, set[Any]] = {}
    for edge in map(edge_of, models):
        node = Node(edge.environment, NodeKind.MODEL, edge.target)
        if not may(subject, Permission.SEE, place_of(node)):
            continue
        found.setdefault(node.id, set()).add(book.price(Use(edge.target, edge.via, today, 0, 0)))
    return {id: _price(next(iter(each))) for id, each in found.items() if len(each) == 1 and None not in each}


def _price(price: Any) -> dict[str, Any]:
    return {"input": float(price.input), "output": float(price.output), "currency": price.currency}
