"""One letter: why it died, what was tried, what it carries, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.deadletters import selectors
from agents.deadletters.models import Letter
from agents.deadletters.seal import SealError
from agents.deadletters.showing import Veil
from agents.deadletters.values import Contents
from agents.ledger import selectors as ledger
from agents.operations import selectors as operations
from core.access.api import Permission, Subject, may
from core.access.routes import requires
from dashboard.api.letters_shapes import text_of
from dashboard.pages import attempts, beside, doing, frame, json_tree, nearest, reveal, tracebacks
from dashboard.pages.attempts import Try
from dashboard.pages.json_tree import Node
from dashboard.pages.message import lines

# More of a body than this is read with a program.
MOST_SHOWN = 64 * 1024
MOST_OPERATIONS = 5


@dataclass(frozen=True, slots=True)
class Body:
    """As much of it as a page takes: a tree and indented when it is JSON, text when it is text, else hex."""

    text: str
    kind: str
    cut: bool
    tree: Node | None = None


@dataclass(frozen=True, slots=True)
class Traceback:
    """What an attempt ended with, folded."""

    number: Any
    whole: str
    pieces: list[tracebacks.Piece]

    @property
    def folded(self) -> int:
        return sum(piece.frames for piece in self.pieces)


@requires(Permission.SEE)
@require_safe
def letter(request: HttpRequest, id: UUID) -> HttpResponse:
    subject = frame.subject_of(request)
    row = selectors.one(subject, id)
    if row is None:
        raise Http404
    payloads = may(subject, Permission.READ_PAYLOADS, row.place)
    contents, sealed = _contents(row)
    masked = not (payloads and reveal.is_open(request, row.pk))
    shown = selectors.masked(contents) if contents and masked else contents
    deaths = selectors.deaths_of(row)
    if masked:
        Veil().over([row, *deaths])
    context = {
        "letter": row,
        "deaths": deaths,
        "changes": selectors.changes_of(row),
        "payloads": payloads,
        "masked": masked,
        "contents_there": contents is not None,
        "unreadable": contents is not None and shown is None,
        "sealed": sealed,
        "erased": contents is None and not sealed,
        "head": _head(shown) if shown else [],
        "body": body(shown.body) if shown else None,
        "as_text": request.GET.get("body") == "raw",
        "api_path": reverse("api-letter", args=(row.pk,)),
        "body_path": reverse("api-letter-body", args=(row.pk,)),
        "same_url": f"{reverse('letters')}?{urlencode({'error': row.failure_type, 'queue': row.queue})}",
        "actions": (actions := doing.offered(subject, row.state, row.place)),
        "plan_line": doing.line_of(actions[0].action, row.pk) if actions else "",
        "operations": operations.of_letter(row.pk)[:MOST_OPERATIONS],
        "nearest": nearest.success(subject, row, None if masked else contents),
        **_attempts(selectors.masked_attempts(contents) if contents and masked else _told(contents)),
        **_way(subject, row),
        **beside.of_message(subject, row.message_id, row.environment),
    }
    return render(request, "pages/letter.html", context)


def body(raw: bytes) -> Body:
    """Pure."""
    cut = len(raw) > MOST_SHOWN
    text = text_of(raw)
    if text is None:
        return Body(raw[:1024].hex(" "), "hex", len(raw) > 1024)
    try:
        # Only a whole document can be indented.
        document = json.loads(text)
        indented = json.dumps(document, indent=2, ensure_ascii=False)[:MOST_SHOWN]
        return Body(indented, "JSON", cut, json_tree.tree(document))
    except (ValueError, RecursionError):
        return Body(text[:MOST_SHOWN], "text", cut)


def _told(contents: Contents | None) -> Sequence[Mapping[str, Any]]:
    return contents.attempts if contents else ()


def _attempts(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Side by side, and the tracebacks: one that is the same as the one before stands once."""
    tries = [Try(each) for each in told]
    lines = attempts.side_by_side(tries[-attempts.MOST_SIDE_BY_SIDE :])
    return {
        "attempts": tries[-attempts.MOST_SIDE_BY_SIDE :],
        "attempts_count": len(tries),
        "lines": lines,
        "differing": attempts.differing(lines),
        "tracebacks": _tracebacks(tries),
    }


def _tracebacks(tries: list[Try]) -> list[Traceback]:
    found: list[Traceback] = []
    for place, each in enumerate(tries, 1):
        whole = str(each.traceback or "")
        if whole and not (found and found[-1].whole == whole):
            found.append(Traceback(each.number or place, whole, tracebacks.fold(whole)))
    return found


def _contents(row: Letter) -> tuple[Contents | None, str]:
    try:
        return selectors.contents_of(row), ""
    except SealError as problem:
        return None, str(problem)


def _head(contents: Contents) -> list[tuple[str, str]]:
    """Headers, then properties."""
    pairs = [*contents.headers.items(), *contents.properties.items()]
    return [(name, _as_text(value)) for name, value in pairs]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _way(subject: Subject, row: Letter) -> dict[str, Any]:
    """What led to it and what it led to; nothing where the ledger does not know it: an agent may hand over letters and
    tell of nothing else."""
    message = ledger.of_id(subject, row.message_id, row.environment) if row.message_id else None
    if message is None:
        return {"message_url": "", "before": [], "after": []}
    path = reverse("messages-message", args=(row.message_id,))
    return {
        "message_url": f"{path}?{urlencode({'of': row.environment})}",
        "before": lines(ledger.way_to(subject, message)),
        "after": lines(ledger.caused_by(subject, message)),
    }
