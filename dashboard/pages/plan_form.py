"""A plan's options as the fields of a form, and back; and which letters a form means. Pure.

What a form cannot say (an edit) is kept from the plan that it changes. Names and values of options are those of the
API, so a refusal names what programs would read too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import QueryDict

from agents.operations.options import FOLLOW, FULL, OFF, OptionRefusedError, Options
from agents.operations.values import Selection

FIXED = "fixed"
FILTERS = (
    *("queue", "broker", "agent", "environment", "error", "since", "until", "q", "group", "triage"),
    *("version", "task", "workflow", "sender", "customer"),
)
SECONDS = ("delay", "jitter", "outcome_within")


def selection(data: QueryDict) -> Selection:
    """`id` (several), or `group`, or `receipt`, or `queue`; or `matching=1` with the names of filters."""
    if data.get("matching"):
        given = {name: str(data[name]) for name in FILTERS if data.get(name)}
        return Selection(filter=given, everything=not given)
    ids = tuple(UUID(each) for each in data.getlist("id") if is_id(each))
    if ids:
        return Selection(ids=ids)
    messages = tuple(each for each in data.getlist("message") if each)
    return Selection(
        group=data.get("group", ""),
        receipt=data.get("receipt", ""),
        queue=data.get("queue", ""),
        messages=messages,
    )


def options(data: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What the form asks for, with what it does not show as it was before."""
    return dict(before) | {
        "rate": _rate(data),
        "canary": _canary(str(data.get("canary", ""))),
        "halt_when": {
            "same_failure_ratio": _percent(data, "same_failure_ratio"),
            "failure_ratio": _percent(data, "failure_ratio"),
            "consumer_down": bool(data.get("consumer_down")),
            "queue_depth": _whole(data, "queue_depth"),
        },
        "target_queue": str(data.get("target_queue", "")).strip(),
        "expiry": data.get("expiry", "clear"),
        **{name: _number(data, name) for name in SECONDS if data.get(name)},
    }


def fields(how: Options) -> dict[str, Any]:
    """Options as the form shows them."""
    halt = how.halt_when
    return {
        "speed": FIXED if how.rate is not None else FOLLOW if how.follow else FULL,
        "rate": plain(how.rate) if how.rate is not None else "25",
        "canary": ", ".join(str(step) for step in how.canary),
        "same_failure_ratio": _as_percent(halt.same_failure_ratio),
        "failure_ratio": _as_percent(halt.failure_ratio),
        "consumer_down": halt.consumer_down,
        "queue_depth": "" if halt.queue_depth is None else halt.queue_depth,
        "target_queue": how.target_queue,
        "expiry": str(how.expiry),
        **{name: plain(getattr(how, name)) for name in SECONDS},
    }


def edit(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The patches of the edit form; None where both are empty."""
    patches = {part: _patch(part, str(data.get(part, ""))) for part in ("body", "headers")}
    given = {part: patch for part, patch in patches.items() if patch not in (None, [], {})}
    return given or None


def plain(value: float) -> str:
    """`25`, `0.5`."""
    return f"{value:g}"


def as_text(value: Any) -> str:
    """JSON for a form; nothing for nothing."""
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _patch(part: str, text: str) -> Any:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError as problem:
        raise OptionRefusedError(f"edit.{part}", f"it is no JSON: {problem}") from None


def _rate(data: Mapping[str, Any]) -> Any:
    speed = data.get("speed", FOLLOW)
    return _number(data, "rate") if speed == FIXED else speed


def _canary(text: str) -> Any:
    """`1, 5, 25`, in any way of writing it; nothing: no ladder."""
    words = text.replace(",", " ").replace("→", " ").split()
    if not words or words == [OFF]:
        return OFF
    return [int(word) if word.isascii() and word.isdigit() else word for word in words]


def _percent(data: Mapping[str, Any], name: str) -> float | None:
    value = _number(data, name, f"halt_when.{name}")
    return None if value is None else value / 100


def _as_percent(ratio: float | None) -> str:
    return "" if ratio is None else plain(round(ratio * 100, 6))


def _whole(data: Mapping[str, Any], name: str) -> Any:
    value = _number(data, name, f"halt_when.{name}")
    return int(value) if value is not None and value == int(value) else value


def _number(data: Mapping[str, Any], name: str, field: str = "") -> float | None:
    text = str(data.get(name, "")).strip().removesuffix("%").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise OptionRefusedError(field or name, f"{text!r} is no number") from None


def is_id(text: str) -> bool:
    """Whatever a form sends instead of one is passed over."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
