"""What a token looks like: `prm_`, then 256 bits of chance."""

from __future__ import annotations

import hashlib
import secrets

MARK = "prm_"
PREFIX_LENGTH = len(MARK) + 8


def make() -> str:
    return MARK + secrets.token_urlsafe(32)


def digest(raw: str) -> str:
    """What the database keeps.

    A plain SHA-256 is right here, and a slow password hash is not: the secret is 256 bits of chance, so no list
    of likely ones can be tried against a stolen table, and intake checks thousands of tokens a second.
    """
    return hashlib.sha256(raw.encode()).hexdigest()


def prefix(raw: str) -> str:
    """The part that may be shown, and by which people tell tokens apart."""
    return raw[:PREFIX_LENGTH]


def looks_like_one(raw: str) -> bool:
    return raw.startswith(MARK)
