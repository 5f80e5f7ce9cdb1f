"""Large payloads: laid aside by themselves, fetched once, checked, and swept; one promise for every store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from postroom.content.api import ContentStore, Reference, Shelf
from postroom.content.cache import Cache
from postroom.content.stores import open_store
from postroom.errors import ContentDamagedError, ContentMissingError

LARGE = {"text": "ä" * 1000}


class Counted:
    """A store that counts."""

    def __init__(self, store: ContentStore) -> None:
        self._store, self.puts, self.gets = store, 0, 0

    def put(self, key: str, content: bytes) -> None:
        self.puts += 1
        self._store.put(key, content)

    def get(self, key: str) -> bytes:
        self.gets += 1
        return self._store.get(key)

    def sweep(self, kept_seconds: float) -> int:
        return self._store.sweep(kept_seconds)


@pytest.fixture(params=["folder", "redis", "fsspec"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ContentStore:
    addresses: dict[str, Callable[[], str]] = {
        "folder": lambda: str(tmp_path / "content"),
        "redis": lambda: str(request.getfixturevalue("redis_url")),
        "fsspec": lambda: f"local://{tmp_path}/spec",
    }
    return open_store(addresses[request.param]())


def test_what_is_small_stays_in_the_message(store: ContentStore) -> None:
    assert Shelf(store, limit=100).lay_aside({"a": 1}) == (b'{"a":1}', "")


@pytest.mark.parametrize("payload", [LARGE, b"\x00\xff" * 1000])
def test_what_is_large_is_fetched_once_per_process(store: ContentStore, payload: Any) -> None:
    body, reference = Shelf(store, limit=100).lay_aside(payload)
    assert body == b"null"
    counted = Counted(store)
    reader = Shelf(counted, limit=100)
    assert [reader.fetch(reference) for _ in range(3)] == [payload] * 3
    assert counted.gets == 1
    # Handed on, it is there already.
    assert reader.lay_aside(payload)[1] == reference
    assert counted.puts == 0


@pytest.mark.parametrize("size", [10, 60, 75, 99, 100, 101])
def test_what_travels_is_never_larger_than_the_limit(store: ContentStore, size: int) -> None:
    shelf = Shelf(store, limit=100)
    body, reference = shelf.lay_aside(bytes(size))
    assert len(body) <= 100
    assert reference == "" or shelf.fetch(reference) == bytes(size)


def test_content_that_is_gone_or_changed__refused(store: ContentStore) -> None:
    with pytest.raises(ContentMissingError):
        store.get("ab/abcdef")
    store.put("ab/abcdef", b"something else")
    with pytest.raises(ContentDamagedError):
        Shelf(store).fetch(Reference("ab/abcdef", 3).text())


@pytest.mark.parametrize("said", ["", "{}", "[]", '{"key": "../../etc/passwd", "size": 1}'])
def test_a_reference_that_is_none__refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(ContentMissingError):
        Shelf(open_store(str(tmp_path))).fetch(said)


def test_old_content_is_swept(tmp_path: Path) -> None:
    shelf = Shelf(open_store(str(tmp_path)), limit=100)
    _, reference = shelf.lay_aside(LARGE)
    assert shelf.store.sweep(3600) == 0
    for file in tmp_path.glob("*/*"):
        os.utime(file, (time.time() - 7200,) * 2)
    assert shelf.store.sweep(3600) == 1
    with pytest.raises(ContentMissingError):
        Shelf(shelf.store).fetch(reference)


def test_the_cache_is_bounded() -> None:
    cache = Cache(most_bytes=25)
    fetched: list[str] = []

    def fetch(key: str) -> bytes:
        fetched.append(key)
        return b"0123456789"

    for key in ("a", "b", "a", "c", "a", "b"):
        cache.get_or(key, partial(fetch, key))
    assert fetched == ["a", "b", "c", "b"]
