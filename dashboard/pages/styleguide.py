"""Every token, component and state on one page, for those who build pages. Only with POSTROOM_DEBUG.

The rows below are samples for looking at, and say so by standing here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents.operations.values import Guard, GuardKind, Standing
from core import clock
from core.access.api import Decision, Permission
from core.access.routes import requires
from dashboard.pages.ladder import Rung
from dashboard.pages.plan import Shown

TOKENS = (
    *("canvas", "surface", "raised", "sunken", "hover", "line", "line-strong", "control-line"),
    *("text", "text-2", "text-3", "accent", "accent-soft", "accent-fill"),
    *("ok", "ok-soft", "warn", "warn-soft", "bad", "bad-soft", "unknown", "unknown-soft"),
    *("paused", "paused-soft", "tint"),
)
TALLY = {
    "processed": 26,
    "failed_same": 2,
    "failed_new": 1,
    "left_out": 4,
    "dispatched": 5,
    "waiting": 20,
    "unknown": 2,
}
RUNGS = (
    Rung(1, "done", "done"),
    Rung(5, "done", "done"),
    Rung(25, "here", "4 of 25 known"),
    Rung(None, "ahead", ""),
)
SEEN = ({"says": "payments-0 said so", "age_s": 4, "link": ""},)
GUARDS = (
    Shown(
        Guard(
            GuardKind.VERSION_RUNS,
            Standing.WARN,
            "payments still runs 1.8.2, the version that failed",
            60,
            60,
            SEEN,
        ),
        left_out=False,
        fixed=False,
        toggle="#guards",
    ),
    Shown(
        Guard(
            GuardKind.TOOL_SUCCEEDED,
            Standing.WARN,
            "4 letters: a tool call succeeded before the failure",
            4,
            60,
        ),
        left_out=True,
        fixed=False,
        toggle="#guards",
    ),
    Shown(
        Guard(GuardKind.NO_CONSUMER, Standing.OK, "2 consumers live"), left_out=False, fixed=False, toggle=""
    ),
)
DENIED = Decision(False, "ana has no role with the right to purge.", Permission.PURGE)


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the sample table."""

    name: str
    state: str
    word: str
    since: datetime
    rate: int
    p95: float
    id: str
    selected: bool = False


@requires(Permission.SEE)
@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    return render(
        request,
        "pages/styleguide.html",
        {
            "tokens": TOKENS,
            "moment": now - timedelta(minutes=4),
            "rows": _samples(now),
            "parts": TALLY,
            "rungs": RUNGS,
            "guards": GUARDS,
            "denied": DENIED,
        },
    )


def _samples(now: datetime) -> list[Sample]:
    states = (("ok", "up"), ("warn", "late"), ("bad", "down"), ("unknown", "unknown"), ("paused", "paused"))
    names = ("classify", "extract", "a-very-long-agent-name-that-somebody-chose", "store", "summarise")
    return [
        Sample(
            name,
            state,
            word,
            now - timedelta(minutes=7**place),
            4_812 // (place + 1),
            3.1,
            f"01936c2e-77d1-7c3a-9f8e-2b6a4d1e9f{place}a",
            place in {1, 3},
        )
        for place, (name, (state, word)) in enumerate(zip(names, states, strict=True))
    ]
