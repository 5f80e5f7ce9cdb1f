"""A sender's token: what is said in it, how it is signed, and what is checked. Pure.

`docs/concepts/wire.md` has the agreement. The signature says who; the claims tie it to one message, one queue, one
body, one action and a time.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from postroom.errors import UnauthorisedError
from postroom.security.keys import SigningKey

if TYPE_CHECKING:
    from jwt.types import Options

ALGORITHM = "EdDSA"
POSTROOM = "postroom"
LIFETIME = 24 * 3600.0
# How far clocks may be apart, in seconds.
LEEWAY = 30.0
REQUIRED = ("iss", "sub", "aud", "jti", "iat", "exp", "bdy", "act")
LONGEST_TOKEN = 8_192


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to let this message in: all of it is known to the receiver without the token."""

    sender: str
    audience: str
    environment: str
    message_id: str
    redrive: int
    action: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key a published key is. Postroom's own has no environment."""

    iss: str
    env: str = ""


def body_hash(body: bytes) -> str:
    return sha256(body).hexdigest()


def sign(expected: Expected, key: SigningKey, now: float, lifetime: float = LIFETIME) -> str:
    """The token for a message that is about to be sent."""
    import jwt

    said = {
        "iss": expected.sender,
        "sub": expected.sender,
        "env": expected.environment,
        "aud": expected.audience,
        "jti": expected.message_id,
        "rdn": expected.redrive,
        "act": expected.action,
        "bdy": body_hash(expected.body),
        "iat": int(now),
        "exp": int(now + lifetime),
    }
    return jwt.encode(said, key.signer(), algorithm=ALGORITHM, headers={"kid": key.kid})


def header(token: str) -> Mapping[str, Any]:
    """A token's header, its algorithm checked before anything else. Raises UnauthorisedError."""
    import jwt

    if not token:
        raise UnauthorisedError("The message carries no sender's token.")
    if len(token) > LONGEST_TOKEN:
        raise UnauthorisedError("The sender's token is longer than any token of ours.")
    try:
        found = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as problem:
        raise UnauthorisedError(f"The sender's token cannot be read: {problem}.") from None
    if found.get("alg") != ALGORITHM:
        raise UnauthorisedError(
            f"The sender's token is signed with {found.get('alg')!r}, not with {ALGORITHM}."
        )
    if not isinstance(found.get("kid"), str) or not found["kid"]:
        raise UnauthorisedError("The sender's token names no key.")
    return found


def opened(token: str, public: Any) -> Mapping[str, Any]:
    """The claims of a token whose signature holds. Raises UnauthorisedError."""
    import jwt

    # All claims are checked by `check`, whichever way a token was verified.
    ours: Options = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    ours["require"] = list(REQUIRED)
    try:
        return jwt.decode(token, public, algorithms=[ALGORITHM], options=ours)
    except jwt.InvalidSignatureError:
        raise UnauthorisedError("The sender's token was not signed by the key that it names.") from None
    except jwt.InvalidTokenError as problem:
        raise UnauthorisedError(f"The sender's token cannot be accepted: {problem}.") from None


def said_to_be_from(token: str) -> float:
    """When a token says that it was made, unproven: only to decide whether to ask for keys once more."""
    import jwt

    try:
        found = jwt.decode(token, options={"verify_signature": False}).get("iat")
    except jwt.InvalidTokenError as problem:
        raise UnauthorisedError(f"The sender's token cannot be read: {problem}.") from None
    return float(found) if isinstance(found, int | float) else 0.0


def owned(said: Mapping[str, Any], owner: Owner) -> None:
    """A key signs for nobody but its owner; only Postroom's own for the sender of what it sends again."""
    ours = owner.iss == POSTROOM and not owner.env
    if said["iss"] != owner.iss or (not ours and said.get("env") != owner.env):
        raise UnauthorisedError(f"The key belongs to {owner.iss}, and the token says {said['iss']}.")
    if not ours and said["sub"] != said["iss"]:
        raise UnauthorisedError(f"{said['iss']} may not sign for {said['sub']}.")


def check(said: Mapping[str, Any], expected: Expected, now: float) -> None:
    """Is this the token of this message, now? Raises UnauthorisedError with the first thing that is wrong."""
    if missing := [name for name in REQUIRED if name not in said]:
        raise UnauthorisedError(f"The sender's token does not say {', '.join(missing)}.")
    for wrong, text in _faults(said, expected, now):
        if wrong:
            raise UnauthorisedError(text)


def _faults(said: Mapping[str, Any], expected: Expected, now: float) -> list[tuple[bool, str]]:
    audience = said["aud"] if isinstance(said["aud"], list) else [said["aud"]]
    return [
        (_number(said["exp"]) <= now - LEEWAY, "The sender's token has expired."),
        (_number(said["iat"]) > now + LEEWAY, "The sender's token is from the future: look at the clocks."),
        (expected.audience not in audience, f"The token is for {said['aud']}, not for {expected.audience}."),
        (said.get("env", "") != expected.environment, f"The token is for environment {said.get('env')!r}."),
        (
            said["sub"] != expected.sender,
            f"The message says it is from {expected.sender!r}, the token says not.",
        ),
        (said["jti"] != expected.message_id, "The token belongs to another message."),
        (said.get("rdn", 0) != expected.redrive, "The token belongs to another redrive of this message."),
        (said["act"] != expected.action, f"The token allows {said['act']!r}, not {expected.action!r}."),
        (
            not hmac.compare_digest(str(said["bdy"]).encode(), body_hash(expected.body).encode()),
            "The body was changed after it was signed.",
        ),
    ]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnauthorisedError("The sender's token has times that are no numbers.")
    return float(value)
