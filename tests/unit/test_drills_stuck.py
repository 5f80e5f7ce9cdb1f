"""How the drill `stuck` judges: what is true of each fault, what counts as right, and what as wrong."""

from __future__ import annotations

import pytest

from postroom.drills.confusion import LATE, RIGHT, SILENT, UNSURE, WRONG, Run, judge, matrix
from postroom.drills.faults import company
from postroom.drills.faults.causes import BLOCKED, CAUSES, HANGS, NO_CONSUMER
from postroom.drills.faults.plan import HEALTHY, Fault, Part, apart, draw
from postroom.drills.faults.truth import Named
from postroom.drills.figures import Verdict

HANGING = Fault("handler hangs", [Part(HANGS, ("extract",))])
BOTH = Fault("hang and no consumer", [Part(HANGS, ("extract",)), Part(NO_CONSUMER, ("price",))])
EXTRACT_HANGS, PRICE_IS_ALONE = Named("extract", "running_long"), Named("price", "no_consumer")


def heard(fault: Fault, *said: tuple[float, list[Named]], held: float = 100.0) -> Run:
    run = Run(fault, held_at=[held for _ in fault.parts])
    for at, named in said:
        run.hear(named, at)
    return run


# ---- One run ---------------------------------------------------------------------------------------------------------
def test_right_agent_and_cause_in_time__right() -> None:
    run = heard(HANGING, (101.0, []), (104.0, [EXTRACT_HANGS]))
    assert (run.came_to, run.seconds) == (RIGHT, 4.0)


def test_right_agent_and_cause_too_late__late() -> None:
    assert heard(HANGING, (110.5, [EXTRACT_HANGS])).came_to == LATE


@pytest.mark.parametrize("named", [Named("extract", "agent_down"), Named("match", "running_long")])
def test_another_cause_or_another_agent__wrong(named: Named) -> None:
    run = heard(HANGING, (101.0, [EXTRACT_HANGS]), (102.0, [EXTRACT_HANGS, named]))
    assert run.came_to == WRONG


def test_wrong_once__stays_wrong() -> None:
    run = heard(HANGING, (101.0, [Named("extract", "no_consumer")]), (103.0, [EXTRACT_HANGS]))
    assert run.came_to == WRONG


def test_unknown_first_and_right_in_time__right() -> None:
    run = heard(HANGING, (101.0, [Named("extract", "unknown")]), (105.0, [EXTRACT_HANGS]))
    assert run.came_to == RIGHT


def test_nothing_but_unknown__unknown() -> None:
    assert heard(HANGING, (101.0, [Named("extract", "unknown")])).came_to == UNSURE


def test_nothing_at_all__silent() -> None:
    assert heard(HANGING, (101.0, [])).came_to == SILENT


def test_one_of_two__not_right() -> None:
    assert heard(BOTH, (101.0, [EXTRACT_HANGS])).came_to == SILENT


def test_both_of_two__right_when_the_last_was_named() -> None:
    run = heard(BOTH, (101.0, [EXTRACT_HANGS]), (107.0, [EXTRACT_HANGS, PRICE_IS_ALONE]))
    assert (run.came_to, run.seconds) == (RIGHT, 7.0)


def test_what_is_true_besides__not_wrong_and_not_enough() -> None:
    fault = Fault("downstream blocked", [Part(BLOCKED, ("price", "approve"))])
    assert heard(fault, (101.0, [Named("approve", "running_long")])).came_to == SILENT


@pytest.mark.parametrize(
    ("said", "came_to"), [([], RIGHT), ([Named("extract", "unknown")], UNSURE), ([EXTRACT_HANGS], WRONG)]
)
def test_without_a_fault_only_silence_is_right(said: list[Named], came_to: str) -> None:
    assert heard(Fault(HEALTHY), (101.0, said)).came_to == came_to


# ---- All of them -----------------------------------------------------------------------------------------------------
def test_forty_runs_may_have_one_that_is_late__good() -> None:
    runs = [heard(HANGING, (101.0, [EXTRACT_HANGS])) for _ in range(39)]
    verdict = Verdict("stuck", "full")
    judge(verdict, [*runs, heard(HANGING, (112.0, [EXTRACT_HANGS]))])
    assert verdict.good


def test_forty_runs_may_not_have_one_that_is_wrong__bad() -> None:
    runs = [heard(HANGING, (101.0, [EXTRACT_HANGS])) for _ in range(39)]
    verdict = Verdict("stuck", "full")
    judge(verdict, [*runs, heard(HANGING, (101.0, [PRICE_IS_ALONE]))])
    assert not verdict.good


def test_matrix_says_what_was_taken_for_what() -> None:
    runs = [
        heard(HANGING, (101.0, [EXTRACT_HANGS])),
        heard(HANGING, (101.0, [Named("extract", "agent_down")])),
    ]
    assert matrix(runs) == ["handler hangs → agent_down: 1", "handler hangs → running_long: 1"]


# ---- What is drawn --------------------------------------------------------------------------------------------------
def test_forty_draws_have_eight_healthy_runs_and_every_cause() -> None:
    names = [fault.name for fault in draw(40, seed=1)]
    assert names.count(HEALTHY) == 8
    assert set(names) == {HEALTHY, *CAUSES}


def test_the_same_seed_draws_the_same() -> None:
    assert [str(fault) for fault in draw(40, seed=7)] == [str(fault) for fault in draw(40, seed=7)]
    assert [str(fault) for fault in draw(40, seed=7)] != [str(fault) for fault in draw(40, seed=8)]


def test_faults_at_once_keep_no_messages_from_each_other() -> None:
    mixtures = [fault for seed in range(20) for fault in draw(40, seed) if len(fault.parts) > 1]
    assert mixtures
    assert all(apart(fault.parts) for fault in mixtures)


def test_there_are_ten_causes_and_fifteen_agents() -> None:
    assert (len(CAUSES), len(company.AGENTS)) == (10, 15)
