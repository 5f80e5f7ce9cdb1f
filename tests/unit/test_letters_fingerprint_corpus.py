"""Fingerprints against failures whose causes are known: one group a cause, and never two causes in one.

All parts here are known by now. What is held back is judged apart, and told in tests/corpus/failures/README.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from agents.deadletters import wire
from agents.deadletters.fingerprint import form
from agents.deadletters.services import grouping
from agents.deadletters.values import Origin
from tests.support.corpus import HELD_BACK, HELD_BACK_SECOND, HELD_BACK_THIRD, OPEN, Fit, failures, fit

# Of twenty causes one may fall apart; none may be taken for another.
LEAST_WHOLE = 19


def fingerprint_of(letter: dict[str, Any]) -> str:
    """As it is formed when a letter comes into custody."""
    return form(grouping.died(wire.of_data(letter, Origin()))).fingerprint


def grouped(half: str) -> Fit:
    return fit((failed.cause, fingerprint_of(failed.letter)) for failed in failures(half))


@pytest.mark.parametrize("half", [OPEN, HELD_BACK, HELD_BACK_SECOND, HELD_BACK_THIRD])
def test_one_group_a_cause_in_nineteen_of_twenty(half: str) -> None:
    found = grouped(half)
    assert len(found.whole) >= LEAST_WHOLE, sorted(found.split)


@pytest.mark.parametrize("half", [OPEN, HELD_BACK, HELD_BACK_SECOND, HELD_BACK_THIRD])
def test_never_two_causes_in_one_group(half: str) -> None:
    assert not grouped(half).mixed
