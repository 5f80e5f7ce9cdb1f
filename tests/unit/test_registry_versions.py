"""Ranges as Python and as semantic versioning write them."""

from __future__ import annotations

import pytest

from agents.registry.versions import RangeRefusedError, newest_first, read


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=2.0", "2.0 2.1.3 10.0", "1.9 2.0rc1"),
        (">=2.0,<3", "2.0 2.9.9", "3.0 1.0"),
        (">=1.2 <2", "1.2 1.9", "2.0 1.1"),
        (">= 1.2", "1.2", "1.1"),
        ("~=2.1", "2.1 2.9", "3.0 2.0"),
        ("^1.2.3", "1.2.3 1.9.0", "2.0.0 1.2.2 2.0.0rc1"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("~1.2.3", "1.2.3 1.2.9", "1.3.0"),
        ("~1", "1.0 1.9", "2.0"),
        ("1.x", "1.0 1.7.2", "2.0 0.9"),
        ("1.2", "1.2.0 1.2.9", "1.3"),
        ("=1.2.3", "1.2.3", "1.2.4"),
        ("1.2.3 - 1.4.0", "1.2.3 1.4.0", "1.4.1"),
        ("1.x || >=3", "1.5 3.1", "2.0"),
        ("*", "0.1 9.9 not-a-version", ""),
        ("", "1.0", ""),
        (">=2.0.0-rc.1", "2.0.0-rc.1 v2.0.0", "2.0.0-beta.1"),
    ],
)
def test_a_range_allows_what_lies_in_it_and_nothing_else(text: str, inside: str, outside: str) -> None:
    versions = read(text)
    assert [each for each in inside.split() if not versions.allows(each)] == []
    assert [each for each in outside.split() if versions.allows(each)] == []


@pytest.mark.parametrize("text", ["newest", ">=", "^x", "1.0 ||", ">>2"])
def test_what_is_no_range__refused(text: str) -> None:
    with pytest.raises(RangeRefusedError):
        read(text)


def test_text_that_is_no_version_is_in_no_range_and_sorts_last() -> None:
    assert not read(">=0").allows("main-4f3a")
    assert newest_first(["1.9", "main-4f3a", "1.10"]) == ["1.10", "1.9", "main-4f3a"]
