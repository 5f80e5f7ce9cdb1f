"""An agent's public signing keys as it sends them (JWKs), checked. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_KEYS = 10
KEY_BYTES = 32
LONGEST_KID = 200
# Postroom's own name among those that sign.
RESERVED = "postroom"


class KeyRefusedError(Exception):
    """The key cannot be taken. The text says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 key by its id. An id names one key, for ever."""

    kid: str
    x: str

    def jwk(self, agent_id: str, environment: str) -> dict[str, str]:
        """As it is published: with whose it is, since a key signs for nobody but its owner."""
        fixed = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
        return fixed | {"x": self.x, "kid": self.kid, "iss": agent_id, "env": environment}


def read(given: Sequence[Any]) -> tuple[PublicKey, ...]:
    """Raises KeyRefusedError at the first that is wrong."""
    if len(given) > MOST_KEYS:
        raise KeyRefusedError(f"{len(given)} keys are too many: {MOST_KEYS} at most.")
    keys = tuple(_one(each) for each in given)
    if len({key.kid for key in keys}) != len(keys):
        raise KeyRefusedError("Two keys have the same kid.")
    return keys


def _one(given: Any) -> PublicKey:
    if not isinstance(given, dict):
        raise KeyRefusedError("A key is a JWK, a JSON object.")
    if "d" in given:
        raise KeyRefusedError("This is a private key. Take it out of use, and send only public ones.")
    if (given.get("kty"), given.get("crv")) != ("OKP", "Ed25519"):
        raise KeyRefusedError('Only Ed25519 keys are taken: "kty": "OKP", "crv": "Ed25519".')
    kid, x = given.get("kid"), given.get("x")
    if not isinstance(kid, str) or not 1 <= len(kid) <= LONGEST_KID or not kid.isprintable():
        raise KeyRefusedError(f"A key needs a kid of 1 to {LONGEST_KID} characters.")
    if kid.startswith(f"{RESERVED}-"):
        raise KeyRefusedError(f"Ids that begin with {RESERVED}- are Postroom's own.")
    return PublicKey(kid, _checked(x))


def _checked(x: Any) -> str:
    try:
        raw = base64.urlsafe_b64decode(f"{x}{'=' * (-len(x) % 4)}") if isinstance(x, str) else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise KeyRefusedError("`x` must be the key's 32 bytes in base64url.")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
