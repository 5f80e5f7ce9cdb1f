"""Where Redis is, and how each library wants to hear it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import redis_url
from core.data_dir import DataDir


def test_an_address_that_was_set_comes_first(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.make()
    data.redis_url.write_text("unix:///embedded.sock")
    assert redis_url.find("redis://h:6379/0", data) == "redis://h:6379/0"
    assert redis_url.find(None, data) == "unix:///embedded.sock"


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_without_any_it_is_one_that_nothing_answers(tmp_path: Path, content: str | None) -> None:
    data = DataDir(tmp_path)
    data.make()
    if content is not None:
        data.redis_url.write_text(content)
    assert redis_url.find(None, data) == redis_url.NOT_RUNNING


@pytest.mark.parametrize(
    ("url", "celerys"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("rediss://h:6379/0", "rediss://h:6379/0"),
        ("unix:///run/r.sock", "redis+socket:///run/r.sock"),
        ("unix:///run/r.sock?db=2", "redis+socket:///run/r.sock?virtual_host=2"),
    ],
)
def test_celerys_spelling(url: str, celerys: str) -> None:
    assert redis_url.for_celery(url) == celerys
