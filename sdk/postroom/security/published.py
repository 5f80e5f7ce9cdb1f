"""Everybody's public keys, as Postroom publishes them: fetched, kept, asked for anew when one is not known.

While Postroom is away the last answer serves, for a day. Where there is none, nobody can be let in: who asks is told
to wait, and is not told yes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from postroom.errors import NotNowError, UnauthorisedError
from postroom.http import AwayError, Client
from postroom.kept import Kept, Shelf
from postroom.security.claims import Owner
from postroom.security.keys import raw

# Seconds for which an answer is used without asking, and for which it is used while Postroom is away.
FRESH, USABLE = 60.0, 24 * 3600.0
# An unknown key is asked for no more often than this, whoever sends such tokens and however many.
ASKED_EVERY = 5.0
LONGEST_LIST = 20_000


class KeysAwayError(NotNowError):
    """The published keys cannot be fetched, so nobody's token can be checked. The message waits."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key and its owner."""

    owner: Owner
    public: Any


class PublishedKeys:
    """The keys at one address. May be used by threads."""

    def __init__(
        self, client: Client, path: str, *, shelf: Shelf | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._client, self._path, self._clock = client, path, clock
        self._shelf = shelf or Shelf("keys", clock)
        self._name = f"{client.options.url}{path}"
        self._lock = Lock()
        self._tried_at = float("-inf")
        self._read: tuple[float, Mapping[str, PublishedKey]] = (0.0, {})

    def find(self, kid: str, issued_at: Callable[[], float]) -> PublishedKey:
        """The key of this name. Raises UnauthorisedError when there is none, KeysAwayError when that is not known.

        `issued_at` is what the token says: a key that signed is published before.
        """
        with self._lock:
            kept = self._kept()
            found = self._keys(kept).get(kid) if kept else None
            if found is None:
                kept = self._for_unknown(kept, issued_at())
                found = self._keys(kept).get(kid)
        if found is None:
            raise UnauthorisedError("The sender's token is signed with a key that nobody has published.")
        return found

    def _kept(self) -> Kept | None:
        """What is known, brought up to date when it is old."""
        kept = self._shelf.get(self._name)
        if kept and self._shelf.age(kept) < FRESH:
            return kept
        try:
            return self._fetch(kept)
        except AwayError:
            return kept if kept and self._shelf.age(kept) < USABLE else None

    def _for_unknown(self, kept: Kept | None, issued_at: float) -> Kept:
        if kept and kept.at > issued_at + ASKED_EVERY:
            # Fetched after the token was signed: it would be there.
            return kept
        wait = self._tried_at + ASKED_EVERY - self._clock()
        if wait > 0:
            raise KeysAwayError(_sentence(KeysAwayError), retry_after=wait)
        try:
            return self._fetch(kept)
        except AwayError as problem:
            raise KeysAwayError(
                f"{_sentence(KeysAwayError)} ({problem})", retry_after=ASKED_EVERY
            ) from problem

    def _fetch(self, kept: Kept | None) -> Kept:
        self._tried_at = self._clock()
        answer = self._client.get(self._path, etag=kept.etag if kept else "")
        if answer.status == 304:
            return self._shelf.touch(self._name)
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("keys"), list):
            raise AwayError(f"{self._name} does not answer with a list of keys.")
        return self._shelf.put(self._name, answer.body["keys"][:LONGEST_LIST], answer.etag)

    def _keys(self, kept: Kept) -> Mapping[str, PublishedKey]:
        if self._read[0] != kept.at:
            self._read = (kept.at, read(kept.value))
        return self._read[1]


def read(said: list[Any]) -> Mapping[str, PublishedKey]:
    """Keys by name. Pure; what is no Ed25519 key with an owner is passed over, a name that two have is nobody's."""
    found: dict[str, PublishedKey] = {}
    twice: set[str] = set()
    for each in said:
        if (key := _one(each)) is not None:
            kid = each["kid"]
            twice |= {kid} & found.keys()
            found[kid] = key
    return {kid: key for kid, key in found.items() if kid not in twice}


def _one(said: Any) -> PublishedKey | None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not isinstance(said, dict) or (said.get("kty"), said.get("crv")) != ("OKP", "Ed25519"):
        return None
    if not all(isinstance(said.get(name), str) and said[name] for name in ("kid", "x", "iss")):
        return None
    try:
        public = Ed25519PublicKey.from_public_bytes(raw(said["x"]))
    except ValueError:
        return None
    return PublishedKey(Owner(said["iss"], str(said.get("env") or "")), public)


def _sentence(error: type[Exception]) -> str:
    return (error.__doc__ or "").strip()
