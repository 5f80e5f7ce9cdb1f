"""The nearest success: the message that went well on the letter's queue, closest in time, and what is different in it.

Of a message that went well the body is known only when it was a letter once: then it is compared too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from agents.deadletters import selectors as deadletters
from agents.deadletters.models import Letter
from agents.deadletters.seal import SealError
from agents.deadletters.values import Contents, State
from agents.ledger import selectors as ledger
from agents.ledger.models import MessageRow
from agents.ledger.values import micros
from core.access.api import Permission, Subject, may

SUCCEEDED = "succeeded"
FACTS = (
    ("version", "Version"),
    ("task", "Task"),
    ("sender", "From"),
    ("workflow", "Workflow"),
    ("agent", "Handled by"),
)
MOST_DIFFERENCES = 40
MOST_LOOKED_AT = 5_000
# Ids and times differ between any two messages.
OWN_HEADERS = ("id", "message-id", "traceparent", "tracestate", "token", "deadline", "uuid")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two do not share; empty where one of them has none."""

    name: str
    here: str
    there: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """A message that went well, and how the letter differs. `payload` is None where bodies cannot be compared."""

    message: MessageRow
    differences: list[Difference]
    letter: Letter | None = None
    payload: list[Difference] | None = None


def success(subject: Subject, letter: Letter, contents: Contents | None) -> Nearest | None:
    """None where nothing on this queue went well as far as anybody knows. `contents` only for who may read them."""
    found = _message(subject, letter)
    if found is None:
        return None
    other = _letter(subject, letter)
    payload = _payload(subject, contents, other)
    return Nearest(found, _facts(letter, found), other if payload is not None else None, payload)


def _message(subject: Subject, letter: Letter) -> MessageRow | None:
    """The last before it died; else the first after."""
    rows = ledger.seen_by(subject).filter(state=SUCCEEDED)
    died = micros(letter.last_died_at)
    found = _first(rows.filter(since__lte=died).order_by("-since"), letter)
    found = found or _first(rows.filter(since__gt=died).order_by("since"), letter)
    return MessageRow.objects.get(pk=found) if found else None


def _first(rows: QuerySet[MessageRow], letter: Letter) -> int | None:
    """The first of the letter's queue. By the time of their success alone an index finds them, and so no more than
    some are looked at: a queue where nothing goes well would have all of them read."""
    columns = ("pk", "environment", "queue", "message_id")
    for pk, environment, queue, message_id in rows.values_list(*columns)[:MOST_LOOKED_AT]:
        if (environment, queue) == (letter.environment, letter.queue) and message_id != letter.message_id:
            return int(pk)
    return None


def _letter(subject: Subject, letter: Letter) -> Letter | None:
    same = {"environment": letter.environment, "queue": letter.queue, "task": letter.task}
    rows = deadletters.seen_by(subject).filter(state=State.PROCESSED, **same).exclude(pk=letter.pk)
    return rows.order_by(*deadletters.NEWEST).first()


def _facts(letter: Letter, message: MessageRow) -> list[Difference]:
    pairs = ((title, getattr(letter, name), getattr(message, name)) for name, title in FACTS)
    return [Difference(title, here, there) for title, here, there in pairs if here != there]


def _payload(subject: Subject, contents: Contents | None, other: Letter | None) -> list[Difference] | None:
    if contents is None or other is None or not may(subject, Permission.READ_PAYLOADS, other.place):
        return None
    try:
        there = deadletters.contents_of(other)
    except SealError:
        return None
    return compared(contents, there) if there else None


def compared(here: Contents, there: Contents) -> list[Difference]:
    """Headers, then fields of the body: those with other types or missing, and plain values that differ. Pure."""
    ours, theirs = _flat_headers(here.headers), _flat_headers(there.headers)
    left, right = dict(_flat("body", _document(here.body))), dict(_flat("body", _document(there.body)))
    pairs = [*_apart(ours, theirs), *_apart(left, right)]
    return pairs[:MOST_DIFFERENCES]


def _apart(here: Mapping[str, str], there: Mapping[str, str]) -> list[Difference]:
    names = [*here, *(name for name in there if name not in here)]
    found = (Difference(name, here.get(name, ""), there.get(name, "")) for name in names)
    return [each for each in found if each.here != each.there]


def _flat_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if not name.endswith(OWN_HEADERS)}
    return dict(_flat("", kept))


def _document(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw[:200].decode(errors="replace")


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each plain value under its path: `body.order.lines[0]`."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), each)
    elif isinstance(value, list) and value:
        for place, each in enumerate(value):
            yield from _flat(f"{path}[{place}]", each)
    else:
        yield path, json.dumps(value, ensure_ascii=False)
