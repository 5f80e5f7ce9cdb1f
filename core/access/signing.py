"""Postroom's own key: what it signs for others, such as a redrive in its original sender's name, carries its mark.

The key is made from a secret (POSTROOM_SIGNING_KEY, else one kept in the data directory), so that every process that
has the secret signs alike, and nothing has to be stored.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

ISSUER = "postroom"
ALGORITHM = "EdDSA"


def own_key() -> Ed25519PrivateKey:
    """What Postroom signs with."""
    return _made_from(settings.SIGNING_KEY)


def own_jwk() -> dict[str, str]:
    """Its public half, as it is published."""
    raw = own_key().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    kid = f"{ISSUER}-{thumbprint(x)[:16]}"
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": x,
        "kid": kid,
        "alg": ALGORITHM,
        "use": "sig",
        "iss": ISSUER,
    }


def signed(claims: Mapping[str, Any]) -> str:
    """A JWT of these claims by Postroom's own key."""
    headers = {"kid": own_jwk()["kid"]}
    return jwt.encode({"iss": ISSUER, **claims}, own_key(), algorithm=ALGORITHM, headers=headers)


def thumbprint(x: str) -> str:
    """RFC 7638, for an Ed25519 key."""
    canonical = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


@lru_cache(maxsize=2)
def _made_from(secret: str) -> Ed25519PrivateKey:
    seed = HKDF(hashes.SHA256(), 32, salt=None, info=b"postroom signing").derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(seed)
