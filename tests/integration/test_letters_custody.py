"""Custody: each death once, equal messages apart, a redriven one again under its own letter."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError
from pytest_django.fixtures import Settings

from agents.deadletters import selectors, wire
from agents.deadletters.api import OtherEnvironmentError, Redrive, keep
from agents.deadletters.models import Death, GroupRate, Letter, LetterChange, StoredContents
from agents.deadletters.services import capture, keeping, keys, retention
from agents.deadletters.values import Arrival, Kept, State
from core import clock
from core.brokers.api import Delivery
from tests.support.letters import MAIN, arrival, letter

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def kept(**changes: Any) -> Kept:
    (found,) = keep([arrival(**changes)])
    return found


def again(letter: Kept, number: int, **changes: Any) -> Arrival:
    return replace(arrival(**changes), redrive=Redrive(letter.letter_id, number))


def put(letter: Kept, state: State, **fields: Any) -> None:
    Letter.objects.filter(pk=letter.letter_id).update(state=state, **fields)


def of(letter: Kept) -> Letter:
    return Letter.objects.get(pk=letter.letter_id)


def test_letter__held_with_all_that_it_carries() -> None:
    found = kept(body=b"\0\xff" * 1_000)
    letter = of(found)
    assert (letter.state, letter.deaths, letter.attempts, letter.body_size) == (State.HELD, 1, 1, 2_000)
    assert letter.why == "ValueError: amount is negative"
    contents = selectors.contents_of(letter)
    assert contents
    assert contents.body == b"\0\xff" * 1_000
    assert (contents.headers, contents.properties) == ({"postroom-sender": "classify"}, {"priority": 3})
    assert contents.attempts[0]["traceback"].endswith("ValueError")
    assert list(LetterChange.objects.values_list("before", "after")) == [("", "held")]


def test_same_death_again__changes_nothing() -> None:
    one = arrival()
    first, second = keep([one, one])
    (third,) = keep([one])
    assert first.letter_id == second.letter_id == third.letter_id
    assert [each.new_death for each in (first, second, third)] == [True, False, False]
    assert (Letter.objects.count(), Death.objects.count()) == (1, 1)


def test_two_equal_messages__two_letters() -> None:
    one, two = arrival(message_id="m"), arrival(message_id="m")
    assert len({each.letter_id for each in keep([one, two])}) == 2


def test_death_named_by_its_message_in_a_repeated_delivery__the_same() -> None:
    one = arrival(redelivered=False)
    later = replace(one, died_at=one.died_at + timedelta(seconds=3))
    first, repeated = keep([one, replace(later, again=True)])
    assert first.letter_id == repeated.letter_id
    assert not repeated.new_death


def test_death_named_by_its_message_in_a_first_delivery_at_another_time__another_letter_once() -> None:
    one = arrival(redelivered=False)
    later = replace(one, died_at=one.died_at + timedelta(days=3))
    found = [keep([each])[0] for each in (one, later, later, one)]
    assert [each.new_letter for each in found] == [True, True, False, False]
    assert found[1].letter_id == found[2].letter_id != found[0].letter_id


def test_same_death_from_another_environment__refused() -> None:
    one = arrival()
    keep([one])
    with pytest.raises(OtherEnvironmentError):
        keep([replace(one, environment="staging")])


@pytest.mark.parametrize("state", [State.DISPATCHED, State.CLAIMED, State.UNKNOWN, State.PROCESSED])
def test_dies_again__same_letter_one_more_death_held(state: State) -> None:
    first = kept()
    put(first, state, redrives=1)
    (found,) = keep([again(first, 1, failure={"reason": "deadline", "type": "Late"}, body=b"second")])
    letter = of(first)
    assert (found.letter_id, found.new_letter, found.state) == (first.letter_id, False, State.HELD)
    assert (letter.state, letter.deaths, letter.failure_type, letter.body_size) == (State.HELD, 2, "Late", 6)
    assert letter.changes.latest("pk").before == state
    contents = selectors.contents_of(letter)
    assert contents
    assert contents.body == b"second"


def test_late_death_of_an_earlier_redrive__counted_and_no_more() -> None:
    first = kept()
    put(first, State.DISPATCHED, redrives=2)
    keep([again(first, 1)])
    assert (of(first).state, of(first).deaths) == (State.DISPATCHED, 2)


def test_dies_again_while_purged__stays_purged() -> None:
    first = kept()
    put(first, State.PURGED)
    keep([again(first, 1)])
    assert (of(first).state, of(first).deaths) == (State.PURGED, 2)


def test_two_deaths_of_a_letter_in_one_batch__both() -> None:
    first = kept()
    put(first, State.DISPATCHED, redrives=2)
    keep([again(first, 2), again(first, 3)])
    assert (of(first).state, of(first).deaths, of(first).redrives) == (State.HELD, 3, 3)
    assert sorted(of(first).died.values_list("number", flat=True)) == [1, 2, 3]


@pytest.mark.parametrize("change", [{"environment": "staging"}, {"letter": "erased"}, {"letter": "gone"}])
def test_redrive_of_a_letter_that_is_not_there__a_letter_of_its_own(change: dict[str, str]) -> None:
    first = kept()
    wanted = again(first, 1, **({"environment": "staging"} if "environment" in change else {}))
    if change.get("letter") == "erased":
        put(first, State.ERASED)
    if change.get("letter") == "gone":
        Letter.objects.all().delete()
    (found,) = keep([wanted])
    assert found.new_letter
    assert found.letter_id != first.letter_id


# ---- Deliveries without an id of their own -----------------------------------------------------------------------
def bare(session: str, *, redelivered: bool, body: bytes = b"no letter") -> Arrival:
    return wire.of_delivery(Delivery("1", body, redelivered), replace(MAIN, session=session))


def test_equal_deliveries_without_an_id__each_a_letter() -> None:
    keep([bare("one", redelivered=False), bare("one", redelivered=False)])
    keep([bare("one", redelivered=False)])
    assert Letter.objects.count() == 3


def test_redelivered_and_equal__known_again_each_once() -> None:
    keep([bare("one", redelivered=False)])
    first, second = keep([bare("two", redelivered=True), bare("two", redelivered=True)])
    assert (first.new_death, second.new_death) == (False, True)
    (third,) = keep([bare("three", redelivered=True)])
    assert not third.new_death


def test_redelivered_and_equal_after_the_broker_was_told__another_letter() -> None:
    one = bare("one", redelivered=False)
    keep([one])
    keeping.acknowledged("one", [one])
    (found,) = keep([bare("two", redelivered=True)])
    assert found.new_letter


def test_redelivered_and_different_in_a_byte__another_letter() -> None:
    keep([bare("one", redelivered=False)])
    (found,) = keep([bare("two", redelivered=True, body=b"no letter.")])
    assert found.new_letter


# ---- What the tables refuse --------------------------------------------------------------------------------------
def test_one_that_cannot_be_kept__kept_as_it_came_and_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    real = keeping.keep

    def refuse(arrivals: list[Arrival]) -> list[Kept]:
        if any(each.agent == "poison" for each in arrivals):
            raise DataError("value too long")
        return real(arrivals)

    monkeypatch.setattr(keeping, "keep", refuse)

    every = [json.dumps(letter(agent=name)).encode() for name in ("a", "poison", "b")]
    capture._kept([Delivery(str(n), body, id=f"{n}-0") for n, body in enumerate(every)], MAIN)
    assert sorted(Letter.objects.values_list("agent", flat=True)) == ["", "a", "b"]
    wrong = Letter.objects.get(agent="")
    assert "cannot be kept as a letter (value too long)" in wrong.failure_message


# ---- Keys and retention ------------------------------------------------------------------------------------------
def test_new_key__everything_is_sealed_with_it_and_stays_readable(settings: Settings) -> None:
    def use(*given: str) -> None:
        settings.POSTROOM = replace(settings.POSTROOM, encryption_keys=given)

    use()
    plain = kept(body=b"before any key")
    use("the first key of them all")
    old = kept(body=b"under the first key")
    use("a second key, newer", "the first key of them all")
    assert keys.reseal() == 2
    assert keys.reseal() == 0
    use("a second key, newer")
    assert len(set(StoredContents.objects.values_list("key_id", flat=True))) == 1
    bodies = [selectors.contents_of(of(each)) for each in (plain, old)]
    assert [each.body for each in bodies if each] == [b"before any key", b"under the first key"]


def test_retention__never_a_held_letter(settings: Settings) -> None:
    old = clock.now() - settings.POSTROOM.retention_letters - timedelta(days=1)
    every = {state: kept() for state in State}
    for state, each in every.items():
        put(each, state, since=old)
    recent = kept()
    put(recent, State.PROCESSED)
    assert retention.drop_expired() == 3
    left = set(Letter.objects.values_list("state", flat=True))
    assert left == {"held", "claimed", "dispatched", "unknown", "processed"}
    assert Letter.objects.filter(pk=recent.letter_id).exists()


def test_retention__minutes_for_a_week_and_hours_as_long_as_letters(settings: Settings) -> None:
    now = clock.now()
    ages = {
        "fresh": timedelta(hours=1),
        "old": timedelta(days=9),
        "gone": settings.POSTROOM.retention_letters + timedelta(days=1),
    }
    for age in ages.values():
        kept(died_at=clock.rfc3339(now - age))
    retention.drop_expired()
    left = sorted(GroupRate.objects.values_list("seconds", "at"))
    assert [(seconds, (now - at) // timedelta(days=8)) for seconds, at in left] == [
        (60, 0),
        (3600, 1),
        (3600, 0),
    ]
