"""Where is it? What ledger, broker and custody say of an id together: for the page and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from agents.deadletters import selectors as custody
from agents.deadletters.models import Letter
from agents.deadletters.showing import Veil
from agents.ledger.models import MessageRow
from agents.queues.where import selectors as where
from agents.queues.where.telling import Known, tell
from agents.queues.where.values import Answer, Custody, Hop
from core import clock
from core.access.api import Subject

MOST_LETTERS = 100


@dataclass(frozen=True, slots=True)
class Found:
    """The answer that matters most, the others, and the run of the first."""

    answer: Answer
    others: tuple[Answer, ...]
    run: tuple[Hop, ...]


def ask(subject: Subject, id: str, environment: str = "") -> Found | None:
    """None: nobody knows the id, or the subject may not see what it is of."""
    wanted = id.strip()
    if not wanted or len(wanted) > 300:
        return None
    rows = where.messages(subject, wanted, environment)
    letters = _letters(subject, wanted, rows, environment)
    held = {(letter.environment, letter.message_id): _of(letter) for letter in letters}
    answers = where.answers(rows, {row.pk: found for row in rows if (found := held.get(_key(row)))})
    answers += [_alone(letter) for letter in letters if _key(letter) not in {_key(row) for row in rows}]
    if not answers:
        return None
    first, *others = answers
    row = next((each for each in rows if _key(each) == (first.environment, first.message_id)), None)
    return Found(first, tuple(others), tuple(where.run(subject, row)) if row else ())


def _key(each: MessageRow | Letter) -> tuple[str, str]:
    return (each.environment, each.message_id)


def _letters(subject: Subject, wanted: str, rows: Sequence[MessageRow], environment: str) -> list[Letter]:
    """Of this id, and of the messages that it means; of each message the last to die."""
    seen = custody.seen_by(subject)
    if environment:
        seen = seen.filter(environment=environment)
    named = seen.filter(custody.of_id(wanted))
    of_rows = seen.filter(message_id__in=[row.message_id for row in rows])
    found = [*named.order_by("last_died_at")[:MOST_LETTERS], *of_rows.order_by("last_died_at")[:MOST_LETTERS]]
    Veil().over(found)
    return list(
        {(letter.environment, letter.message_id or str(letter.pk)): letter for letter in found}.values()
    )


def _of(letter: Letter) -> Custody:
    return Custody(
        str(letter.pk), letter.state, letter.since, letter.why, reverse("letters-letter", args=(letter.pk,))
    )


def _alone(letter: Letter) -> Answer:
    """A letter of which the ledger knows no message."""
    known = Known(
        message_id=letter.message_id or str(letter.pk),
        environment=letter.environment,
        state="dead",
        since=letter.last_died_at,
        now=clock.now(),
        broker=letter.broker,
        queue=letter.queue,
        agent=letter.agent,
        attempt=letter.attempts,
    )
    return tell(known, _of(letter))
