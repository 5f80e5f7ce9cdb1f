"""Where is it, in a sentence: each state, each kind of answer, and letters before everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.queues.stuck.table import HELP
from agents.queues.stuck.values import Evidence, Judgement, Kind, Verdict
from agents.queues.where.telling import LETTERS, Known, tell
from agents.queues.where.values import Custody

NOW = datetime(2026, 11, 20, 14, 3, 12, tzinfo=UTC)
KNOWN = Known(
    "inv-4711",
    "production",
    "sent",
    NOW - timedelta(seconds=252),
    NOW,
    broker="main",
    queue="extract.q",
    evidence=(Evidence(Kind.LEDGER, "sent", 2.0),),
)
LETTER = Custody("0192", "held", NOW - timedelta(minutes=3), "ValueError: card refused", "/letters/0192")


def said(**changes: Any) -> str:
    return tell(replace(KNOWN, **changes)).sentence


def test_a_stuck_message__place_age_and_cause() -> None:
    stuck = Judgement(Verdict.NO_CONSUMER, "nothing consumes the queue", agent="extract")
    found = tell(replace(KNOWN, judgement=stuck))
    assert found.sentence == (
        "Message inv-4711 has been waiting in `extract.q` for 4 min 12 s: nothing consumes the queue."
    )
    assert (found.place.kind, found.verdict, found.agent) == ("queue", Verdict.NO_CONSUMER, "extract")
    assert found.next_step == "Start an agent that takes from `extract.q`: extract."


def test_unknown__says_what_is_missing_and_claims_nothing() -> None:
    unknown = Judgement(Verdict.UNKNOWN, "x", missing=("events of main are not heard",))
    found = tell(replace(KNOWN, judgement=unknown))
    assert found.sentence.endswith("why is not known, since events of main are not heard.")
    assert found.next_step == HELP[Verdict.UNKNOWN]


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            {"state": "running", "agent": "extract", "instance": "extract-0"},
            "has been running in extract-0 for",
        ),
        ({"state": "retrying", "attempt": 2}, "has been waiting for its next attempt in `extract.q` for"),
        (
            {"state": "waiting", "waits_for": "input-required", "agent": "bank"},
            "which asked for input-required,",
        ),
        ({"state": "succeeded", "agent": "extract"}, "was handled by extract 4 min 12 s ago."),
        (
            {"state": "refused", "agent": "extract", "error": "NotAllowed"},
            "was refused by extract 4 min 12 s ago: Not",
        ),
        ({"state": "lost", "agent": "extract"}, "is lost: there should be news of it from extract"),
        (
            {"judgement": Judgement(None, "too early", missing=("the next beat",))},
            "too early to say why: the next beat.",
        ),
        ({"judgement": Judgement(None, "it drains")}, "It is not stuck: it drains."),
    ],
)
def test_other_states(changes: dict[str, Any], part: str) -> None:
    assert part in said(**changes)


@pytest.mark.parametrize("state", LETTERS)
def test_a_letter__says_since_when_and_why(state: str) -> None:
    found = tell(replace(KNOWN, state="dead"), replace(LETTER, state=state))
    assert found.sentence.endswith("since 2026-11-20 14:00:12 UTC: ValueError: card refused.")
    assert (found.place.kind, found.verdict) == ("letters", None)
    assert found.link == "/letters/0192"


def test_a_redriven_message__is_where_it_is_now() -> None:
    older = replace(LETTER, state="dispatched", since=KNOWN.since - timedelta(seconds=1))
    assert "has been waiting in" in tell(KNOWN, older).sentence
    assert tell(replace(KNOWN, state="succeeded"), replace(LETTER, state="processed")).place.kind == "over"
