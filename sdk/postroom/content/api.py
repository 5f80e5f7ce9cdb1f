"""The front door of content: a shelf lays large payloads aside, and fetches them once per process.

Content is known by the SHA-256 of its bytes, so the same document that passes through ten agents lies there once, and
an agent that hands on what it was given sends nothing to the store.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, Protocol

from postroom import payloads, wire
from postroom.content.cache import Cache
from postroom.errors import ContentDamagedError, ContentMissingError

LIMIT: Final = 1_000_000
# Redis keeps its messages in memory.
LIMIT_ON_REDIS: Final = 256_000
KEPT_SECONDS: Final = 7 * 24 * 3600.0
JSON, BYTES = "application/json", "application/octet-stream"


class ContentStore(Protocol):
    """Keeps bytes by key. Used by several processes at once; keys are never put with other bytes."""

    def put(self, key: str, content: bytes) -> None:
        """Durable when this returns; putting the same again changes nothing but how long it is kept."""

    def get(self, key: str) -> bytes:
        """Raises ContentMissingError."""

    def sweep(self, kept_seconds: float) -> int:
        """Remove what was put longer ago than that; answers how many. A store whose content ends by itself: 0."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the header `postroom-content-ref` says."""

    key: str
    size: int
    content_type: str = JSON

    def text(self) -> str:
        return wire.encode({"key": self.key, "size": self.size, "type": self.content_type}).decode()

    @property
    def digest(self) -> str:
        return self.key.rpartition("/")[2]


def read_reference(said: str) -> Reference:
    """Raises ContentMissingError for what is no reference."""
    try:
        found = json.loads(said)
        return Reference(str(found["key"]), int(found["size"]), str(found.get("type", JSON)))
    except (ValueError, KeyError, TypeError):
        raise ContentMissingError(f"The content reference cannot be read: {said[:200]!r}") from None


class Shelf:
    """Lays aside what is over the limit. One per process; safe for threads."""

    def __init__(self, store: ContentStore, limit: int = LIMIT, cache: Cache | None = None) -> None:
        self.store, self.limit = store, limit
        self._cache = cache or Cache()

    def lay_aside(self, payload: Any) -> tuple[bytes, str]:
        """The payload as it goes into the body, and nothing; or `null`, and the reference to where it lies."""
        content_type, content = _encode(payload)
        if len(content) <= self.limit:
            # Bytes grow by a third on their way into JSON, and what travels is what the limit is for.
            inline = content if content_type == JSON else payloads.encode(content)
            if len(inline) <= self.limit:
                return inline, ""
        reference = Reference(_key(content), len(content), content_type)
        if not self._cache.has(reference.key):
            self.store.put(reference.key, content)
            self._cache.keep(reference.key, content)
        return b"null", reference.text()

    def fetch(self, said: str) -> Any:
        """The payload that a reference stands for. Raises ContentMissingError or ContentDamagedError."""
        reference = read_reference(said)
        content = self._cache.get_or(reference.key, lambda: self._checked(reference))
        return _decode(reference.content_type, content)

    def _checked(self, reference: Reference) -> bytes:
        content = self.store.get(reference.key)
        if hashlib.sha256(content).hexdigest() != reference.digest:
            raise ContentDamagedError(
                f"{reference.key}: {len(content)} bytes came back, not the {reference.size} that were put in."
            )
        return content


def _encode(payload: Any) -> tuple[str, bytes]:
    if isinstance(payload, bytes | bytearray | memoryview):
        return BYTES, bytes(payload)
    return JSON, payloads.encode(payload)


def _decode(content_type: str, content: bytes) -> Any:
    return content if content_type == BYTES else payloads.decode(content)


def _key(content: bytes) -> str:
    """By its digest, two letters of it as a folder."""
    digest = hashlib.sha256(content).hexdigest()
    return f"{digest[:2]}/{digest}"
