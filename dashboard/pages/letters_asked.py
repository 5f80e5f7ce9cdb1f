"""Which letters the address of the list asks for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from agents.deadletters import searching
from agents.deadletters.selectors import Filter
from agents.deadletters.values import State
from dashboard.pages import frame

# What wants somebody is shown first; every other state is a click away.
USUAL = State.HELD
TEXTS = ("q", "queue", "agent", "broker", "error", "group")


def wanted_by(request: HttpRequest) -> Filter:
    """The filter in the address. No time range: what waits for somebody waits however old it is."""
    asked = request.GET.get("state") or str(USUAL)
    state = asked if asked in {*State} else ""
    texts: dict[str, Any] = {name: request.GET.get(name, "").strip()[:300] for name in TEXTS}
    texts["q"] = searching.readable(texts["q"])
    return Filter(state=state, environment=frame.environment_of(request), **texts)


def as_query(wanted: Filter) -> dict[str, str]:
    names = ("state", "environment", *TEXTS)
    return {name: value for name in names if (value := getattr(wanted, name))}
