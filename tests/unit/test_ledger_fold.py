"""Events in any order, more than once, in any portions, come to the same message."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.ledger.fold import fold, follow, in_order, mark_of, needs_history, of_postroom
from agents.ledger.values import Event, Fault, Kind, Message, Settled, Source, Sources, Told, told

START = datetime(2026, 11, 26, 14, tzinfo=UTC)
NAMES = st.sampled_from(["", "", "extract", "classify"])


@st.composite
def events(draw: st.DrawFn) -> Event:
    return Event(
        id=draw(st.uuids()).hex,
        kind=draw(st.sampled_from(Kind)),
        at=START + timedelta(milliseconds=draw(st.integers(0, 50))),
        message_id="m",
        environment="production",
        agent=draw(NAMES),
        sender=draw(NAMES),
        queue=draw(NAMES),
        attempt=draw(st.integers(0, 2)),
        redrive=draw(st.integers(0, 1)),
        source=draw(st.sampled_from(Source)),
        waits_for=draw(st.sampled_from(["", "", "input-required"])),
        error=draw(st.sampled_from([None, Fault(type="TimeoutError")])),
        deadline=draw(st.sampled_from([None, START])),
        settled=draw(st.sampled_from(["", "", *Settled])),
    )


STORIES = st.lists(events(), min_size=1, max_size=12, unique_by=lambda event: event.id)


def arrivals(story: list[Event]) -> list[Told]:
    return [told(event, number) for number, event in enumerate(story, 1)]


def event(kind: Kind, attempt: int = 0, at: float = 0, **more: object) -> Event:
    moment = START + timedelta(seconds=at)
    fields: dict[str, object] = {"id": f"{kind}-{attempt}-{at}-{sorted(more)}", "at": moment} | more
    return Event(kind=kind, message_id="m", environment="production", attempt=attempt, **fields)  # type: ignore[arg-type]


def state(*story: Event) -> str:
    return fold(arrivals(list(story))).state


@pytest.mark.parametrize("source", [Source.CELERY, Source.SPAN])
def test_who_only_looks_on_knows_no_redrive__what_it_saw_later_is_of_that_one(source: Source) -> None:
    died = event(Kind.DEAD, 1, at=1, source=source)
    sent = event(Kind.SENT, at=10, redrive=1, source=Source.POSTROOM)
    done = event(Kind.SUCCEEDED, 1, at=11, source=source)
    assert state(died, sent) == "sent"
    assert state(died, sent, done) == state(done, sent, died) == "succeeded"
    assert fold(arrivals([died, sent, done])).redrive == 1
    # Its clock is a little behind; and who has it in hand says itself which redrive it is.
    assert state(died, sent, event(Kind.SUCCEEDED, 1, at=9, source=source)) == "succeeded"
    assert state(died, sent, event(Kind.SUCCEEDED, 1, at=11, source=Source.LIBRARY)) == "sent"


# A machine with much else to do makes stories slowly.
PATIENT = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(STORIES, st.randoms(use_true_random=False))
def test_any_permutation_with_repeats_gives_the_same_message_and_history(
    story: list[Event], chance: random.Random
) -> None:
    heard = arrivals(story)
    again = [each._replace(arrived=each.arrived + 100) for each in chance.choices(heard, k=5)]
    mixed = heard + again
    chance.shuffle(mixed)
    assert fold(mixed) == fold(heard)
    assert in_order(mixed) == in_order(heard)


@PATIENT
@given(STORIES, st.integers(0, 12))
def test_taking_what_comes_later_is_folding_the_whole(story: list[Event], cut: int) -> None:
    ordered = in_order(each for each in arrivals(story) if not of_postroom(each.event))
    if not ordered:
        return
    before, after = ordered[: max(1, cut)], ordered[max(1, cut) :]
    known = fold(before)
    assert mark_of(known) == before[-1].mark
    assert follow(known, after) == fold(ordered)


@PATIENT
@given(STORIES, st.integers(1, 4), st.randoms(use_true_random=False))
def test_in_any_portions_as_they_come__the_row_is_what_the_whole_history_says(
    story: list[Event], size: int, chance: random.Random
) -> None:
    heard = arrivals(story)
    chance.shuffle(heard)
    row: Message | None = None
    for start in range(0, len(heard), size):
        portion, so_far = in_order(heard[start : start + size]), heard[: start + size]
        whole = row is None or needs_history(row, portion)
        row = fold(so_far) if row is None or whole else follow(row, portion)
    assert row == fold(heard)


def settled(how: Settled, kind: Kind, at: float, redrive: int = 1, **more: Any) -> Event:
    return event(kind, at=at, redrive=redrive, source=Source.POSTROOM, settled=how, **more)


AGAIN = event(Kind.SENT, at=10, redrive=1, source=Source.POSTROOM)
RUNS = event(Kind.RUNNING, 2, at=12, redrive=1, source=Source.LIBRARY)


def test_what_was_concluded_follows_all_that_was_under_way() -> None:
    by_hand = settled(Settled.HAND, Kind.SUCCEEDED, 20, by="ana")
    message = fold(arrivals([by_hand, AGAIN, RUNS]))
    assert (message.state, message.settled, message.redrive, message.attempt) == ("succeeded", "hand", 1, 2)
    assert state(settled(Settled.LEFT_QUEUE, Kind.SUCCEEDED, 20), AGAIN) == "succeeded"


def test_who_was_there_is_believed_rather_than_what_was_concluded__whenever_it_is_told() -> None:
    by_hand = settled(Settled.HAND, Kind.SUCCEEDED, 20, by="ana")
    died = event(Kind.DEAD, 1, at=15, redrive=1, source=Source.LIBRARY)
    message = fold(arrivals([by_hand, AGAIN, died]))
    assert (message.state, message.settled) == ("dead", "")
    sent_again = event(Kind.SENT, at=30, redrive=2, source=Source.POSTROOM)
    assert state(by_hand, AGAIN, sent_again) == "sent"


def test_that_nothing_is_known__changes_no_state_and_is_said() -> None:
    unknown = settled(Settled.UNKNOWN, Kind.SENT, 20)
    waiting = fold(arrivals([AGAIN, unknown]))
    assert (waiting.state, waiting.settled, waiting.since) == (
        "sent",
        "unknown",
        fold(arrivals([AGAIN])).since,
    )
    assert fold(arrivals([RUNS, unknown])).state == "running"
    assert fold(arrivals([unknown])).state == "sent"
    done = fold(arrivals([AGAIN, unknown, settled(Settled.HAND, Kind.DEAD, 40, by="ana")]))
    assert (done.state, done.settled) == ("dead", "hand")


def test_only_postroom_settles() -> None:
    told_so = event(Kind.SUCCEEDED, at=20, redrive=1, source=Source.HTTP, settled=Settled.HAND)
    assert fold(arrivals([AGAIN, told_so])).settled == ""


def test_thrown_away_by_postroom__after_every_attempt_that_was_made() -> None:
    purged = event(Kind.PURGED, at=20, source=Source.POSTROOM)
    assert state(event(Kind.DEAD, 3, 5), purged) == state(purged, event(Kind.DEAD, 3, 25)) == "purged"


@pytest.mark.parametrize(
    ("story", "ends"),
    [
        ([event(Kind.SENT), event(Kind.WAITING)], "waiting"),
        ([event(Kind.RUNNING, 1, 5), event(Kind.SENT, at=9)], "running"),
        ([event(Kind.RETRYING, 1, 5), event(Kind.RUNNING, 2, 1)], "running"),
        ([event(Kind.DEAD, 3, 5), event(Kind.SENT, 0, 1, redrive=1)], "sent"),
        ([event(Kind.DEAD, 3, 5), event(Kind.PURGED, 3, 6)], "purged"),
        ([event(Kind.RUNNING, 1, 5), event(Kind.WAITING, 1, 6, waits_for="input-required")], "waiting"),
        ([event(Kind.WAITING, 1, 6, waits_for="input-required"), event(Kind.RUNNING, 1, 7)], "running"),
    ],
)
def test_the_state_is_that_of_the_greatest_event(story: list[Event], ends: str) -> None:
    assert state(*story) == state(*reversed(story)) == ends


def test_the_last_to_name_a_thing_is_believed__and_silence_names_nothing() -> None:
    first = event(Kind.SENT, queue="a", sender="web", agent="web", instance="web-0", version="9")
    second = event(Kind.RUNNING, 1, 2, queue="b", agent="extract", instance="extract-1")
    message = fold(arrivals([event(Kind.SUCCEEDED, 1, 3), second, first]))
    assert (message.queue, message.sender, message.agent, message.instance) == (
        "b", "web", "extract", "extract-1",
    )  # fmt: skip
    assert message.version == "", "the sender's version is not the handler's"


def test_an_error_belongs_to_its_state_only() -> None:
    failed = event(Kind.RETRYING, 1, 2, error=Fault(type="TimeoutError"))
    assert "TimeoutError" in fold(arrivals([failed])).error
    assert fold(arrivals([failed, event(Kind.SUCCEEDED, 2, 3)])).error == ""


def test_sources_add_up_and_a_clock_that_runs_ahead_is_noticed() -> None:
    story = [event(Kind.SENT, source=Source.LIBRARY), event(Kind.RUNNING, 1, 60, source=Source.CELERY)]
    message = fold([told(each, told(story[0], 0).at) for each in story])
    assert Sources(message.sources) == Sources.LIBRARY | Sources.CELERY
    assert message.ahead == 60_000_000
