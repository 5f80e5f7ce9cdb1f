"""A small OpenID provider: discovery, keys, and a token endpoint that checks PKCE. The test plays the browser."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from core import clock
from tests.support.jwt_issuer import jwk, rsa_key, serving

CLIENT, SECRET = "postroom-at-provider", "s3cret"


@dataclass
class Provider:
    """What the provider knows, and what a test may bend."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "u-1", "preferred_username": "ana"})
    # Changes to the ID token's claims.
    bend: dict[str, Any] = field(default_factory=dict)
    key: str = "provider"
    algorithms: tuple[str, ...] = ("RS256",)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, address: str) -> dict[str, str]:
        """What the provider does when somebody arrives and agrees: the parameters to come back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path.startswith("/.well-known/"):
            return 200, self._described()
        if path == "/keys":
            return 200, {"keys": [jwk(rsa_key("provider"), "one")]}
        return self._token({name: values[0] for name, values in parse_qs(body.decode()).items()})

    def _described(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": list(self.algorithms),
        }

    def _token(self, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(sent.get("code", ""), None)
        if asked is None or _challenge(sent.get("code_verifier", "")) != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self._id_token(asked["nonce"])}

    def _id_token(self, nonce: str) -> str:
        now = int(clock.unix())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce}
        return jwt.encode(
            claims | self.person | self.bend, rsa_key(self.key), "RS256", headers={"kid": "one"}
        )


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@contextmanager
def provider() -> Iterator[Provider]:
    made = Provider()
    with serving(made.answer) as url:
        made.url = url
        yield made
