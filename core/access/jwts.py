"""JSON Web Tokens: is this one good, and for whom does it stand?

A JWT says only who somebody is (`sub`). What they may do is never read from it: it comes from the grants of the
service account that carries the subject, so that a right is taken away in one place and at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from django.conf import settings

from core.access.credentials import CredentialRefusedError, Shown, Why
from core.access.jwt_keys import JwksUrl, Key, KeyFile, KeySource, KeysUnavailableError
from core.env import ASYMMETRIC_ALGORITHMS
from core.options import Config


@dataclass(frozen=True, slots=True)
class Rules:
    """What a JWT must be to be believed."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    leeway_seconds: float


@dataclass(frozen=True, slots=True)
class Verified:
    """A JWT that was believed."""

    issuer: str
    subject: str
    expires_at: float


def looks_like_one(raw: str) -> bool:
    return raw.count(".") == 2


def verify(raw: str, rules: Rules, keys: KeySource) -> Verified:
    """Check algorithm, then key and signature, then claims; CredentialRefusedError at the first that fails."""
    shown = Shown("jwt", claimed_issuer(raw))
    header = _header(raw, shown)
    algorithm = header.get("alg")
    if algorithm not in rules.algorithms or algorithm not in ASYMMETRIC_ALGORITHMS:
        raise CredentialRefusedError(Why.ALGORITHM, shown)
    kid = header.get("kid")
    try:
        candidates = keys.find(kid if isinstance(kid, str) else None, algorithm)
    except KeysUnavailableError as problem:
        raise CredentialRefusedError(Why.KEYS, shown) from problem
    claims = _claims(raw, algorithm, candidates, rules, shown)
    return Verified(rules.issuer, claims["sub"], float(claims["exp"]) + rules.leeway_seconds)


def claimed_issuer(raw: str) -> str:
    """Who the JWT says made it, unverified: for the audit trail only."""
    try:
        claims = jwt.decode(raw, options={"verify_signature": False})
    except jwt.PyJWTError:
        return "unreadable"
    return str(claims.get("iss", "no issuer"))[:100]


def _header(raw: str, shown: Shown) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(raw)
    except jwt.PyJWTError as problem:
        raise CredentialRefusedError(Why.MALFORMED, shown) from problem


# PyJWT's error to ours; the first class that matches counts.
_REASONS: tuple[tuple[type[Exception], Why], ...] = (
    (jwt.ExpiredSignatureError, Why.EXPIRED),
    (jwt.ImmatureSignatureError, Why.NOT_YET),
    (jwt.InvalidIssuerError, Why.ISSUER),
    (jwt.InvalidAudienceError, Why.AUDIENCE),
    (jwt.InvalidSignatureError, Why.SIGNATURE),
    (jwt.MissingRequiredClaimError, Why.CLAIMS),
    (jwt.PyJWTError, Why.CLAIMS),
)


def _claims(raw: str, algorithm: str, keys: list[Key], rules: Rules, shown: Shown) -> dict[str, Any]:
    """The claims, if one of the keys made the signature. Without a key that fits, no signature is right."""
    for key in keys:
        try:
            return _decode(raw, algorithm, key, rules)
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as problem:
            why = next(why for kind, why in _REASONS if isinstance(problem, kind))
            raise CredentialRefusedError(why, shown) from problem
    raise CredentialRefusedError(Why.SIGNATURE, shown)


def _decode(raw: str, algorithm: str, key: Key, rules: Rules) -> dict[str, Any]:
    return jwt.decode(
        raw,
        key.material,
        algorithms=[algorithm],
        issuer=rules.issuer,
        audience=rules.audience,
        leeway=rules.leeway_seconds,
        options={"require": ["exp", "iss", "aud", "sub"]},
    )


def rules_of(config: Config) -> Rules | None:
    """The rules that the settings make, or None when JWTs are not accepted."""
    if not config.jwt_issuer or not (config.jwt_jwks_url or config.jwt_key_file):
        return None
    return Rules(
        config.jwt_issuer,
        config.jwt_audience,
        config.jwt_algorithms,
        config.jwt_leeway.total_seconds(),
    )


@lru_cache(maxsize=4)
def _source(url: str | None, file: Any) -> KeySource:
    """One source per address, since it remembers what it fetched."""
    return JwksUrl(url) if url else KeyFile(file)


def verify_by_settings(raw: str) -> Verified:
    """Check a JWT by this Postroom's own settings."""
    config: Config = settings.POSTROOM
    rules = rules_of(config)
    if rules is None:
        raise CredentialRefusedError(Why.NOT_CONFIGURED, Shown("jwt", claimed_issuer(raw)))
    return verify(raw, rules, _source(config.jwt_jwks_url, config.jwt_key_file))
