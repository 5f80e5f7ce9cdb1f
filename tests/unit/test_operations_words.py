"""What plans and operations say: forms to options and back, confirmations by size, ladders, lines, patches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from agents.operations import options
from agents.operations.json_patch import applied
from agents.operations.options import OptionRefusedError, Options
from agents.operations.values import Action, Guard, GuardKind, Selection, Standing, State, Tally
from dashboard.charts.progress import HEIGHT, WIDTH, progress
from dashboard.pages import ladder, next_steps, plan_form, plan_words
from dashboard.pages.plan_edit import patch_between

AT = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
UUIDS = ["0192f0c1-2345-7abc-8def-0123456789ab", "0192f0c1-2345-7abc-8def-0123456789ac"]


# ---- Forms -----------------------------------------------------------------------------------------------------
def test_options_through_a_form_and_back() -> None:
    plain = Options()
    form = {name: value for name, value in plan_form.fields(plain).items() if value is not False}
    assert options.parse(Action.REDRIVE, plan_form.options(form, plain.dump())) == plain


@pytest.mark.parametrize(
    ("text", "means"), [("", "off"), ("off", "off"), ("1 → 5 → 25", [1, 5, 25]), ("1,x", [1, "x"])]
)
def test_a_ladder_in_any_writing(text: str, means: object) -> None:
    assert plan_form.options({"canary": text}, {})["canary"] == means


def test_what_is_no_number_is_named_as_programs_name_it() -> None:
    with pytest.raises(OptionRefusedError, match=r"halt_when\.failure_ratio: 'some' is no number"):
        plan_form.options({"failure_ratio": "some"}, {})


def test_which_ones__in_each_way() -> None:
    said = plan_form.selection
    assert said(QueryDict(f"id={UUIDS[0]}&id={UUIDS[1]}&id=x")).dump() == {"ids": UUIDS}
    assert said(QueryDict("group=g1")).dump() == {"group": "g1"}
    assert said(QueryDict("matching=1&queue=a&q=&id=x")).dump() == {"filter": {"queue": "a"}}
    assert said(QueryDict("matching=1")) == Selection(everything=True)
    assert said(QueryDict("")).ways == []


# ---- Confirmations ---------------------------------------------------------------------------------------------
WARNS = Guard(GuardKind.VERSION_RUNS, Standing.WARN, "it still runs", 60)


def told(
    action: Action, count: int, left: int = 0, guards: tuple[Guard, ...] = (), limit: str = ""
) -> plan_words.Told:
    return plan_words.told(action, count, left, Options(), ["a", "b"], guards, limit)


def test_in_words__where_to_and_how_many() -> None:
    assert told(Action.REDRIVE, 60, 4).sentence == (
        "You will send 56 of 60 letters to the 2 queues that they came from: a and b."
    )
    assert told(Action.REDRIVE, 60, 4).button == "Redrive 56"
    assert plan_words.told(Action.REDRIVE, 1, 0, Options(target_queue="t"), ["a"], ()).sentence == (
        "You will send 1 letter to t."
    )


def test_scaled_to_size__4_is_not_400_000() -> None:
    assert not told(Action.REDRIVE, 4).typed
    assert told(Action.REDRIVE, 400_000).typed == "400,000 letters at once is a lot."
    assert not told(Action.REDRIVE, 4, guards=(WARNS,)).typed
    assert told(Action.REDRIVE, 60, guards=(WARNS,)).typed == "A guard warns."
    assert told(Action.REDRIVE, 60, limit="more than 10").typed == "It needs a second person."
    assert told(Action.PURGE, 11).typed
    assert not told(Action.RESTORE, 400_000).typed


def test_how__in_one_line() -> None:
    assert plan_words.how(Options(), ["pay"]) == (
        "follow the consumer · canary 1 → 5 → 25 → rest · halts when same failure above 0% or nobody consumes · to pay"
    )
    plain = Options(rate=5, canary=(), halt_when=options.HaltWhen(None, None, False, None), target_queue="b")
    assert plan_words.how(plain, ["a"]) == "5 a second · no canary · nothing halts it · to b"


# ---- Ladders ---------------------------------------------------------------------------------------------------
def rungs(step: int, state: State = State.RUNNING, **counts: int) -> list[tuple[int | None, str, str]]:
    found = ladder.rungs((1, 5, 25), 60, step, state, Tally(60, **counts), Tally(60))
    return [(rung.size, rung.state, rung.word) for rung in found]


def test_a_ladder__where_it_is() -> None:
    assert rungs(1, processed=5, dispatched=1) == [
        (1, "done", "done"),
        (5, "here", "4 of 5 known"),
        (25, "ahead", ""),
        (None, "ahead", ""),
    ]
    assert rungs(0, State.HALTED, failed_same=1)[0] == (1, "stopped", "1 of 1 known")
    assert {state for _, state, _ in rungs(3, State.DONE, processed=60)} == {"done"}


def test_a_ladder__no_longer_than_what_goes() -> None:
    assert [rung.size for rung in ladder.planned((1, 5, 25), 4)] == [1, 3]
    assert ladder.planned((), 60) == []


# ---- Lines -----------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Seen:
    at: datetime
    spent: int
    processed: int
    failed: int
    depth: int | None


def test_lines__speed_a_second_and_depth_within_their_box() -> None:
    seen = [
        Seen(AT + timedelta(seconds=2 * place), 50 * place, 40 * place, 0, 9 - place) for place in range(5)
    ]
    found = progress(seen)
    assert found
    speed, depth = found.charts
    assert [(line.name, line.last) for line in speed.lines] == [("sent", 25.0), ("outcomes", 20.0)]
    assert (speed.most, depth.most) == (25.0, 9.0)
    points = [
        pair.split(",") for chart in found.charts for line in chart.lines for pair in line.points.split()
    ]
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)


def test_lines__none_of_one_sample_and_no_depth_that_nobody_knows() -> None:
    one, two = (Seen(AT + timedelta(seconds=place), 1, 1, 0, None) for place in range(2))
    assert progress([one]) is None
    found = progress([one, two])
    assert found
    assert [chart.title for chart in found.charts] == ["speed"]


# ---- Patches ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": 1, "b/c": [1, 2], "d": {}}, {"a": 2, "b/c": [1, 3], "e": None, "d": {"x": 1}}),
        ([[1], {"name": "x"}, {}], [[1], {"name": "y"}, {}]),
        ({"a": [1]}, {"a": [1, 2]}),
        ({"a": 1}, {"a": True}),
        (1, 1),
    ],
)
def test_a_patch__makes_one_of_the_other(before: object, after: object) -> None:
    made = applied(before, patch_between(before, after))
    assert repr(made) == repr(after) or made == after
    assert patch_between(after, after) == []


def test_a_patch__says_no_more_than_what_changed() -> None:
    assert patch_between({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}) == [
        {"op": "replace", "path": "/a/c", "value": 3}
    ]


# ---- The overview ----------------------------------------------------------------------------------------------
def test_new_letters__gathered_by_what_looks_like_one_cause() -> None:
    rows = [("Timeout", "exception", "pay", "p", AT + timedelta(minutes=place)) for place in range(3)]
    found = next_steps.gathered([*rows, ("", "deadline", "mail", "", AT)])
    assert [(each.error, each.amount) for each in found] == [("Timeout", "3"), ("", "1")]
    assert (found[0].first, found[0].last) == (AT, AT + timedelta(minutes=2))
    assert found[0].url == "/letters?error=Timeout&queue=pay&agent=p"
    (todo, other) = next_steps.of_letters(found, may_redrive=True)
    assert todo.what == "3 new letters: Timeout in pay"
    assert other.what == "1 new letter: no error named in mail"
    assert (todo.short, other.short) == ("4 new letters of 2 kinds", "")


def test_new_letters_of_many_kinds__the_largest_apart_and_the_rest_together() -> None:
    rows = [(f"app.errors.E{place}", "exception", f"q{place}", f"a{place}", AT) for place in range(6)]
    (first, rest) = next_steps.of_letters(next_steps.gathered([*rows, rows[0]]), may_redrive=False)
    assert first.what == "2 new letters: E0 in q0"
    assert rest.what == "5 new letters of 5 kinds"
    assert rest.why.startswith("Given up on by a1, a2, a3 and 2 more;")
    assert (first.short, rest.short, rest.url) == ("7 new letters of 6 kinds", "", "/letters")
