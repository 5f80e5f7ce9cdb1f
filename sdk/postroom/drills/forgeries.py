"""How an intruder tries: each makes the token of a message that it has no right to send."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jwt

from postroom import headers
from postroom.runtime.api import Hook, Outgoing
from postroom.security import claims
from postroom.security.claims import Expected
from postroom.security.keys import KeyRing, SigningKey

LONG_AGO = 2 * claims.LIFETIME


class Forger(Hook):
    """Puts a forged token on whatever its agent sends; none when the forgery is empty."""

    def __init__(self, forge: Callable[[Outgoing], str]) -> None:
        self._forge = forge

    def headers_to_send(self, outgoing: Outgoing) -> Mapping[str, str]:
        token = self._forge(outgoing)
        return {headers.SENDER_TOKEN: token} if token else {}


@dataclass(frozen=True, slots=True)
class Workshop:
    """The keys that forgeries are made with: the honest sender's, which was stolen, and one that nobody published."""

    stolen: SigningKey
    own: SigningKey

    def forgeries(self) -> dict[str, Callable[[Outgoing], str]]:
        return {
            "without a token": lambda outgoing: "",
            "signed with a key that nobody published": lambda outgoing: self._signed(outgoing, self.own),
            "signed under another's key name": self._under_another_name,
            "expired": lambda outgoing: self._signed(outgoing, self.stolen, at=time.time() - LONG_AGO),
            "meant for another queue": lambda outgoing: self._signed(
                outgoing, self.stolen, queue="elsewhere"
            ),
            "made for another body": lambda outgoing: self._signed(outgoing, self.stolen, body=b"{}"),
            "made for another message": lambda outgoing: self._signed(
                outgoing, self.stolen, message_id="another"
            ),
            "with the algorithm none": self._without_signature,
            "signed with the public key as a secret": self._with_public_key,
        }

    def _signed(
        self,
        outgoing: Outgoing,
        key: SigningKey,
        *,
        at: float = 0.0,
        queue: str = "",
        body: bytes = b"",
        message_id: str = "",
    ) -> str:
        said = Expected(
            outgoing.sender,
            queue or outgoing.queue,
            outgoing.environment,
            message_id or outgoing.message_id,
            outgoing.redrive,
            outgoing.task,
            body or outgoing.body,
        )
        return claims.sign(said, key, at or time.time())

    def _under_another_name(self, outgoing: Outgoing) -> str:
        said = self._claims(outgoing)
        return jwt.encode(said, self.own.signer(), algorithm="EdDSA", headers=self._head())

    def _without_signature(self, outgoing: Outgoing) -> str:
        return jwt.encode(self._claims(outgoing), "", algorithm="none", headers=self._head())

    def _with_public_key(self, outgoing: Outgoing) -> str:
        """The oldest confusion: a key that everybody may read, taken for a secret."""
        return jwt.encode(self._claims(outgoing), self.stolen.public, algorithm="HS256", headers=self._head())

    def _claims(self, outgoing: Outgoing) -> dict[str, object]:
        token = self._signed(outgoing, self.stolen)
        return dict(jwt.decode(token, options={"verify_signature": False}))

    def _head(self) -> dict[str, str]:
        return {"kid": self.stolen.kid}


def workshop(stolen: KeyRing, folder: Path) -> Workshop:
    return Workshop(stolen.current(), KeyRing("mallory", folder / "mallory.keys").current())
