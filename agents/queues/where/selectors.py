"""What is known of an id: the messages that it may mean, each with its answer, and the run around one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

import msgspec

from agents.ledger import selectors as ledger
from agents.ledger.models import MessageRow
from agents.ledger.values import UNDER_WAY, Fault, moment
from agents.queues.stuck import words
from agents.queues.stuck.looking import Seen, several
from agents.queues.stuck.values import Evidence, Kind, Verdict
from agents.queues.where.telling import Known, tell
from agents.queues.where.values import Answer, Custody, Hop
from core import clock
from core.access.api import Subject

# So many messages of one trace or conversation are judged; the others are only named.
MOST = 60
MARKS = {"succeeded": "done", "dead": "failed", "refused": "failed", "expired": "failed", "lost": "failed"}

_decode = msgspec.json.Decoder(Fault).decode


def messages(subject: Subject, id: str, environment: str = "") -> list[MessageRow]:
    """Those that an id means: message or task, trace, conversation; a business id that messages carry as theirs."""
    rows = ledger.by_id(subject, id.strip())
    if environment:
        rows = rows.filter(environment=environment)
    return list(rows[:MOST])


def answers(rows: Sequence[MessageRow], custody: Mapping[int, Custody]) -> list[Answer]:
    """Each message's answer, those that need somebody first. `custody`: letters by the message's number."""
    now = clock.now()
    states = ledger.shown_states(rows)
    seen = several(rows, now)
    found = [
        tell(_known(row, state, seen[row.pk]), custody.get(row.pk))
        for row, state in zip(rows, states, strict=True)
    ]
    return sorted(found, key=_urgency)


def _urgency(answer: Answer) -> tuple[int, float]:
    """What is stuck by itself before what only waits for that."""
    if answer.verdict is not None:
        return (-1 if answer.verdict is not Verdict.BLOCKED_DOWNSTREAM else 0, -answer.age_s)
    if answer.place.kind in {"letters", "unknown"}:
        return (1, answer.age_s)
    return (2, -answer.age_s) if answer.place.kind != "over" else (3, answer.age_s)


def _known(row: MessageRow, state: str, seen: Seen) -> Known:
    now = clock.now()
    return Known(
        message_id=row.message_id,
        environment=row.environment,
        state=state,
        since=moment(row.since) or now,
        now=now,
        broker=row.broker,
        queue=row.queue,
        agent=row.agent,
        instance=row.instance,
        error=_error(row),
        waits_for=row.waits_for,
        settled=row.settled,
        attempt=row.attempt,
        link=link(row),
        judgement=seen.judgement,
        evidence=_facts(row, seen),
    )


def _facts(row: MessageRow, seen: Seen) -> tuple[Evidence, ...]:
    """What there is to see of a message that needs no verdict."""
    heard = moment(row.heard)
    age = (clock.now() - heard).total_seconds() if heard else None
    told = Evidence(Kind.LEDGER, f"last told of: {row.state}", age, "events", link(row))
    if seen.node is None:
        return (told,)
    facts = seen.node.facts
    found = [words.of_ledger(facts)]
    found += [words.of_queue(facts.figures)] if facts.figures else []
    holders = (facts.holder,) if facts.holder else facts.takers[:2]
    found += [fact for each in holders for fact in words.of_instance(each)]
    return tuple(found)


def run(subject: Subject, row: MessageRow) -> list[Hop]:
    """What led to it, itself, and what it led to, in order."""
    before, after = ledger.way_to(subject, row), ledger.caused_by(subject, row)
    rows = [*before, row, *after]
    return [
        _hop(each, state, "here" if each.pk == row.pk and row.state in UNDER_WAY else "")
        for each, state in zip(rows, ledger.shown_states(rows), strict=True)
    ]


def _hop(row: MessageRow, state: str, mark: str) -> Hop:
    found = mark or MARKS.get(state, "next")
    return Hop(row.message_id, row.environment, row.sender, row.queue, row.agent, state, found)


def link(row: MessageRow) -> str:
    return f"/messages/one/{quote(row.message_id, safe='')}?{urlencode({'of': row.environment})}"


def _error(row: MessageRow) -> str:
    found = _decode(row.error) if row.error else Fault()
    return ": ".join(part for part in (found.type, found.message) if part)[:300]
