"""What others ask: the causes that a subject may see, how fresh they are, and what is said of one message."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from agents.queues.stuck.models import OPEN, CauseChange, CauseRow, StuckLook
from agents.queues.stuck.table import HELP
from agents.queues.stuck.values import Verdict
from core import clock
from core.access.api import Permission, Place, Subject
from core.access.scoping import visible

# What the watcher found longer ago is not known to be so any more.
STALE = timedelta(seconds=10)
MOST = 500


@dataclass(frozen=True, slots=True)
class Look:
    """When the watcher looked last, and whether that is fresh enough to claim anything."""

    at: datetime | None
    fresh: bool

    @property
    def why(self) -> str:
        if self.fresh:
            return ""
        if self.at is None:
            return "the watcher has never looked"
        return f"the watcher has not looked since {self.at:%H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause as it may be claimed now: its verdict is unknown when nobody looks, whatever it was."""

    row: CauseRow
    look: Look
    now: datetime
    root: UUID | None = None

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.row.verdict) if self.look.fresh else Verdict.UNKNOWN

    @property
    def order(self) -> tuple[bool, int, str, str]:
        """What is stuck by itself first, and of those that first whose repair frees the most."""
        row = self.row
        return row.behind != "", -row.frees, clock.rfc3339(row.oldest_at), str(row.pk)

    @property
    def was(self) -> str:
        """The last verdict, while it may not be claimed."""
        return "" if self.look.fresh else self.row.verdict

    @property
    def sentence(self) -> str:
        return str(self.row.sentence) if self.look.fresh else f"{self.look.why}; before: {self.row.sentence}"

    @property
    def missing(self) -> list[str]:
        found = list(self.row.detail.get("missing", ()))
        return found if self.look.fresh else [self.look.why, *found]

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """Older by as much as passed since."""
        passed = (self.now - self.row.seen_at).total_seconds()
        return [_older(each, passed) for each in self.row.detail.get("evidence", ())]

    @property
    def ruled_out(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.row.detail.get("ruled_out", [])
        return found if self.look.fresh else []

    @property
    def message_ids(self) -> list[str]:
        found: list[str] = self.row.detail.get("message_ids", [])
        return found

    @property
    def oldest_age_s(self) -> float:
        return max(0.0, (self.now - self.row.oldest_at).total_seconds())

    @property
    def next_step(self) -> str:
        return HELP[self.verdict]

    @property
    def place(self) -> Place:
        return place_of(self.row)


def look() -> Look:
    row = StuckLook.objects.first()
    if row is None:
        return Look(None, fresh=False)
    return Look(row.at, fresh=clock.now() - row.at <= STALE)


def seen_by(subject: Subject) -> QuerySet[CauseRow]:
    allowed = visible(subject, Permission.SEE, environment="environment", queue="queue", agent="agent")
    return CauseRow.objects.filter(allowed)


def causes(subject: Subject, environment: str = "", **same: str) -> list[Cause]:
    """Open causes, that first whose repair frees the most; those that follow from another one after it.
    `same`: exactly this `verdict`, `agent`, `queue` or `broker`."""
    wanted = {name: value for name, value in {"environment": environment, **same}.items() if value}
    return as_causes(seen_by(subject).filter(state=OPEN, **wanted))


def all_causes() -> list[Cause]:
    """Whoever may see them: for Postroom's own conclusions."""
    return as_causes(CauseRow.objects.filter(state=OPEN))


def as_causes(rows: QuerySet[CauseRow]) -> list[Cause]:
    found = list(rows.order_by("-frees", "oldest_at")[:MOST])
    now, seen = clock.now(), look()
    keys = {row.key: row.pk for row in CauseRow.objects.filter(state=OPEN)}
    made = [Cause(row, seen, now, keys.get(row.behind) if row.behind else None) for row in found]
    return sorted(made, key=lambda cause: cause.order)


def cause(subject: Subject, id: UUID) -> Cause | None:
    """One, open or over."""
    return next(iter(as_causes(seen_by(subject).filter(pk=id))), None)


def changes(row: CauseRow) -> list[CauseChange]:
    return list(row.changes.order_by("-at", "-pk")[:100])


def lately_over(subject: Subject, since: datetime, environment: str = "") -> list[CauseRow]:
    """Those that are over since then, the last first."""
    found = seen_by(subject).filter(~Q(state=OPEN), over_at__gte=since)
    if environment:
        found = found.filter(environment=environment)
    return list(found.order_by("-over_at")[:20])


def by_place() -> list[tuple[Place, int]]:
    """How many causes stand for themselves, place by place."""
    rows = CauseRow.objects.filter(state=OPEN, behind="")
    found = Counter(rows.values_list("environment", "queue", "agent"))
    return [
        (Place(env, queue or None, agent or None), number) for (env, queue, agent), number in found.items()
    ]


def place_of(row: CauseRow) -> Place:
    return Place(row.environment, row.queue or None, row.agent or None)


def _older(each: dict[str, Any], passed: float) -> dict[str, Any]:
    age = each.get("age_s")
    return {**each, "age_s": None if age is None else round(age + passed, 1)}
