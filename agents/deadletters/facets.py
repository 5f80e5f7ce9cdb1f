"""What matching letters are made of: the most frequent values of their columns, each a way to narrow the search.

Only the newest matches are looked at, and the answer says so: over a million rows it stays as quick. Where even these
are too dear to find, the answer says that instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from agents.deadletters import bounded, searching
from agents.deadletters.bounded import TooDearError
from agents.deadletters.models import Letter
from agents.deadletters.selectors import NEWEST

LOOKED_AT, VALUES = 3_000, 8
MOST_SUGGESTED = 20
# A page has 200 ms for everything.
SECONDS = 0.15
# The name in a search, and the column.
COLUMNS: Mapping[str, str] = {
    "error": "failure_type",
    "state": "state",
    "queue": "queue",
    "agent": "agent",
    "version": "version",
    "environment": "environment",
    "class": "failure_class",
    "reason": "failure_reason",
    "workflow": "workflow",
    "broker": "broker",
}


@dataclass(frozen=True, slots=True)
class Facet:
    """A column with its most frequent values. `more`: how many others there are."""

    name: str
    values: Sequence[tuple[str, int]]
    more: int

    @property
    def title(self) -> str:
        return self.name.capitalize()

    @property
    def tells(self) -> bool:
        """A column of one value narrows nothing."""
        return len(self.values) > 1


@dataclass(frozen=True, slots=True)
class Facets:
    """Of how many letters, and whether these are all that match. `dear`: they were not counted, it takes too long."""

    looked_at: int = 0
    whole: bool = False
    facets: Sequence[Facet] = ()
    dear: bool = False


def of(rows: QuerySet[Letter], names: Sequence[str] = tuple(COLUMNS)) -> Facets:
    """Raises QueryRefusedError where the rows' search cannot be read."""
    columns = [COLUMNS[name] for name in names]
    newest = rows.order_by(*NEWEST).values_list(*columns)[:LOOKED_AT]
    try:
        found = bounded.within(SECONDS, lambda: list(newest))
    except TooDearError:
        return Facets(dear=True)
    return Facets(len(found), len(found) < LOOKED_AT, counted(found, names))


def counted(rows: Sequence[tuple[str, ...]], names: Sequence[str]) -> list[Facet]:
    """Pure; in the names' order."""
    found = []
    for place, name in enumerate(names):
        values = Counter(row[place] for row in rows if row[place])
        found.append(Facet(name, values.most_common(VALUES), max(0, len(values) - VALUES)))
    return found


def suggest(rows: QuerySet[Letter], typed: str) -> list[tuple[str, str]]:
    """What may stand for the term that a search ends with, and what it means: names of fields, or values among the
    newest of these letters."""
    term = typed.rsplit(maxsplit=1)[-1] if typed and not typed[-1].isspace() else ""
    name, colon, begun = term.partition(":")
    if not colon:
        known = [*searching.TEXTS, *searching.NUMBERS, "group", "since", "until"]
        return [(f"{each}:", "a field") for each in known if each.startswith(term.lower())]
    if name not in COLUMNS:
        return []
    newest = rows.order_by(*NEWEST).values_list(COLUMNS[name], flat=True)[:LOOKED_AT]
    try:
        values = Counter(bounded.within(SECONDS, lambda: list(newest)))
    except TooDearError:
        return []
    fitting = [
        (searching.term(name, value), f"{number:,} letters")
        for value, number in values.most_common()
        if value and value.lower().startswith(begun.strip('"').lower())
    ]
    return fitting[:MOST_SUGGESTED]
