"""Whose pages may open a socket here."""

from __future__ import annotations

import pytest

from dashboard.live import origin

OURS = ["postroom.example", "127.0.0.1", "[::1]"]


def _allowed(came: str, host: str, *, https: bool = False, trusted: tuple[str, ...] = ()) -> bool:
    return origin.allowed(came, host, hosts=OURS, trusted=trusted, https=https)


@pytest.mark.parametrize(
    ("came", "host"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("https://postroom.example", "postroom.example"),
        ("https://postroom.example", "postroom.example:443"),
        ("https://POSTROOM.example", "postroom.example"),
    ],
)
def test_own_page__accepted(came: str, host: str) -> None:
    assert _allowed(came, host)


@pytest.mark.parametrize(
    ("came", "host"),
    [
        ("http://evil.example", "postroom.example"),
        ("http://postroom.example.evil.example", "postroom.example"),
        ("http://127.0.0.1:9000", "127.0.0.1:8000"),
        ("http://postroom.example:bad", "postroom.example:worse"),
        ("null", "postroom.example"),
        ("", "postroom.example"),
        ("file://postroom.example", "postroom.example"),
        ("http://postroom.example", ""),
    ],
)
def test_foreign_page__refused(came: str, host: str) -> None:
    assert not _allowed(came, host)


def test_host_name_that_is_not_ours__refused_even_when_they_agree() -> None:
    assert not _allowed("http://rebound.example", "rebound.example")


def test_plain_http_where_https_is_on__refused() -> None:
    assert not _allowed("http://postroom.example", "postroom.example", https=True)
    assert _allowed("https://postroom.example", "postroom.example", https=True)


def test_origin_on_the_list__accepted() -> None:
    assert _allowed("https://wall.example", "postroom.example", trusted=("https://wall.example",))
