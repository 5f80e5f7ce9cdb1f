"""A quantile is within 2% of the truth, and merging is the same as having counted together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.topology.sketch import Sketch, merged

DURATIONS = st.lists(st.integers(1_000, 10**14), min_size=1, max_size=200)


def sketch_of(values: list[int]) -> Sketch:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    return sketch


@given(DURATIONS, st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_near_the_true_one(values: list[int], share: float) -> None:
    true = sorted(values)[int(share * (len(values) - 1))]
    found = sketch_of(values).quantile(share)
    assert found is not None
    assert abs(found - true) <= true * 0.0201 + 1


@given(DURATIONS, DURATIONS)
def test_merging_is_counting_together(one: list[int], other: list[int]) -> None:
    assert merged([sketch_of(one), sketch_of(other)]) == sketch_of(one + other)


@given(DURATIONS)
def test_what_was_stored_comes_back(values: list[int]) -> None:
    assert Sketch.load(sketch_of(values).dump()) == sketch_of(values)


def test_an_empty_sketch_has_no_quantile() -> None:
    assert Sketch.load(b"").quantile(0.5) is None
