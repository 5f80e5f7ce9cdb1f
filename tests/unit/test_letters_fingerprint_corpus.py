"""Failures whose causes are known: one group a cause, and never two causes in one group, in whatever order they come.

The parts here are known by now. What is held back is judged apart, and told in tests/corpus/failures/README.md.
"""

from __future__ import annotations

import pytest

from tests.support.corpus import FITTED, STILL_APART, failures, fingerprinted, fit, grouped, in_orders

# Of twenty causes one may fall apart; none may be taken for another.
LEAST_WHOLE = 19
SEEDS = range(1, 5)


@pytest.mark.parametrize("part", FITTED)
def test_one_group_a_cause_in_nineteen_of_twenty__and_never_two_causes_in_one(part: str) -> None:
    for order in in_orders(part, SEEDS):
        found = fit(grouped(order))
        assert len(found.whole) >= LEAST_WHOLE, sorted(found.split)
        assert not found.mixed


def test_all_parts_in_one_house__as_apart() -> None:
    """Some parts are halves of the same twenty causes: those share groups."""
    found = fit(grouped([each for part in FITTED for each in failures(part)]))
    assert found.split == STILL_APART
    assert not found.mixed


@pytest.mark.parametrize("part", FITTED)
def test_by_the_fingerprint_alone__never_two_causes_in_one_group(part: str) -> None:
    assert not fit(fingerprinted(failures(part))).mixed
