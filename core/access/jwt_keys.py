"""The keys that verify JWTs: published at a URL or kept in a file, remembered, and looked up again when they rotate."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from core import clock

# A key that was taken off the list is not believed for longer than this.
REMEMBER_SECONDS = 600.0
# While the list cannot be fetched, the last one is believed for this long.
BELIEVE_SECONDS = 3600.0
# An unknown key id asks for the list again, but a flood of made-up ids must not become a flood of requests.
ASK_AGAIN_SECONDS = 30.0
MOST_BYTES = 256 * 1024

_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


class KeysUnavailableError(Exception):
    """The keys cannot be had right now."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, with what its publisher says about it."""

    material: Any
    kid: str | None = None
    kty: str | None = None
    alg: str | None = None

    def fits(self, kid: str | None, algorithm: str) -> bool:
        """Could this key have signed a JWT with this header? A key is never used with another family's algorithm."""
        if self.kid is not None and kid is not None and self.kid != kid:
            return False
        if self.alg is not None and self.alg != algorithm:
            return False
        return self.kty == _KEY_TYPES.get(algorithm[:2])


class KeySource(Protocol):
    """Where keys come from. `find` answers the keys that fit, none when there are none, and may do I/O."""

    def find(self, kid: str | None, algorithm: str) -> list[Key]: ...


def of_jwks(document: Any) -> tuple[Key, ...]:
    """The public signing keys of a JWKS. Symmetric keys, and keys for encryption, are left out."""
    entries = document.get("keys", []) if isinstance(document, dict) else []
    return tuple(key for entry in entries if isinstance(entry, dict) and (key := _of_jwk(entry)))


def _of_jwk(entry: dict[str, Any]) -> Key | None:
    if entry.get("kty") not in _KEY_TYPES.values() or entry.get("use", "sig") != "sig":
        return None
    public = {name: value for name, value in entry.items() if name not in {"d", "p", "q", "dp", "dq", "qi"}}
    try:
        material = jwt.PyJWK(public).key
    except jwt.PyJWTError:
        return None
    return Key(material, entry.get("kid"), entry["kty"], entry.get("alg"))


def of_text(text: str) -> tuple[Key, ...]:
    """The keys of a file: a PEM public key, or a JWKS."""
    if "-----BEGIN" in text:
        material = load_pem_public_key(text.encode())
        kty = {"RSAPublicKey": "RSA", "ECPublicKey": "EC"}.get(_class(material), "OKP")
        return (Key(material, kty=kty),)
    return of_jwks(json.loads(text))


def _class(material: object) -> str:
    """cryptography's classes are named for the back end as well: _RSAPublicKey, RSAPublicKey."""
    return type(material).__name__.lstrip("_").removesuffix("Impl").replace("EllipticCurve", "EC")


class KeyFile:
    """Keys in a file, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[float, tuple[Key, ...]] = (-1.0, ())

    def find(self, kid: str | None, algorithm: str) -> list[Key]:
        try:
            changed = self._path.stat().st_mtime
            if changed != self._read[0]:
                self._read = (changed, of_text(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as problem:
            raise KeysUnavailableError(f"{self._path}: {problem}") from problem
        return [key for key in self._read[1] if key.fits(kid, algorithm)]


class JwksUrl:
    """Keys published at a URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._keys: tuple[Key, ...] = ()
        self._fetched_at = self._asked_at = float("-inf")

    def find(self, kid: str | None, algorithm: str) -> list[Key]:
        with self._lock:
            if clock.monotonic() - self._fetched_at > REMEMBER_SECONDS:
                self._ask()
            found = self._fitting(kid, algorithm)
            if not found and self._ask():
                found = self._fitting(kid, algorithm)
            if clock.monotonic() - self._fetched_at > BELIEVE_SECONDS:
                raise KeysUnavailableError(self._url)
            return found

    def _fitting(self, kid: str | None, algorithm: str) -> list[Key]:
        return [key for key in self._keys if key.fits(kid, algorithm)]

    def _ask(self) -> bool:
        """Fetch the list, unless that was tried a moment ago. True when there is a new one."""
        if clock.monotonic() - self._asked_at < ASK_AGAIN_SECONDS:
            return False
        self._asked_at = clock.monotonic()
        try:
            self._keys = of_jwks(_fetch(self._url))
        except (httpx.HTTPError, ValueError):
            return False
        self._fetched_at = clock.monotonic()
        return True


def _fetch(url: str) -> Any:
    """The document at the URL; no redirects, and nothing large."""
    with httpx.stream("GET", url, timeout=5.0, follow_redirects=False) as response:
        response.raise_for_status()
        body = b""
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise ValueError(f"{url} answers more than {MOST_BYTES} bytes")
    return json.loads(body)
