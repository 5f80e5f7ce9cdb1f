"""Checks senders' tokens, against published keys or by asking whoever issued them.

TokenValidator("https://postroom.example")                            # the keys that Postroom publishes
TokenValidator("https://keys.example/jwks.json")                      # a key set elsewhere
TokenValidator("https://auth.example/introspect", introspection=True, token=…)    # RFC 7662
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

from postroom import http
from postroom.errors import NotNowError, UnauthorisedError
from postroom.http import AwayError, Client, RefusedError
from postroom.security import claims
from postroom.security.claims import Expected
from postroom.security.published import PublishedKeys

WELL_KNOWN = "/.well-known/jwks.json"
# For how long an introspection's yes is taken for granted, in seconds, and how many of them are remembered.
BELIEVED, MOST_BELIEVED = 10.0, 10_000


class IntrospectionAwayError(NotNowError):
    """The token's issuer cannot be asked whether it holds. The message waits."""


class AuthProvider(Protocol):
    """Says whether a token lets a message in."""

    def validate(self, token: str, expected: Expected) -> Mapping[str, Any]:
        """The token's claims. Raises UnauthorisedError, or NotNowError when it cannot be told."""


class TokenValidator:
    """Lets in what wire.md describes, and nothing else. May be used by threads."""

    def __init__(
        self,
        url: str = "",
        *,
        introspection: bool = False,
        token: str = "",
        client: Client | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        options = client.options if client else http.from_environment()
        parts = urlsplit(url or options.url)
        # Published keys are open to all: Postroom's token goes to no other address.
        own = replace(options, url=f"{parts.scheme}://{parts.netloc}", token=token)
        self._client = client or Client(own)
        self._path = parts.path.rstrip("/") or WELL_KNOWN
        self._clock = clock
        self._open = (
            _Introspection(self._client, self._path, clock).open
            if introspection
            else _Signature(PublishedKeys(self._client, self._path, clock=clock)).open
        )

    def validate(self, token: str, expected: Expected) -> Mapping[str, Any]:
        """The token's claims, all checked. Raises UnauthorisedError, or NotNowError when it cannot be told."""
        said = self._open(token)
        claims.check(said, expected, self._clock())
        return said


class _Signature:
    """A token is opened with the key that it names."""

    def __init__(self, keys: PublishedKeys) -> None:
        self._keys = keys

    def open(self, token: str) -> Mapping[str, Any]:
        key = self._keys.find(claims.header(token)["kid"], lambda: claims.said_to_be_from(token))
        said = claims.opened(token, key.public)
        claims.owned(said, key.owner)
        return said


class _Introspection:
    """A token is opened by asking its issuer; a yes is remembered for a moment."""

    def __init__(self, client: Client, path: str, clock: Callable[[], float]) -> None:
        self._client, self._path, self._clock = client, path, clock
        self._lock = Lock()
        self._believed: dict[bytes, tuple[float, Mapping[str, Any]]] = {}

    def open(self, token: str) -> Mapping[str, Any]:
        if not token or len(token) > claims.LONGEST_TOKEN:
            raise UnauthorisedError("The message carries no sender's token that could be asked about.")
        name = sha256(token.encode()).digest()
        with self._lock:
            until, said = self._believed.get(name, (0.0, {}))
        if until <= self._clock():
            said = self._ask(token)
            self._believe(name, said)
        return said

    def _ask(self, token: str) -> Mapping[str, Any]:
        try:
            said = self._client.form(self._path, {"token": token, "token_type_hint": "access_token"}).body
        except (AwayError, RefusedError) as problem:
            sentence = (IntrospectionAwayError.__doc__ or "").strip()
            raise IntrospectionAwayError(f"{sentence} ({problem})", retry_after=5.0) from problem
        if not isinstance(said, dict) or said.get("active") is not True:
            raise UnauthorisedError("The sender's token is not active, says its issuer.")
        return said

    def _believe(self, name: bytes, said: Mapping[str, Any]) -> None:
        with self._lock:
            if len(self._believed) >= MOST_BELIEVED:
                self._believed.clear()
            self._believed[name] = (self._clock() + BELIEVED, said)
