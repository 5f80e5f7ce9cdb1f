"""What travels about messages: the shapes of requests and answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from rest_framework import serializers

from agents.ledger import values
from agents.ledger.attempts import Attempt
from agents.ledger.models import Gap, MessageRow
from agents.ledger.selectors import Wanted, is_observed_only
from agents.ledger.values import BIT, STATES, Fault, Kind, Settled, Source, Told
from core import clock
from dashboard.api import query

KINDS = [str(kind) for kind in Kind]
SOURCES = [str(source) for source in Source]
# A clock that is off by less is no news.
NOTABLE_US = 2_000_000
SETTLED = ["", *map(str, Settled)]
LONGEST_AGE_S = 400 * 24 * 60 * 60
OBSERVED_ONLY = "observed only: cannot be redriven, the body was never seen"


class MessageFilters(query.Filters):
    """Which messages; all of it must fit."""

    state = serializers.ChoiceField(list(STATES), required=False)
    queue = serializers.CharField(required=False)
    agent = serializers.CharField(required=False)
    environment = serializers.CharField(required=False)
    workflow = serializers.CharField(required=False)
    trace = serializers.CharField(required=False, help_text="A trace id in hex.")
    conversation = serializers.CharField(required=False)
    sender = serializers.CharField(required=False)
    broker = serializers.CharField(required=False)
    since = query.UtcTime(required=False, help_text="Heard of since then, by Postroom's clock.")
    until = query.UtcTime(required=False)
    age = serializers.IntegerField(
        required=False, min_value=0, max_value=LONGEST_AGE_S, help_text="Seconds in its state, at least."
    )
    q = serializers.CharField(
        required=False, max_length=300, help_text="An id, or a part of a name or of an error."
    )


def wanted(given: dict[str, Any]) -> Wanted:
    """The filters as the ledger knows them."""
    names = ("queue", "agent", "environment", "workflow", "sender", "broker")
    same = {name: given.get(name, "") for name in names}
    same |= {"trace_id": given.get("trace", "").lower(), "conversation_id": given.get("conversation", "")}
    age = timedelta(seconds=given["age"]) if "age" in given else None
    times = {"since": given.get("since"), "until": given.get("until")}
    return Wanted(state=given.get("state", ""), same=same, age=age, q=given.get("q", ""), **times)


# ---- Answers ---------------------------------------------------------------------------------------------------
FaultShape = type(
    "FailureShape",
    (serializers.Serializer,),
    {
        "__doc__": "Why an attempt failed.",
        **{name: serializers.CharField() for name in ("class", "reason", "type", "message")},
    },
)


class MessageShape(serializers.Serializer[Any]):
    """A message as its events tell it. `agent` and `instance` are who handles it, empty while nobody does."""

    id = serializers.CharField()
    environment = serializers.CharField()
    state = serializers.ChoiceField(
        list(STATES), help_text="`lost` follows from the clock: there should be evidence, and there is none."
    )
    since = query.UtcTime(help_text="By the clock of whoever told it.")
    settled = serializers.ChoiceField(
        SETTLED,
        help_text="How Postroom came to the state after a redrive of which nobody told the end: by a person (`hand`), "
        "since it left its queue (`left_queue`), or since its letter came into custody again (`event`); `unknown`: "
        "nothing says what became of it, and the state is the last one that is known.",
    )
    broker = serializers.CharField()
    queue = serializers.CharField()
    agent = serializers.CharField()
    instance = serializers.CharField()
    version = serializers.CharField()
    host = serializers.CharField()
    sender = serializers.CharField()
    task = serializers.CharField()
    workflow = serializers.CharField()
    trace_id = serializers.CharField()
    span_id = serializers.CharField()
    conversation_id = serializers.CharField()
    parent_id = serializers.CharField(help_text="The message that caused this one.")
    attempt = serializers.IntegerField(help_text="0 before the first.")
    redrives = serializers.IntegerField()
    waits_for = serializers.CharField(help_text="`input-required`, `auth-required`, or nothing.")
    due = query.UtcTime(allow_null=True)
    deadline = query.UtcTime(allow_null=True)
    error = FaultShape(allow_null=True)
    sources = serializers.ListField(child=serializers.ChoiceField(SOURCES))
    observed_only = serializers.BooleanField(
        help_text="Known only from those who look on: it cannot be redriven, the body was never seen."
    )
    clock_ahead_ms = serializers.IntegerField(
        allow_null=True,
        help_text="By how much a teller's clock runs ahead of ours, where that is worth knowing.",
    )
    first_seen = query.UtcTime()
    last_seen = query.UtcTime()
    heard_at = query.UtcTime(help_text="When the last news arrived, by Postroom's clock.")


class HistoryShape(serializers.Serializer[Any]):
    """One event. `at` is its teller's clock, `arrived_at` ours."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(KINDS)
    at = query.UtcTime()
    arrived_at = query.UtcTime()
    source = serializers.ChoiceField(SOURCES)  # type: ignore[assignment]
    attempt = serializers.IntegerField()
    redrive = serializers.IntegerField()
    agent = serializers.CharField()
    instance = serializers.CharField()
    version = serializers.CharField()
    host = serializers.CharField()
    queue = serializers.CharField()
    duration_ms = serializers.FloatField(allow_null=True)
    waits_for = serializers.CharField()
    due = query.UtcTime(allow_null=True)
    error = FaultShape(allow_null=True)
    settled = serializers.ChoiceField(SETTLED, help_text="What Postroom concluded, and by what.")
    by = serializers.CharField(help_text="Who settled it.")
    why = serializers.CharField()


