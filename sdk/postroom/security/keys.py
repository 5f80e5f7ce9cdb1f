"""An agent's own signing keys: Ed25519, in a file that only its user may read, replaced in good time.

A new key is published before it is used, and the old one stays published while a token that it signed may be on its
way. All instances of an agent share the file: on several machines, mount the same one (`POSTROOM_AGENT_DIR`).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from postroom import folders
from postroom.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DAY = 24 * 3600.0
ROTATED_AFTER = 30 * DAY
# Until a new key is used, those who check have had time to fetch it.
PUBLISHED_FOR = 600.0
# While an old key stays published: as long as the longest-lived token that it signed, and a little more.
OVERLAP = DAY + 3600.0
LOOKED_AT = 30.0
# The owner may read and write; nobody else anything.
OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. `used_from` is when it begins to sign, in seconds since 1970."""

    kid: str
    private: bytes = field(repr=False)
    public: bytes
    used_from: float

    def jwk(self) -> dict[str, str]:
        """The public half, as it is published."""
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": text(self.public),
            "kid": self.kid,
            "alg": "EdDSA",
            "use": "sig",
        }

    def signer(self) -> Ed25519PrivateKey:
        return _signer(self.private)


class KeyRing:
    """The keys in one file. May be used by threads and processes at once."""

    def __init__(
        self, agent_id: str, path: Path | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path or folders.folder("keys") / f"{_file_name(agent_id)}.json"
        self._agent_id, self._clock = agent_id, clock
        self._lock = Lock()
        self._keys: tuple[SigningKey, ...] = ()
        self._looked_at = float("-inf")

    def current(self) -> SigningKey:
        """The key to sign with now; made when there is none."""
        now = self._clock()
        return in_use(self._fresh(now), now)

    def public(self) -> list[dict[str, str]]:
        """What is to be published now."""
        return [key.jwk() for key in self._fresh(self._clock())]

    def rotate(self, at_once: bool = False) -> SigningKey:
        """A new key, to be used in some minutes. `at_once` is for a key that got out: the old ones go as well."""
        with self._lock, self._alone():
            now = self._clock()
            new = _make(now if at_once else now + PUBLISHED_FOR)
            self._write(((), self._read())[not at_once] + (new,))
            return new

    def _fresh(self, now: float) -> tuple[SigningKey, ...]:
        with self._lock:
            if now - self._looked_at >= LOOKED_AT or not self._keys:
                self._keys = self._tended(now)
                self._looked_at = now
            return self._keys

    def _tended(self, now: float) -> tuple[SigningKey, ...]:
        found = self._read()
        if found == tended(found, now, _make):
            return found
        with self._alone():
            # Whoever had the lock before may have done it.
            kept = tended(self._read(), now, _make)
            self._write(kept)
            return kept

    def _read(self) -> tuple[SigningKey, ...]:
        try:
            if self.path.stat().st_mode & OTHERS:
                raise ConfigurationError(
                    f"{self.path} can be read by others: chmod 600 it, and rotate the keys in it."
                )
            return tuple(_loaded(each) for each in json.loads(self.path.read_bytes())["keys"])
        except FileNotFoundError:
            return ()
        except (ValueError, KeyError, TypeError) as problem:
            raise ConfigurationError(
                f"{self.path} holds no keys that can be read; put the right file there."
            ) from problem

    def _write(self, keys: tuple[SigningKey, ...]) -> None:
        said = {"agent": self._agent_id, "keys": [_saved(key) for key in keys]}
        folders.replace(self.path, json.dumps(said, indent=1).encode())
        self._keys = keys

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time changes the file; the lock ends with its holder."""
        handle = os.open(self.path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, folders.PRIVATE_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


@lru_cache(maxsize=16)
def _signer(private: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private)


def in_use(keys: tuple[SigningKey, ...], now: float) -> SigningKey:
    """The newest that may be used; the oldest when none may yet. Pure."""
    by_age = sorted(keys, key=lambda key: key.used_from)
    return next((key for key in reversed(by_age) if key.used_from <= now), by_age[0])


def tended(
    keys: tuple[SigningKey, ...], now: float, make: Callable[[float], SigningKey]
) -> tuple[SigningKey, ...]:
    """Without those whose tokens are over, with a new one when the newest is old. Pure but for the new key."""
    if not keys:
        return (make(now),)
    current = in_use(keys, now)
    kept = tuple(
        key for key in keys if key.used_from >= current.used_from or now - current.used_from < OVERLAP
    )
    newest = max(key.used_from for key in kept)
    return (*kept, make(now + PUBLISHED_FOR)) if now - newest >= ROTATED_AFTER else kept


def text(raw: bytes) -> str:
    """base64url without padding, as JOSE has it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(said: str) -> bytes:
    return base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))


def _make(used_from: float) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return SigningKey(thumbprint(public), private.private_bytes_raw(), public, used_from)


def thumbprint(public: bytes) -> str:
    """RFC 7638: a key's name that no other key has."""
    from hashlib import sha256

    canonical = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": text(public)}, separators=(",", ":"))
    return text(sha256(canonical.encode()).digest())


def _saved(key: SigningKey) -> dict[str, Any]:
    return {"kid": key.kid, "d": text(key.private), "x": text(key.public), "used_from": key.used_from}


def _loaded(said: dict[str, Any]) -> SigningKey:
    return SigningKey(str(said["kid"]), raw(said["d"]), raw(said["x"]), float(said["used_from"]))


def _file_name(agent_id: str) -> str:
    """Readable, and different for every agent."""
    from hashlib import blake2b

    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", agent_id)[:60]
    return (
        readable
        if readable == agent_id
        else f"{readable}-{blake2b(agent_id.encode(), digest_size=4).hexdigest()}"
    )
