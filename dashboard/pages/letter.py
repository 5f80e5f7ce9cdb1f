"""One letter: why it died, what was tried, what it carries, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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
from agents.deadletters.values import Contents
from agents.ledger import selectors as ledger
from core import clock
from core.access.api import Permission, Subject, may
from core.access.routes import requires
from dashboard.api.letters_shapes import text_of
from dashboard.pages import frame

# More of a body than this is read with a program.
MOST_SHOWN = 64 * 1024


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt as the page shows it; whatever the sender left out is empty."""

    said: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.said.get(name)

    @property
    def started(self) -> datetime | None:
        return _moment(self.said.get("started_at"))

    @property
    def cls(self) -> str:
        return str(self.said.get("class") or "")

    @property
    def error(self) -> str:
        return ": ".join(str(self.said[name]) for name in ("type", "message") if self.said.get(name))

    @property
    def took(self) -> float | None:
        """In milliseconds; None where nobody measured."""
        value = self.said.get("duration_ms")
        return float(value) if isinstance(value, int | float) else None


@dataclass(frozen=True, slots=True)
class Body:
    """As much of it as a page takes: indented when it is JSON, text when it is text, else hex."""

    text: str
    kind: str
    cut: bool


@requires(Permission.SEE)
@require_safe
def letter(request: HttpRequest, id: UUID) -> HttpResponse:
    subject = frame.subject_of(request)
    row = selectors.one(subject, id)
    if row is None:
        raise Http404
    payloads = may(subject, Permission.READ_PAYLOADS, row.place)
    contents, sealed = _contents(row)
    shown = contents if payloads else None
    context = {
        "letter": row,
        "deaths": selectors.deaths_of(row),
        "changes": selectors.changes_of(row),
        "attempts": [Try(each) for each in contents.attempts] if contents else [],
        "payloads": payloads,
        "sealed": sealed,
        "erased": contents is None and not sealed,
        "head": _head(shown) if shown else [],
        "body": body(shown.body) if shown else None,
        "api_path": reverse("api-letter", args=(row.pk,)),
        "body_path": reverse("api-letter-body", args=(row.pk,)),
        "message_url": _message_url(subject, row),
        "same_url": f"{reverse('letters')}?{urlencode({'error': row.failure_type, 'queue': row.queue})}",
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
        return Body(json.dumps(json.loads(text), indent=2, ensure_ascii=False)[:MOST_SHOWN], "JSON", cut)
    except (ValueError, RecursionError):
        return Body(text[:MOST_SHOWN], "text", cut)


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


def _message_url(subject: Subject, row: Letter) -> str:
    """Empty where the ledger does not know it: an agent may hand over letters and tell of nothing else."""
    if not row.message_id or ledger.of_id(subject, row.message_id, row.environment) is None:
        return ""
    path = reverse("messages-message", args=(row.message_id,))
    return f"{path}?{urlencode({'of': row.environment})}"


def _moment(value: Any) -> datetime | None:
    try:
        return clock.parse(value) if isinstance(value, str) and value else None
    except ValueError:
        return None
