"""Letters as a file, JSON lines or CSV: of what one may export, written down piece by piece, noted in the trail.

Rows are as lists have them; JSON lines may hold what letters carry beside, masked where one may not read payloads. The
file is whole before it is sent, so memory stays flat and the trail says how many there were.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
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

# More than this is asked for in parts: by time, by queue.
MOST = 100_000
CHUNK = 64 * 1024
# Bodies are opened so many at a time.
PORTION = 50
TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
# Some spreadsheets look past white space, and take the wide forms of the signs too.
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LEFT_OUT = ("failure", "attempts", "headers")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be in the file. Contents are only for JSON lines: a table has no place for them."""

    letters: Filter
    kind: str = "jsonl"
    contents: bool = False


def file_of(wanted: Wanted, actor: Actor, noted: Mapping[str, Any]) -> IO[bytes]:
    """Written, and noted in the trail with this filter; whoever has it closes it. Raises QueryRefusedError."""
    subject = actor.subject
    rows = selectors.seen_by(subject, Permission.EXPORT).filter(selectors.letters(wanted.letters, subject))
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the answer
    newest = rows.order_by(*selectors.NEWEST)[:MOST].iterator(chunk_size=1_000)
    number = write(file, wanted.kind, _shown(newest, subject, wanted.contents))
    after = {"filter": dict(noted), "format": wanted.kind, "number": number}
    if wanted.contents:
        after["contents"] = True
    with transaction.atomic():
        actor.record(Action.LETTERS_EXPORTED, Target("letters", "", "letters"), after=after)
    return file


def write(file: IO[bytes], kind: str, rows: Iterable[dict[str, Any]]) -> int:
    """All of them; how many there were."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    put = _as_csv(text) if kind == "csv" else _as_lines(text)
    number = 0
    for each in rows:
        put(each)
        number += 1
    text.detach()
    file.seek(0)
    return number


def answer(request: HttpRequest, file: IO[bytes], kind: str) -> StreamingHttpResponse:
    """The file, a piece at a time."""
    # A server that waits for nobody reads asynchronously; any other reads it as it comes.
    parts = _read_aside(file) if isinstance(request, ASGIRequest) else _read(file)
    found = StreamingHttpResponse(parts, content_type=TYPES[kind])
    name = f"letters-{clock.now():%Y%m%d-%H%M%S}.{kind}"
    found["Content-Disposition"] = f'attachment; filename="{name}"'
    found["Cache-Control"] = "no-store"
    return found


# ---- Rows ------------------------------------------------------------------------------------------------------
def _shown(letters: Iterable[Letter], subject: Subject, contents: bool) -> Iterator[dict[str, Any]]:
    eyes = Eyes(subject)
    rest = iter(letters)
    while some := list(islice(rest, PORTION)):
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
def _as_lines(text: IO[str]) -> Callable[[dict[str, Any]], object]:
    return lambda shown: text.write(json.dumps(shown, ensure_ascii=False, default=str) + "\n")


def _as_csv(text: IO[str]) -> Callable[[dict[str, Any]], object]:
    """The first row names the columns."""
    writer: csv.DictWriter[str] = csv.DictWriter(text, [])

    def put(shown: dict[str, Any]) -> None:
        flat = _flat(shown)
        if not writer.fieldnames:
            writer.fieldnames = list(flat)
            writer.writeheader()
        writer.writerow(flat)

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


# ---- Sending ---------------------------------------------------------------------------------------------------
def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(CHUNK):
            yield part


async def _read_aside(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while part := await sync_to_async(file.read)(CHUNK):
            yield part
    finally:
        file.close()
