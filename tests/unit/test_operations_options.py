"""The options of a plan: their defaults, what is refused and by which name."""

from __future__ import annotations

from typing import Any

import pytest

from agents.operations import options
from agents.operations.options import Expiry, OptionRefusedError, parse
from agents.operations.values import Action, Flag, GuardKind, ItemState, Selection, Tally


def test_nothing_asked_for__careful_by_default() -> None:
    found = parse(Action.REDRIVE, {})
    assert (found.rate, found.follow, found.canary) == (None, True, (1, 5, 25))
    assert found.halt_when.same_failure_ratio == 0
    assert found.halt_when.consumer_down
    assert (found.expiry, found.outcome_within) == (Expiry.CLEAR, 600)


def test_what_is_dumped_is_read_back_as_it_was() -> None:
    asked = {
        "rate": 25,
        "canary": "off",
        "halt_when": {"same_failure_ratio": None, "failure_ratio": 0.5, "queue_depth": 1000},
        "target_queue": "extract.again",
        "edit": {"headers": {"tenant": "b"}},
        "expiry": "shift",
        "delay": 5,
        "jitter": 2.5,
        "leave_out": ["canvas", "tool_succeeded"],
    }
    found = parse(Action.REDRIVE, asked)
    assert options.load(found.dump()) == found
    assert found.mask == Flag.CANVAS | Flag.TOOL_SUCCEEDED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rate", 0),
        ("rate", "fast"),
        ("rate", True),
        ("rate", float("nan")),
        ("canary", [0]),
        ("canary", [1] * 21),
        ("canary", "1,5"),
        ("halt_when", []),
        ("halt_when.same_failure_ratio", {"same_failure_ratio": 2}),
        ("halt_when.speed", {"speed": 1}),
        ("halt_when.queue_depth", {"queue_depth": 0}),
        ("halt_when.consumer_down", {"consumer_down": 1}),
        ("target_queue", "q\0"),
        ("edit", {"properties": {}}),
        ("edit", {"body": "text"}),
        ("expiry", "never"),
        ("delay", -1),
        ("jitter", "2"),
        ("outcome_within", 0),
        ("leave_out", ["no_consumer"]),
        ("leave_out", "canvas"),
        ("spead", 1),
    ],
)
def test_an_option_that_does_not_go__refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(OptionRefusedError) as refused:
        parse(Action.REDRIVE, {field.split(".", maxsplit=1)[0]: value})
    assert refused.value.field == field


def test_an_option_of_another_action__refused() -> None:
    with pytest.raises(OptionRefusedError, match="a purge does not take it"):
        parse(Action.PURGE, {"rate": 5})
    with pytest.raises(OptionRefusedError, match="needs to know where to"):
        parse(Action.MOVE, {})
    assert parse(Action.PURGE, {"leave_out": [GuardKind.CANVAS]}).mask == Flag.CANVAS


def test_a_tally_adds_up_only_when_it_does() -> None:
    assert Tally(60, waiting=45, dispatched=5, processed=6, left_out=4).adds_up
    assert not Tally(60, waiting=45).adds_up
    assert set(ItemState) | {"selected"} == set(Tally.__slots__)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(everything=True),
        Selection(group="g"),
        Selection(filter={"queue": "q"}),
        Selection(receipt="r"),
    ],
)
def test_a_selection_is_read_back_as_it_was(selection: Selection) -> None:
    assert Selection.load(selection.dump()) == selection
    assert len(selection.ways) == 1
