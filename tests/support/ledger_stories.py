"""Messages for tests: told as the ways in tell them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from agents.ledger.services import keeping
from agents.ledger.values import Event, Fault, Kind, Source, micros, told
from core import clock


def event(message_id: str, kind: Kind, attempt: int = 0, ago: float = 0, **more: Any) -> Event:
    """So many seconds ago."""
    fields: dict[str, Any] = {
        "id": f"{message_id}-{kind}-{attempt}-{more.get('redrive', 0)}",
        "environment": "production",
        "queue": "extract",
        "broker": "main",
        "sender": "classify",
        "source": Source.LIBRARY,
    }
    at = clock.now() - timedelta(seconds=ago)
    return Event(kind=kind, at=at, message_id=message_id, attempt=attempt, **fields | more)


def keep(*events: Event, arrived: datetime | None = None) -> None:
    """They arrive when they happened, unless it is said when."""
    keeping.keep([told(each, micros(arrived or each.at)) for each in events])


def by(agent: str, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"agent": agent, "instance": f"{agent}-{number}", "version": "1.8.2", "host": "node-3"} | more


TIMEOUT = Fault(
    class_="transient", reason="exception", type="TimeoutError", message="no answer from the bank"
)
REFUSED = Fault(class_="permanent", reason="exception", type="ValueError", message="card refused")


def journey() -> None:
    """A workflow of three messages: the first done, the second retried and dead, redriven and done, a third waits."""
    run: dict[str, Any] = {"trace_id": "ab" * 16, "workflow": "invoices", "conversation_id": "talk-1"}
    first: dict[str, Any] = {**run}
    second: dict[str, Any] = {**run, "parent_id": "inv-1", "queue": "pay", "sender": "extract"}
    keep(
        event("inv-1", Kind.SENT, ago=900, **first),
        event("inv-1", Kind.RUNNING, 1, 898, **by("extract", **first)),
        event("inv-1", Kind.SUCCEEDED, 1, 896, duration_ms=2013.0, **by("extract", **first)),
        event("pay-1", Kind.SENT, ago=896, **second),
        event("pay-1", Kind.RUNNING, 1, 890, **by("payments", **second)),
        event("pay-1", Kind.RETRYING, 1, 880, error=TIMEOUT, duration_ms=9_900, **by("payments", **second)),
        event("pay-1", Kind.RUNNING, 2, 860, **by("payments", 1, **second)),
        event("pay-1", Kind.DEAD, 2, 859, error=REFUSED, duration_ms=700, **by("payments", 1, **second)),
        event("pay-1", Kind.SENT, 0, 600, redrive=1, **{**second, "source": Source.POSTROOM}),
        event("pay-1", Kind.RUNNING, 1, 598, redrive=1, **by("payments", **second)),
        event("pay-1", Kind.SUCCEEDED, 1, 596, redrive=1, duration_ms=1_800, **by("payments", **second)),
        event(
            "mail-1",
            Kind.SENT,
            ago=596,
            **{**run, "parent_id": "pay-1", "queue": "mail", "sender": "payments"},
        ),
    )


def crowd() -> None:
    """One in every state, of several agents."""
    for number, kind in enumerate(Kind):
        sent = event(f"crowd-{kind}", Kind.SENT, ago=300 + number)
        error = {"error": REFUSED} if kind in {Kind.DEAD, Kind.REFUSED, Kind.RETRYING} else {}
        more: dict[str, Any] = by("extract") | error
        if kind is Kind.RETRYING:
            more["due"] = clock.now() + timedelta(minutes=3)
        attempt = 0 if kind in {Kind.SENT, Kind.WAITING} else 1
        keep(sent, event(f"crowd-{kind}", kind, attempt, 200 + number, **more))
    keep(event("asks", Kind.WAITING, 1, 60, waits_for="input-required", **by("planner", queue="")))
    keep(
        event(
            "lost-1",
            Kind.RETRYING,
            1,
            9_000,
            due=clock.now() - timedelta(hours=2),
            error=TIMEOUT,
            **by("extract"),
        )
    )
    keep(
        event("seen-1", Kind.RUNNING, 1, 30, **by("books", source=Source.CELERY, sender="", task="shop.book"))
    )
    ahead = event("skewed-1", Kind.RUNNING, 1, -40, **by("extract"))
    keep(ahead, arrived=clock.now())
