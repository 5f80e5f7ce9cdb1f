"""Letters as a file, JSON lines or CSV: with the right to export, of what one may export, and noted in the trail.

Rows as lists have them, without what the letters carry. The file is written whole before it is sent, so memory stays
flat and the trail says how many there were.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_POST

from agents.deadletters import selectors
from agents.deadletters.models import Letter
from core import clock
from core.access.api import Permission
from core.access.audit.api import Action, Target
from core.access.routes import requires
from core.access.services import of_request
from dashboard.api.letters_shapes import row
from dashboard.pages import frame
from dashboard.pages.letters_asked import as_query, wanted_by

# More than this is asked for in parts: by time, by queue.
MOST = 100_000
CHUNK = 64 * 1024
TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
LEFT_OUT = ("failure", "attempts", "headers")


@requires(Permission.EXPORT)
@require_POST
def export(request: HttpRequest) -> StreamingHttpResponse:
    """What the list in the address shows, all pages of it."""
    wanted = wanted_by(request)
    kind = request.POST.get("format", "jsonl") if request.POST.get("format") in TYPES else "jsonl"
    subject = frame.subject_of(request)
    rows = selectors.seen_by(subject, Permission.EXPORT).filter(selectors.letters(wanted, subject))
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the answer
    number = write(file, kind, rows.order_by(*selectors.NEWEST)[:MOST].iterator(chunk_size=1_000))
    with transaction.atomic():
        after = {"filter": as_query(wanted), "format": kind, "number": number}
        of_request(request).record(Action.LETTERS_EXPORTED, Target("letters", "", "letters"), after=after)
    return _answer(request, file, kind)


def write(file: IO[bytes], kind: str, rows: Iterable[Letter]) -> int:
    """All of them; how many there were."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    put = _as_csv(text) if kind == "csv" else _as_lines(text)
    number = 0
    for each in rows:
        put(row(each))
        number += 1
    text.detach()
    file.seek(0)
    return number


def _as_lines(text: IO[str]) -> Callable[[dict[str, Any]], object]:
    return lambda shown: text.write(json.dumps(shown, ensure_ascii=False) + "\n")


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
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _answer(request: HttpRequest, file: IO[bytes], kind: str) -> StreamingHttpResponse:
    # A server that waits for nobody reads asynchronously; any other reads it as it comes.
    parts = _read_aside(file) if isinstance(request, ASGIRequest) else _read(file)
    answer = StreamingHttpResponse(parts, content_type=TYPES[kind])
    name = f"letters-{clock.now():%Y%m%d-%H%M%S}.{kind}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


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
