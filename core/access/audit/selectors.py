"""Reading the trail: filters, and an entry as pages, API and exports show it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from core import clock
from core.access import scoping
from core.access.api import Permission, Subject
from core.access.audit.models import Entry, Verification
from core.databases import DEFAULT

PIECE = 2000


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; an empty field asks for nothing."""

    who: str = ""
    action: str = ""
    on: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""
    environment: str = ""


def entries(wanted: Filter) -> QuerySet[Entry]:
    """The newest first."""
    return Entry.objects.using(DEFAULT).filter(_condition(wanted)).order_by("-sequence")


def visible(subject: Subject) -> Q:
    """Entries whose place the subject may read about."""
    return scoping.visible(
        subject, Permission.READ_AUDIT, environment="environment", queue="queue", agent="agent"
    )


def latest_verification() -> Verification | None:
    return Verification.objects.using(DEFAULT).order_by("-at").first()


def oldest_first(found: QuerySet[Entry]) -> Iterator[Entry]:
    """All of a filter in the order it happened, piece by piece: no long transaction, no large list."""
    last, rows = 0, found.order_by("sequence")
    while piece := list(rows.filter(sequence__gt=last)[:PIECE]):
        yield from piece
        last = piece[-1].sequence


def as_data(entry: Entry) -> dict[str, Any]:
    """An entry as it travels. With `previous` and `hash`, whoever holds the key can check it elsewhere."""
    return {
        "id": str(entry.id),
        "sequence": entry.sequence,
        "at": clock.rfc3339(entry.at),
        "action": entry.action,
        "by": {"kind": entry.by_kind, "id": entry.by_id, "name": entry.by_name, "via": entry.by_via},
        "on": {
            "kind": entry.on_kind,
            "id": entry.on_id,
            "name": entry.on_name,
            "environment": entry.environment,
            "queue": entry.queue,
            "agent": entry.agent,
        },
        "source": entry.source,
        "why": entry.why,
        "before": parsed(entry.before),
        "after": parsed(entry.after),
        "segment": entry.segment,
        "previous": entry.previous,
        "hash": entry.hash,
    }


def parsed(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)


def _condition(wanted: Filter) -> Q:
    pairs: Iterable[tuple[str, Q]] = (
        (wanted.who, Q(by_name=wanted.who) | Q(by_id=wanted.who)),
        (wanted.action, _action(wanted.action)),
        (wanted.on, Q(on_id=wanted.on) | Q(on_name=wanted.on) | Q(on_kind=wanted.on)),
        (wanted.q, _anywhere(wanted.q)),
        (wanted.environment, Q(environment=wanted.environment)),
    )
    condition = Q()
    for given, adds in pairs:
        condition &= adds if given else Q()
    if wanted.since:
        condition &= Q(at__gte=wanted.since)
    return condition & Q(at__lt=wanted.until) if wanted.until else condition


def _action(action: str) -> Q:
    """`access.` with its dot asks for everything that begins so."""
    return Q(action__startswith=action) if action.endswith(".") else Q(action=action)


def _anywhere(text: str) -> Q:
    found = Q()
    for field in ("by_name", "on_id", "on_name", "source", "why", "before", "after"):
        found |= Q(**{f"{field}__icontains": text})
    return found
