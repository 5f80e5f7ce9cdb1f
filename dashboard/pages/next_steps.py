"""What rooms put among the overview's things to do: stuck messages, operations that were held up, new letters.

Each is a pure function from what was read to steps; a room adds its own here and in `of`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse

from agents.deadletters import selectors as deadletters
from agents.deadletters.values import State as LetterState
from agents.deadletters.values import short_type
from agents.operations import selectors as operations
from agents.operations.models import Operation
from agents.operations.values import State
from agents.queues.stuck import selectors as stuck
from agents.queues.stuck.selectors import Cause
from core import clock
from core.access.api import Permission, Subject, may
from dashboard import words
from dashboard.pages.todo import AT_MOST, Todo

# Letters that died longer ago are work that waits, not news.
NEW = timedelta(hours=1)
MOST_LOOKED_AT = 2_000
# Kinds of new letters with a line of their own, and agents that a line of several names.
MOST_APART, MOST_NAMED = 2, 3


@dataclass(frozen=True, slots=True)
class Dying:
    """Held letters that died lately of what looks like one cause."""

    error: str
    queue: str
    agent: str
    count: int
    first: datetime
    last: datetime
    more: bool = False

    @property
    def amount(self) -> str:
        return _amount(self.count, self.more)

    @property
    def name(self) -> str:
        return short_type(self.error) or "no error named"

    @property
    def letters(self) -> str:
        return _letters(self.count, self.more)

    @property
    def url(self) -> str:
        given = {"error": self.error, "queue": self.queue, "agent": self.agent}
        return f"{reverse('letters')}?{urlencode({name: value for name, value in given.items() if value})}"


def of(subject: Subject, environment: str, dying: Sequence[Dying]) -> tuple[Todo, ...]:
    """Everything that this person could do about it."""
    causes = [each for each in stuck.causes(subject, environment) if not each.root]
    held_up = list(operations.seen_by(subject).filter(state=State.HALTED).order_by("-since")[:AT_MOST])
    may_redrive = bool(may(subject, Permission.REDRIVE))
    return (*of_causes(causes), *of_halted(held_up), *of_letters(dying, may_redrive=may_redrive))


def dying(subject: Subject, environment: str) -> list[Dying]:
    """What died lately and waits for somebody, the most first. Looks at no more than the newest."""
    rows = deadletters.seen_by(subject).filter(state=LetterState.HELD, last_died_at__gte=clock.now() - NEW)
    if environment:
        rows = rows.filter(environment=environment)
    columns = ("failure_type", "failure_reason", "queue", "agent", "last_died_at")
    found = list(rows.order_by(*deadletters.NEWEST).values_list(*columns)[:MOST_LOOKED_AT])
    return gathered(found)


def gathered(rows: Sequence[tuple[str, str, str, str, datetime]]) -> list[Dying]:
    """Pure: one for each error, queue and agent."""
    counted: Counter[tuple[str, str, str]] = Counter()
    moments: dict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    for error, _, queue, agent, at in rows:
        counted[error, queue, agent] += 1
        moments[error, queue, agent].append(at)
    more = len(rows) >= MOST_LOOKED_AT
    return [
        Dying(*key, number, min(moments[key]), max(moments[key]), more)
        for key, number in counted.most_common()
    ]


def of_causes(causes: Iterable[Cause]) -> Iterator[Todo]:
    for cause in causes:
        row, who = cause.row, cause.row.agent or cause.row.queue
        frees = f" Mending it frees {words.number(row.frees)}." if row.frees else ""
        many = f"{words.number(row.messages)} message{'' if row.messages == 1 else 's'}"
        yield Todo(
            "unknown" if cause.verdict == "unknown" else "bad",
            cause.sentence if who in cause.sentence else f"{who}: {cause.sentence}",
            f"{cause.next_step} {many} held up.{frees}",
            row.oldest_at,
            "Why",
            reverse("stuck-cause", args=(row.pk,)),
            short=f"{many} stuck behind {who}",
            stands=(row.environment, row.agent, row.queue),
        )


def of_halted(held_up: Iterable[Operation]) -> Iterator[Todo]:
    for row in held_up:
        wait = f"{words.number(row.waiting)} of {words.number(row.selected)} wait"
        yield Todo(
            "bad",
            f"Look at {row}, which halted",
            f"{row.why.rstrip('.')}. {wait}; nothing more is sent.",
            row.since,
            "Open",
            reverse("operations-operation", args=(row.pk,)),
            short=f"{row} halted",
        )


def of_letters(dying: Sequence[Dying], *, may_redrive: bool) -> Iterator[Todo]:
    """The largest by themselves, the rest together: many small ones shall not hide what else there is to do. In the
    sentence they are one."""
    apart = dying if len(dying) <= MOST_APART else dying[: MOST_APART - 1]
    short = _together(dying)
    for each in apart:
        yield Todo(
            "warn",
            f"{each.letters}: {each.name} in {each.queue}",
            f"Given up on by {each.agent or 'an agent that nobody named'}; every one is kept. {_help(may_redrive)}",
            each.first,
            "Letters",
            each.url,
            short=short,
        )
        short = ""
    rest = dying[len(apart) :]
    if rest:
        yield Todo(
            "warn",
            _together(rest),
            f"{_named(rest)}; every one is kept. {_help(may_redrive)}",
            min(each.first for each in rest),
            "Groups",
            reverse("letters"),
        )


def _together(dying: Sequence[Dying]) -> str:
    if not dying:
        return ""
    said = _letters(sum(each.count for each in dying), any(each.more for each in dying))
    return said if len(dying) == 1 else f"{said} of {words.number(len(dying))} kinds"


def _letters(count: int, more: bool) -> str:
    plural = "" if count == 1 and not more else "s"
    return f"{_amount(count, more)} new letter{plural}"


def _amount(count: int, more: bool) -> str:
    return f"{'more than ' if more else ''}{words.number(count)}"


def _named(dying: Sequence[Dying]) -> str:
    """Whose they are, the most first."""
    who = list(dict.fromkeys(each.agent or each.queue for each in dying))
    more = f" and {len(who) - MOST_NAMED} more" if len(who) > MOST_NAMED else ""
    return f"Given up on by {', '.join(who[:MOST_NAMED])}{more}"


def _help(may_redrive: bool) -> str:
    if may_redrive:
        return "When the cause is repaired, redrive them."
    return "Somebody with the right can redrive them."
