"""The content stores, and which one an address means."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from postroom import ids
from postroom.content.api import KEPT_SECONDS, ContentStore
from postroom.errors import ConfigurationError, ContentMissingError

REDIS_KEY: Final = "postroom.content:"
_REDIS: Final = frozenset({"redis", "rediss", "unix"})


def open_store(url: str, kept_seconds: float = KEPT_SECONDS) -> ContentStore:
    """A folder, redis://… (or a Redis broker's own address), or whatever fsspec knows: s3://bucket/folder."""
    scheme = urlsplit(url.removeprefix("postroom+")).scheme
    if scheme in {"", "file"}:
        return DirectoryStore(Path(url.removeprefix("file://")))
    if scheme in _REDIS:
        return RedisStore(url, kept_seconds)
    return FsspecStore(url)


class DirectoryStore:
    """A folder that all agents see: on one machine, or on a shared file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: bytes) -> None:
        place = self._folder / key
        if place.exists():
            with suppress(OSError):
                os.utime(place)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_name(f".{place.name}.{ids.new()}")
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(place)

    def get(self, key: str) -> bytes:
        try:
            return (self._folder / _safe(key)).read_bytes()
        except FileNotFoundError:
            raise ContentMissingError(f"{key} is not in {self._folder} (any more).") from None

    def sweep(self, kept_seconds: float) -> int:
        late, removed = time.time() - kept_seconds, 0
        for place in self._folder.glob("*/*"):
            with suppress(OSError):
                if place.is_file() and place.stat().st_mtime < late:
                    place.unlink()
                    removed += 1
        return removed


class RedisStore:
    """In Redis, for as long as it is kept: convenient, and Redis's memory is what limits it."""

    def __init__(self, url: str, kept_seconds: float = KEPT_SECONDS) -> None:
        self._url, self._kept = url.removeprefix("postroom+"), kept_seconds
        self._client: Any = None
        self._process = 0

    def put(self, key: str, content: bytes) -> None:
        self._redis.set(REDIS_KEY + key, content, ex=max(1, int(self._kept)))

    def get(self, key: str) -> bytes:
        found = self._redis.get(REDIS_KEY + key)
        if found is None:
            raise ContentMissingError(f"{key} is not in Redis (any more).")
        return bytes(found)

    def sweep(self, kept_seconds: float) -> int:
        return 0

    @property
    def _redis(self) -> Any:
        """A client of this process's own."""
        if self._client is None or self._process != os.getpid():
            import redis

            self._client, self._process = redis.Redis.from_url(self._url, protocol=2), os.getpid()
        return self._client


class FsspecStore:
    """Anything that fsspec has a file system for; install `postroom[content]` and that file system's package."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ImportError:
            raise ConfigurationError(
                f"For a content store at {urlsplit(url).scheme}:// install postroom[content]."
            ) from None
        self._files, self._root = fsspec.core.url_to_fs(url)

    def put(self, key: str, content: bytes) -> None:
        """In one step, as object stores do it."""
        place = self._place(key)
        self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(place, content)

    def get(self, key: str) -> bytes:
        try:
            return bytes(self._files.cat_file(self._place(key)))
        except FileNotFoundError:
            raise ContentMissingError(f"{key} is not in {self._root} (any more).") from None

    def sweep(self, kept_seconds: float) -> int:
        old = [place for place, moment in self._all() if moment < time.time() - kept_seconds]
        for place in old:
            with suppress(FileNotFoundError):
                self._files.rm_file(place)
        return len(old)

    def _all(self) -> Iterator[tuple[str, float]]:
        for place, said in self._files.find(self._root, detail=True).items():
            moment = said.get("mtime") or said.get("LastModified") or said.get("created")
            yield place, moment if isinstance(moment, int | float) else moment.timestamp()

    def _place(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{_safe(key)}"


def _safe(key: str) -> str:
    """A reference comes with a message, so its key must not lead out of the store."""
    if ".." in key.split("/") or key.startswith("/"):
        raise ContentMissingError(f"{key!r} is no key of a content store.")
    return key