class AttemptShape(serializers.Serializer[Any]):
    redrive = serializers.IntegerField()
    number = serializers.IntegerField()
    outcome = serializers.ChoiceField(KINDS)
    agent = serializers.CharField()
    instance = serializers.CharField()
    version = serializers.CharField()
    host = serializers.CharField()
    started_at = query.UtcTime(allow_null=True)
    ended_at = query.UtcTime(allow_null=True)
    duration_ms = serializers.FloatField(allow_null=True)
    error = FaultShape(allow_null=True)


class GapShape(serializers.Serializer[Any]):
    broker = serializers.CharField()
    since = query.UtcTime()
    until = query.UtcTime()


class OneMessageShape(MessageShape):
    """A message with its whole way."""

    history = HistoryShape(many=True)
    attempts = AttemptShape(many=True)
    led_to = serializers.ListField(
        child=serializers.CharField(), help_text="Messages that led to it, first first."
    )
    caused = serializers.ListField(child=serializers.CharField(), help_text="Messages that it led to.")
    may_have_missed = GapShape(many=True)


def message(row: MessageRow, state: str) -> dict[str, Any]:
    names = (
        "environment", "broker", "queue", "agent", "instance", "version", "host", "sender", "task", "workflow",
        "trace_id", "span_id", "conversation_id", "parent_id", "attempt", "waits_for", "settled",
    )  # fmt: skip
    return {
        "id": row.message_id,
        "state": state,
        "since": time(row.since),
        **{name: getattr(row, name) for name in names},
        "redrives": row.redrive,
        "due": time(row.due),
        "deadline": time(row.deadline),
        "error": fault_of(row.error),
        "sources": sources(row.sources),
        "observed_only": is_observed_only(row),
        "clock_ahead_ms": ahead_ms(row),
        "first_seen": time(row.first_seen),
        "last_seen": time(row.last_seen),
        "heard_at": time(row.heard),
    }


def event(each: Told) -> dict[str, Any]:
    said = each.event
    names = (
        "id",
        "attempt",
        "redrive",
        "agent",
        "instance",
        "version",
        "host",
        "queue",
        "duration_ms",
        "waits_for",
        "settled",
        "by",
        "why",
    )
    return {
        **{name: getattr(said, name) for name in names},
        "kind": str(said.kind),
        "source": str(said.source),
        "at": time(each.at),
        "arrived_at": time(each.arrived),
        "due": clock.rfc3339(said.due) if said.due else None,
        "error": _fault(said.error),
    }


def attempt(each: Attempt) -> dict[str, Any]:
    names = ("redrive", "number", "outcome", "agent", "instance", "version", "host")
    return {
        **{name: getattr(each, name) for name in names},
        "started_at": time(each.started),
        "ended_at": time(each.ended),
        "duration_ms": each.lasted_ms,
        "error": _fault(each.error),
    }


def gap(each: Gap) -> dict[str, Any]:
    return {"broker": each.broker, "since": clock.rfc3339(each.since), "until": clock.rfc3339(each.until)}


def sources(bits: int) -> list[str]:
    return [str(source) for source, bit in BIT.items() if bits & bit]


def ahead_ms(row: MessageRow) -> int | None:
    return row.ahead // 1000 if row.ahead >= NOTABLE_US else None


def fault_of(text: str) -> dict[str, str] | None:
    """A row's error, which it keeps as JSON."""
    return _fault(msgspec.json.decode(text, type=Fault)) if text else None


def time(stamp: int) -> str | None:
    moment = values.moment(stamp)
    return clock.rfc3339(moment) if moment else None


def ids(rows: Iterable[MessageRow]) -> list[str]:
    return [row.message_id for row in rows]


def _fault(error: Fault | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"class": error.class_, "reason": error.reason, "type": error.type, "message": error.message}
