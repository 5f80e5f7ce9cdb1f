"""What a list of letters is made of: the most frequent values of its columns, each a way to narrow it.

Only the newest matches are looked at, and the page says so: over a million rows it stays as quick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from agents.deadletters.models import Letter
from agents.deadletters.selectors import NEWEST

LOOKED_AT, VALUES = 5_000, 6
# The parameter of the address, the column, and how it reads.
COLUMNS = (("error", "failure_type", "Error"), ("queue", "queue", "Queue"), ("agent", "agent", "Agent"))


@dataclass(frozen=True, slots=True)
class Facet:
    """A column with its most frequent values. `more`: how many others there are."""

    name: str
    title: str
    values: Sequence[tuple[str, int]]
    more: int


@dataclass(frozen=True, slots=True)
class Facets:
    """All that tell something, and of how many letters."""

    looked_at: int
    whole: bool
    facets: Sequence[Facet]


def of(rows: QuerySet[Letter]) -> Facets:
    columns = [column for _, column, _ in COLUMNS]
    found = list(rows.order_by(*NEWEST).values_list(*columns)[:LOOKED_AT])
    return Facets(len(found), len(found) < LOOKED_AT, counted(found))


def counted(rows: Sequence[tuple[str, ...]]) -> list[Facet]:
    """Pure. A column of one value narrows nothing, and is not among them."""
    found = []
    for place, (name, _, title) in enumerate(COLUMNS):
        values = Counter(row[place] for row in rows if row[place])
        if len(values) > 1:
            found.append(Facet(name, title, values.most_common(VALUES), max(0, len(values) - VALUES)))
    return found
