"""Heartbeats as they are sent: good ones are read, a wrong one is named with its field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.intake.decode_heartbeats import MOST, Heard, heartbeats
from agents.intake.http_items import told
from agents.intake.refusals import TooManyError, UnreadableError
from agents.intake.writers import Writer
from agents.registry.values import Heartbeat
from core.access.api import Grant, Kind, Permission, Scope, Subject

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WRITES = frozenset({Permission.WRITE_TELEMETRY})
GOOD = {"agent_id": "extract", "instance_id": "extract-0"}


def writer(scope: Scope | None = None) -> Writer:
    return Writer(
        Subject(Kind.SERVICE, "7", "exporter", (Grant("agent", WRITES, scope or Scope()),)), "default"
    )


def read(said: Any, scope: Scope | None = None) -> Heard[Heartbeat]:
    return heartbeats(json.dumps(said).encode(), writer(scope), NOON)


def test_one_heartbeat_needs_no_list() -> None:
    (beat,) = read(
        GOOD | {"load": 1, "in_flight": 3, "at": "2026-11-20T12:00:01Z", "more": "is welcome"}
    ).good
    assert (beat.agent_id, beat.environment, beat.arrived) == ("extract", "default", NOON)
    assert (beat.load, beat.in_flight, beat.at) == (1.0, 3, NOON.replace(second=1))


def test_the_environment_follows_from_the_token() -> None:
    assert read(GOOD, Scope(environment="staging")).good[0].environment == "staging"
    assert read(GOOD | {"environment": "staging"}, Scope(environment="sta*")).good[0].environment == "staging"


def test_another_environment_than_the_tokens__refused() -> None:
    heard = read(GOOD | {"environment": "production"}, Scope(environment="staging"))
    assert (heard.good, heard.wrong[0].field, heard.wrong[0].forbidden) == ((), "environment", True)
    assert told(heard).status == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent_id", ""),
        ("agent_id", None),
        ("agent_id", "x" * 301),
        ("instance_id", 7),
        ("instance_id", "a\0b"),
        ("environment", ["default"]),
        ("status", "x" * 201),
        ("version", 2.0),
        ("load", -0.1),
        ("load", "half"),
        ("load", True),
        ("in_flight", 1.5),
        ("in_flight", 2**31),
        ("at", "soon"),
        ("at", 1763640000),
    ],
)
def test_a_wrong_field__is_named_and_costs_no_other(field: str, value: Any) -> None:
    heard = read([GOOD, GOOD | {field: value}, GOOD])
    (wrong,) = heard.wrong
    assert (len(heard.good), wrong.place, wrong.field) == (2, 1, field)
    assert wrong.detail.endswith(".")
    assert field in wrong.remedy


def test_the_answer_counts_and_lists_what_was_turned_away() -> None:
    answer = told(read([GOOD, {"agent_id": "extract"}, "beat"]))
    said = json.loads(answer.body)
    assert (answer.status, said["accepted"], said["rejected"]) == (200, 1, 2)
    assert [(each["index"], each["field"]) for each in said["errors"]] == [(1, "instance_id"), (2, "")]


def test_nothing_good__is_a_refusal_that_names_the_field() -> None:
    answer = told(read({"agent_id": "extract"}))
    said = json.loads(answer.body)
    assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert said["errors"][0]["field"] == "instance_id"
    assert said["remedy"]


def test_an_empty_list__accepted() -> None:
    assert told(read([])).status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"agent_id": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_json__refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        heartbeats(body, writer(), NOON)


def test_more_than_is_taken_at_once__refused() -> None:
    with pytest.raises(TooManyError):
        read([GOOD] * (MOST + 1))
