"""kill −9 of intake and of web at random moments under load: what was acknowledged is there, once.

Each once in the suite; `python -m tests.span_kills` is the full measure.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import span_kills

pytestmark = [pytest.mark.kills, pytest.mark.timeout(290), pytest.mark.usefixtures("built_pages")]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_acknowledged_spans_survive_and_count_once(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    figures = span_kills.run(tmp_path / "data", engine, url, span_kills.seed_of(), 1)
    print(figures.dump())
    assert figures.held, figures
