"""Letters as a file, JSON lines or CSV: of what one may export, sent piece by piece while it is read.

Rows are as lists have them; JSON lines may hold what letters carry beside, masked where one may not read payloads. Each
portion is asked for after the last letter of the one before, when the client has taken that: so memory stays flat,
nothing is held open, and the first lines leave at once. The trail says what was asked for before anything is read, and
how many left when it is over, or when the client went away.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from agents.deadletters import selectors
from agents.deadletters.models import Letter, StoredContents
from agents.deadletters.seal import SealError
from agents.deadletters.selectors import Filter
from agents.deadletters.showing import Eyes
from core import clock
from core.access.api import Permission, Subject
from core.access.audit.api import Action, Target
from core.access.services import Actor
from dashboard.api.letters_shapes import row, text_of
from dashboard.api.paging import beyond

# More than this is asked for in parts: by time, by queue.
MOST = 1_000_000
CHUNK = 64 * 1024
# So many letters are read at once; bodies are opened so many at a time.
PORTION, OPENED = 1_000, 50
TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
# Some spreadsheets look past white space, and take the wide forms of the signs too.
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LEFT_OUT = ("failure", "attempts", "headers")
ON = Target("letters", "", "letters")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be in the file. Contents are only for JSON lines: a table has no place for them."""

    letters: Filter
    kind: str = "jsonl"
    contents: bool = False


class Export:
    """Begun, and noted in the trail with this filter. Raises QueryRefusedError."""

    def __init__(self, wanted: Wanted, actor: Actor, noted: Mapping[str, Any]) -> None:
        self._wanted, self._actor = wanted, actor
        self._asked: dict[str, Any] = {"filter": dict(noted), "format": wanted.kind}
        if wanted.contents:
            self._asked["contents"] = True
        seen = selectors.seen_by(actor.subject, Permission.EXPORT)
        self._rows = seen.filter(selectors.letters(wanted.letters, actor.subject))
        with transaction.atomic():
            actor.record(Action.LETTERS_EXPORTED, ON, after=self._asked)

    def parts(self) -> Generator[bytes, None, None]:
        """The file. Whoever stops in the middle closes it, and what had left by then is noted."""
        number, whole = 0, False
        put = as_csv() if self._wanted.kind == "csv" else as_line
        found = _shown(portions(self._rows), self._actor.subject, self._wanted.contents)
        ready: list[bytes] = []
        size = 0
        try:
            for each in found:
                ready.append(put(each))
                size += len(ready[-1])
                number += 1
                if size >= CHUNK:
                    yield b"".join(ready)
                    ready, size = [], 0
            yield b"".join(ready)
            whole = True
        finally:
            self._note(number, whole=whole)

    def _note(self, number: int, *, whole: bool) -> None:
        after = self._asked | {"number": number, "whole": whole}
        with transaction.atomic():
            self._actor.record(Action.LETTERS_EXPORT_ENDED, ON, after=after)


def answer(request: HttpRequest, export: Export, kind: str) -> StreamingHttpResponse:
    """The file, a piece at a time."""
    # A server that waits for nobody reads asynchronously; any other reads it as it comes.
    parts = export.parts()
    found = StreamingHttpResponse(
        _aside(parts) if isinstance(request, ASGIRequest) else parts, content_type=TYPES[kind]
    )
    name = f"letters-{clock.now():%Y%m%d-%H%M%S}.{kind}"
    found["Content-Disposition"] = f'attachment; filename="{name}"'
    found["Cache-Control"] = "no-store"
    return found


async def _aside(parts: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    next_ = sync_to_async(lambda: next(parts, None))
    try:
        while (part := await next_()) is not None:
            yield part
    finally:
        await sync_to_async(parts.close)()


def portions(rows: QuerySet[Letter]) -> Iterator[list[Letter]]:
    """The newest first, each portion after the last letter of the one before."""
    left, after = MOST, Q()
    while some := list(rows.filter(after).order_by(*selectors.NEWEST)[: min(PORTION, left)]):
        yield some
        left -= len(some)
        after = beyond(selectors.NEWEST, (some[-1].last_died_at, some[-1].pk))
        if len(some) < PORTION or not left:
            return


# ---- Rows ------------------------------------------------------------------------------------------------------
def _shown(found: Iterable[list[Letter]], subject: Subject, contents: bool) -> Iterator[dict[str, Any]]:
    eyes = Eyes(subject)
    for portion in found:
        for start in range(0, len(portion), OPENED):
            some = portion[start : start + OPENED]
            stored = selectors.last_stored([each.pk for each in some]) if contents else {}
            for letter in some:
                masked = eyes.look(letter)
                more = _carried(stored.get(letter.pk), masked) if contents else {}
                yield row(letter) | more


def _carried(stored: StoredContents | None, masked: bool) -> dict[str, Any]:
    """Headers, properties, attempts and body; what was erased, is sealed, or cannot be masked is null."""
    nothing = {"masked": masked, "headers": None, "properties": None, "attempts": None}
    nothing |= {"body": None, "body_base64": None}
    if stored is None:
        return nothing
    try:
        contents = selectors.opened(stored)
    except SealError:
        return nothing
    shown = selectors.masked(contents) if masked else contents
    if shown is None:
        return nothing
    text = text_of(shown.body)
    return {
        "masked": masked,
        "headers": shown.headers,
        "properties": shown.properties,
        "attempts": list(shown.attempts),
        "body": text,
        "body_base64": base64.b64encode(shown.body).decode() if text is None else None,
    }


# ---- Writing ---------------------------------------------------------------------------------------------------
def as_line(shown: dict[str, Any]) -> bytes:
    return json.dumps(shown, ensure_ascii=False, default=str).encode() + b"\n"


def as_csv() -> Callable[[dict[str, Any]], bytes]:
    """The first row names the columns."""
    text = io.StringIO(newline="")
    writer: csv.DictWriter[str] = csv.DictWriter(text, [])

    def put(shown: dict[str, Any]) -> bytes:
        flat = _flat(shown)
        if not writer.fieldnames:
            writer.fieldnames = list(flat)
            writer.writeheader()
        writer.writerow(flat)
        written = text.getvalue().encode()
        text.seek(0)
        text.truncate()
        return written

    return put


def _flat(shown: dict[str, Any]) -> dict[str, Any]:
    """One column each. A spreadsheet takes what begins like a formula for one: such text gets a quote before it."""
    failure = {f"failure_{name}": value for name, value in shown["failure"].items()}
    plain = {name: value for name, value in shown.items() if name not in LEFT_OUT}
    return {name: _harmless(value) for name, value in (plain | failure).items()}


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and (value.lstrip() != value or value.startswith(FORMULAS)):
        return f"'{value}"
    return value
