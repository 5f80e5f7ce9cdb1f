"""What a notice says, to people and to programs. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.alerts.values import BY_SEVERITY, NoticeKind, Severity
from core import clock

# More than so many at once are one notice: a storm must not wake anybody a hundred times.
TOGETHER_FROM = 4
SHOWN = 10
LABELS = {NoticeKind.FIRED: "FIRING", NoticeKind.CLEARED: "over"}


@dataclass(frozen=True, slots=True)
class Told:
    """An alert, as far as a notice needs it."""

    id: str
    state: str
    severity: str
    title: str
    detail: str
    environment: str
    broker: str
    queue: str
    agent: str
    rule: str
    value: float | None
    threshold: float | None
    since: datetime
    link: str
    folded: int = 0


@dataclass(frozen=True, slots=True)
class Wording:
    """A notice's title and text for people, and its severity."""

    title: str
    text: str
    severity: str


def in_parcels(alerts: Sequence[Told]) -> list[list[Told]]:
    """One notice each, or one for all when they are many."""
    return [list(alerts)] if len(alerts) >= TOGETHER_FROM else [[alert] for alert in alerts]


def worded(kind: NoticeKind, alerts: Sequence[Told]) -> Wording:
    worst = max((alert.severity for alert in alerts), key=lambda each: BY_SEVERITY.index(Severity(each)))
    first = alerts[0]
    title = first.title if len(alerts) == 1 else f"{len(alerts)} alerts, {first.title} and others"
    lines = [line for alert in alerts[:SHOWN] for line in _lines(alert)]
    if len(alerts) > SHOWN:
        lines.append(f"and {len(alerts) - SHOWN} more")
    return Wording(f"[{LABELS[kind]}] {worst}: {title}"[:300], "\n".join(lines), worst)


def body(id: str, kind: NoticeKind, alerts: Sequence[Told], at: datetime) -> bytes:
    """The JSON that webhooks carry."""
    whole = {"id": id, "kind": kind, "at": clock.rfc3339(at), "alerts": [_shape(alert) for alert in alerts]}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _lines(alert: Told) -> list[str]:
    where = ", ".join(
        f"{name} {value}"
        for name, value in (
            ("environment", alert.environment),
            ("broker", alert.broker),
            ("queue", alert.queue),
            ("agent", alert.agent),
        )
        if value
    )
    folded = f"{alert.folded} more follow from it." if alert.folded else ""
    return [line for line in (alert.title, alert.detail, where, folded, alert.link, "") if line or line == ""]


def _shape(alert: Told) -> dict[str, Any]:
    plain = ("id", "state", "severity", "title", "detail", "environment", "broker", "queue", "agent", "rule")
    figures = {"value": alert.value, "threshold": alert.threshold, "folded": alert.folded}
    moment = {"since": clock.rfc3339(alert.since), "link": alert.link}
    return {name: getattr(alert, name) for name in plain} | figures | moment
