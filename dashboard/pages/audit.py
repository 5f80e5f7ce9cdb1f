"""Audit: who did what, on what, and why? And does the trail still hold?"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from core import clock
from core.access.api import Permission, Subject
from core.access.audit import selectors
from core.access.audit.api import Action
from core.access.audit.models import Entry, Verification
from core.access.audit.verify import period_s
from core.access.routes import requires
from dashboard.api import paging
from dashboard.api.problems import ProblemError
from dashboard.pages import frame

TEXTS = ("who", "action", "on", "q")
TIMES = ("since", "until")
# Past this many periods without a verification, the last one says nothing about now.
STALE_AFTER = 3
ANY_TIME = "1970-01-01"


@requires(Permission.READ_AUDIT)
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    wanted, problems = read_filter(request)
    context = {
        "wanted": {name: request.GET.get(name, "") for name in (*TEXTS, *TIMES)},
        "problems": problems,
        "filtered": any(request.GET.get(name) for name in (*TEXTS, *TIMES)),
        "in_range": not any(request.GET.get(name) for name in TIMES),
        "any_time": ANY_TIME,
        "actions": [str(action) for action in Action],
        "page": None if problems else _page(request, wanted, problems),
        "curl_path": f"{reverse('api-audit')}?{urlencode(_as_query(wanted))}",
        "command": _command(wanted),
        **_verification(),
    }
    return render(request, "pages/audit.html", context, status=400 if problems else 200)


@requires(Permission.READ_AUDIT)
@require_safe
def entry(request: HttpRequest, sequence: int) -> HttpResponse:
    visible = Entry.objects.filter(selectors.visible(frame.subject_of(request)))
    found = visible.filter(sequence=sequence).first()
    if found is None:
        raise Http404
    context = {
        "entry": found,
        "changes": differences(selectors.parsed(found.before), selectors.parsed(found.after)),
        "newer": visible.filter(sequence__gt=sequence).order_by("sequence").first(),
        "older": visible.filter(sequence__lt=sequence).order_by("-sequence").first(),
        "curl_path": reverse("api-audit-entry", args=[found.id]),
        **_verification(),
    }
    return render(request, "pages/audit_entry.html", context)


# ---- What is asked for -----------------------------------------------------------------------------------------
def read_filter(request: HttpRequest) -> tuple[selectors.Filter, dict[str, str]]:
    """The filter in the address, and what is wrong with it by field. Without times of its own, the frame's range."""
    moments: dict[str, datetime] = {}
    problems: dict[str, str] = {}
    for name in TIMES:
        try:
            if given := request.GET.get(name):
                moments[name] = clock.parse(given)
        except ValueError as problem:
            problems[name] = f"{problem}."
    if not any(request.GET.get(name) for name in TIMES):
        moments["since"] = clock.now() - frame.range_of(request).length
    texts = {name: request.GET.get(name, "").strip() for name in TEXTS}
    wanted = selectors.Filter(
        **texts,
        environment=frame.environment_of(request),
        since=moments.get("since"),
        until=moments.get("until"),
    )
    return wanted, problems


def _page(
    request: HttpRequest, wanted: selectors.Filter, problems: dict[str, str]
) -> paging.Page[Entry] | None:
    subject: Subject = frame.subject_of(request)
    rows = selectors.entries(wanted).filter(selectors.visible(subject))
    try:
        return paging.page(request, rows, ("-sequence",))
    except ProblemError as refused:
        problems["cursor"] = refused.problem.detail
        return None


def _as_query(wanted: selectors.Filter) -> dict[str, str]:
    return {
        name: clock.rfc3339(value) if isinstance(value, datetime) else value
        for name, value in asdict(wanted).items()
        if value
    }


def _command(wanted: selectors.Filter) -> str:
    given = [f"--{name} {shlex.quote(value)}" for name, value in _as_query(wanted).items()]
    return " ".join(["manage.py audit export", *given])


# ---- Does it hold? ---------------------------------------------------------------------------------------------
def _verification() -> dict[str, Any]:
    last = selectors.latest_verification()
    return {"verification": last, "trust": trust(last, clock.now())}


def trust(last: Verification | None, now: datetime) -> str:
    """ok, bad, or unknown when it is long ago: a verification says nothing of what came after it."""
    if last is None:
        return "unknown"
    if not last.holds:
        return "bad"
    fresh = (now - last.at).total_seconds() < STALE_AFTER * period_s(last.took_ms)
    return "ok" if fresh else "unknown"


# ---- Before and after ------------------------------------------------------------------------------------------
class Kind(StrEnum):
    """What became of a field."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Change:
    """A field before and after, as text; empty where it was not there."""

    name: str
    kind: Kind
    before: str = ""
    after: str = ""


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    """Every field of either, what changed first."""
    old, new = before or {}, after or {}
    changes = [_change(name, old, new) for name in sorted({*old, *new})]
    return sorted(changes, key=lambda change: change.kind is Kind.SAME)


def _change(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    if name not in old:
        return Change(name, Kind.ADDED, after=_text(new[name]))
    if name not in new:
        return Change(name, Kind.REMOVED, before=_text(old[name]))
    kind = Kind.SAME if old[name] == new[name] else Kind.CHANGED
    return Change(name, kind, _text(old[name]), _text(new[name]))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
