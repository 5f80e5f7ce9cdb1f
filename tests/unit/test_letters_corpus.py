"""The corpus that fingerprints are judged by is what it says it is, and its judge sees what it should."""

from __future__ import annotations

from collections import defaultdict

import pytest

from agents.deadletters import wire
from agents.deadletters.values import Origin
from tests.support.corpus import FITTED, HELD_BACK, OPEN, failures, fit

CAUSES, FAILURES, FAILURES_APART = 20, 64, 70
# The first two are halves of the same causes.
APART = tuple(part for part in FITTED if part not in {OPEN, HELD_BACK})


@pytest.mark.parametrize("half", FITTED)
def test_each_half_has_every_cause_more_than_once(half: str) -> None:
    causes = [failed.cause for failed in failures(half)]
    assert len(set(causes)) == CAUSES
    assert all(causes.count(cause) >= 2 for cause in causes)


def test_both_halves_have_the_same_causes_and_no_letter_in_common() -> None:
    open_, held_back = failures(OPEN), failures(HELD_BACK)
    assert {failed.cause for failed in open_} == {failed.cause for failed in held_back}
    ids = {failed.letter["death_id"] for failed in open_ + held_back}
    assert len(ids) == len(open_) + len(held_back) >= FAILURES


@pytest.mark.parametrize("part", APART)
def test_a_part_that_stands_apart_has_causes_and_letters_of_its_own(part: str) -> None:
    known = [failed for other in FITTED if other != part for failed in failures(other)]
    own = failures(part)
    assert not {failed.cause for failed in known} & {failed.cause for failed in own}
    ids = {failed.letter["death_id"] for failed in known + own}
    assert len(ids) == len(known) + len(own)
    assert len(own) >= FAILURES_APART


@pytest.mark.parametrize("part", APART)
def test_of_a_part_that_stands_apart__every_cause_has_one_agent_and_three_to_six_letters(part: str) -> None:
    letters_of = defaultdict(list)
    for failed in failures(part):
        letters_of[failed.cause].append(failed.letter)
    for cause, letters in letters_of.items():
        assert len({letter["agent"] for letter in letters}) == 1, cause
        assert 3 <= len(letters) <= 6, cause


@pytest.mark.parametrize("half", FITTED)
def test_every_failure_is_a_letter_that_custody_takes(half: str) -> None:
    for failed in failures(half):
        arrival = wire.of_data(failed.letter, Origin())
        assert all((arrival.agent, arrival.contents.attempts, arrival.failure.type)), failed.cause


def test_a_group_a_cause__fits() -> None:
    assert fit([("a", 1), ("a", 1), ("b", 2)]).whole == {"a", "b"}


def test_a_cause_in_two_groups__is_split() -> None:
    found = fit([("a", 1), ("a", 2), ("b", 3)])
    assert found.split == {"a"}
    assert not found.mixed


def test_two_causes_in_a_group__are_mixed() -> None:
    assert fit([("a", 1), ("b", 1), ("c", 2)]).mixed == (frozenset({"a", "b"}),)
