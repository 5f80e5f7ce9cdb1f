"""What others ask of the ledger: messages within what they may see, a message's history, and how well it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from agents.ledger import table
from agents.ledger.absence import absence
from agents.ledger.fold import in_order
from agents.ledger.models import Ear, Gap, MessageRow
from agents.ledger.values import LOST, ONLOOKERS, Event, Told, micros
from core import clock
from core.access.api import Permission, Place, Subject
from core.access.scoping import visible

MOST_HOPS = 30
MOST_RELATED = 200
# Found by their beginning or a part, where no id is exactly so.
PARTS = ("agent", "queue", "sender", "task", "workflow", "instance", "error")
IDS = ("message_id", "trace_id", "conversation_id")
SAME = ("queue", "agent", "environment", "workflow", "sender", "broker", "trace_id", "conversation_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages. Empty: any."""

    state: str = ""
    # Exactly so: `queue`, `agent`, `environment`, `workflow`, `sender`, `broker`, `trace_id`, `conversation_id`.
    same: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    # In this state for as long, at least.
    age: timedelta | None = None
    q: str = ""


def seen_by(subject: Subject) -> QuerySet[MessageRow]:
    """The messages that the subject may see: by their handler, or by their sender."""
    wanted = Q(pk__in=())
    for agent in ("agent", "sender"):
        condition = visible(subject, Permission.SEE, environment="environment", queue="queue", agent=agent)
        if not condition:
            return MessageRow.objects.all()
        wanted |= condition
    return MessageRow.objects.filter(wanted)


def find(subject: Subject, wanted: Wanted) -> QuerySet[MessageRow]:
    """Messages that fit, in no order yet."""
    rows = seen_by(subject).filter(**{name: value for name, value in wanted.same.items() if value})
    if wanted.state:
        rows = rows.filter(_in_state(wanted.state))
    if wanted.since:
        rows = rows.filter(heard__gte=micros(wanted.since))
    if wanted.until:
        rows = rows.filter(heard__lt=micros(wanted.until))
    if wanted.age is not None:
        rows = rows.filter(since__lte=micros(clock.now() - wanted.age))
    return _named(rows, wanted.q.strip()) if wanted.q.strip() else rows


def counts(rows: QuerySet[MessageRow]) -> Counter[str]:
    """How many in each state; the lost ones apart from the state that they are known to have been in."""
    found = _by_state(rows)
    lost = _by_state(rows.filter(absence(clock.now()).condition()))
    found.subtract(lost)
    found[LOST] = lost.total()
    return found


def shown_states(rows: Sequence[MessageRow]) -> list[str]:
    """The state of each as it is shown: `lost` where evidence is missing."""
    missing = absence(clock.now())
    return [missing.state(row.state, row.environment, row.instance, row.due, row.heard) for row in rows]


def of_id(subject: Subject, message_id: str, environment: str = "") -> MessageRow | None:
    """The message of this id. In several environments: the one that was heard of last."""
    rows = seen_by(subject).filter(message_id=message_id)
    if environment:
        rows = rows.filter(environment=environment)
    return rows.order_by("-heard").first()


def by_id(subject: Subject, id: str) -> QuerySet[MessageRow]:
    """Every message that this is the id of, or the trace or the conversation; the last heard of first."""
    return seen_by(subject).filter(_exactly(id)).order_by("-heard")


def history(row: MessageRow) -> list[Told]:
    """Every event of a message, in the order that its state follows from."""
    return in_order(table.events_of([row.pk]).get(row.pk, []))


def settlement(row: MessageRow, history: Sequence[Told]) -> Event | None:
    """What Postroom concluded of it, where nobody else had the last word."""
    found = [each.event for each in history if each.event.settles]
    return found[-1] if row.settled and found else None


def way_to(subject: Subject, row: MessageRow) -> list[MessageRow]:
    """The messages that led to this one, the first first."""
    found: list[MessageRow] = []
    met, parent = {row.message_id}, row.parent_id
    while parent and parent not in met and len(found) < MOST_HOPS:
        met.add(parent)
        above = of_id(subject, parent, row.environment)
        if above is None:
            break
        found.insert(0, above)
        parent = above.parent_id
    return found


def caused_by(subject: Subject, row: MessageRow) -> list[MessageRow]:
    """The messages that this one led to."""
    rows = seen_by(subject).filter(parent_id=row.message_id, environment=row.environment)
    return list(rows.order_by("first_seen")[:MOST_RELATED])


def beside(subject: Subject, row: MessageRow) -> list[MessageRow]:
    """The other messages of its trace, by time; without a trace, of its conversation."""
    same = {"trace_id": row.trace_id} if row.trace_id else {"conversation_id": row.conversation_id}
    if not all(same.values()):
        return []
    rows = seen_by(subject).filter(environment=row.environment, **same).exclude(pk=row.pk)
    return list(rows.order_by("first_seen")[:MOST_RELATED])


def states_by_trace(subject: Subject, trace_ids: Collection[str]) -> dict[str, Counter[str]]:
    """How many messages of each trace are in each state. A trace of which no message is known has no entry."""
    rows = seen_by(subject).filter(trace_id__in=trace_ids).values_list("trace_id", "state")
    found: dict[str, Counter[str]] = {}
    for trace_id, state, number in rows.annotate(number=Count("pk")):
        found.setdefault(trace_id, Counter())[state] = number
    return found


def ears() -> list[Ear]:
    return list(Ear.objects.order_by("broker", "way"))


def gaps(since: datetime, until: datetime | None = None, broker: str = "") -> list[Gap]:
    """When nobody listened to what nobody keeps, within this time."""
    found = Gap.objects.filter(until__gte=since, since__lt=until or clock.now())
    if broker:
        found = found.filter(broker=broker)
    return list(found.order_by("-until")[:100])


def place_of(row: MessageRow) -> Place:
    return Place(row.environment, row.queue or None, row.agent or None)


def is_observed_only(row: MessageRow) -> bool:
    """Known only from those who look on: its body was never seen, so it cannot be redriven."""
    return not row.sources & ~int(ONLOOKERS)


def _in_state(state: str) -> Q:
    lost = absence(clock.now()).condition()
    return lost if state == LOST else Q(state=state) & ~lost


def _by_state(rows: QuerySet[MessageRow]) -> Counter[str]:
    grouped = rows.order_by().values_list("state").annotate(number=Count("pk"))
    return Counter(dict(grouped))


def _named(rows: QuerySet[MessageRow], q: str) -> QuerySet[MessageRow]:
    """An id that is exactly so, where there is one; else whatever has it as a part."""
    found = rows.filter(_exactly(q))
    if found.exists():
        return found
    part = Q(message_id__startswith=q)
    for name in PARTS:
        part |= Q(**{f"{name}__icontains": q})
    return rows.filter(part)


def _exactly(id: str) -> Q:
    found = Q(message_id=id)
    for name in IDS[1:]:
        found |= Q(**{name: id})
    return found
