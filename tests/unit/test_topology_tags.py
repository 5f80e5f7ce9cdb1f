"""Figures of the topology as templates show them."""

from __future__ import annotations

import pytest
from django.template import Context, Template

LASTING = Template("{% load topology %}{{ box.figures.p95_ms|lasting_ms }}")


@pytest.mark.parametrize(
    ("figures", "shown"),
    [({"p95_ms": 31.2}, "31.2 ms"), ({"p95_ms": 1_200.0}, "1.2 s"), ({"p95_ms": None}, "—"), ({}, "—")],
)
def test_how_long_it_lasted__an_agent_without_work_of_its_own_has_no_figures(
    figures: dict[str, float | None], shown: str
) -> None:
    assert LASTING.render(Context({"box": {"figures": figures}})) == shown
