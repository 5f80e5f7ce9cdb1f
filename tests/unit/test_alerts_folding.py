"""Which alerts follow from another one."""

from __future__ import annotations

from agents.alerts.folding import Firing, Link, fold
from agents.alerts.values import Signal, Spot

LINKS = [
    Link("prod", "web", "extract.q", "extract"),
    Link("prod", "extract", "", "store"),
    Link("prod", "web", "shared.q", "extract"),
    Link("prod", "web", "shared.q", "other"),
]
DOWN = Firing(Signal.AGENT_DOWN, Spot("prod", agent="extract"))


def queue(name: str, environment: str = "prod") -> Firing:
    return Firing(Signal.QUEUE_DEPTH, Spot(environment, "main", name))


def test_what_waits_for_a_dead_agent__folds_under_it() -> None:
    assert fold({"down": DOWN, "depth": queue("extract.q")}, LINKS) == {"depth": "down"}
    assert fold({"down": DOWN, "depth": queue("extract.q", "")}, LINKS) == {"depth": "down"}


def test_a_queue_that_another_one_takes_from_too__does_not() -> None:
    assert fold({"down": DOWN, "depth": queue("shared.q")}, LINKS) == {}


def test_a_queue_of_another_environment__does_not() -> None:
    assert fold({"down": DOWN, "depth": queue("extract.q", "staging")}, LINKS) == {}


def test_who_calls_a_dead_agent__folds_under_it() -> None:
    errors = Firing(Signal.ERROR_RATIO, Spot("prod", agent="web"))
    assert fold({"down": DOWN, "errors": errors}, LINKS) == {"errors": "down"}


def test_whom_a_dead_agent_calls__does_not() -> None:
    errors = Firing(Signal.ERROR_RATIO, Spot("prod", agent="store"))
    assert fold({"down": DOWN, "errors": errors}, LINKS) == {}


def test_a_dead_agent_is_explained_by_no_other() -> None:
    upstream = Firing(Signal.AGENT_DOWN, Spot("prod", agent="web"))
    assert fold({"down": DOWN, "upstream": upstream}, LINKS) == {}


def test_nobody_is_dead__nothing_folds() -> None:
    assert fold({"depth": queue("extract.q")}, LINKS) == {}


def test_a_queue_that_nobody_is_known_to_take_from__does_not_fold() -> None:
    assert fold({"down": DOWN, "depth": queue("new.q")}, LINKS) == {}
