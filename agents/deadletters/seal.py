"""What a letter carries, at rest: compressed, and sealed when there are keys.

Each death's contents have a key of their own, sealed with the newest of POSTROOM_ENCRYPTION_KEYS. So a new key is
taken into use by sealing the small keys anew, and destroying one small key destroys its contents.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

KEY_BYTES, NONCE_BYTES = 32, 12
LEVEL = 6


class SealError(Exception):
    """The contents were sealed with a key that is not in POSTROOM_ENCRYPTION_KEYS. Put that key back at its end."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One of the settings' keys. `id` tells which one, and nothing about it."""

    id: str
    material: bytes


@dataclass(frozen=True, slots=True)
class ContentKey:
    """The key of one death's contents as it is stored; without an id the contents are not sealed."""

    id: str = ""
    sealed: bytes = b""


def master_keys() -> tuple[MasterKey, ...]:
    """The newest first."""
    return _derived(tuple(settings.POSTROOM.encryption_keys))


def newest_id() -> str:
    """Which key is in use; empty: contents are not sealed."""
    keys = master_keys()
    return keys[0].id if keys else ""


def new_key() -> tuple[ContentKey, bytes]:
    """A key for new contents: as it is stored, and itself. Without master keys both are empty."""
    keys = master_keys()
    if not keys:
        return ContentKey(), b""
    plain = secrets.token_bytes(KEY_BYTES)
    return ContentKey(keys[0].id, _encrypt(keys[0].material, plain)), plain


def opened(key: ContentKey) -> bytes:
    """The key itself; empty when the contents are not sealed. Raises SealError."""
    if not key.id:
        return b""
    for master in master_keys():
        if master.id == key.id:
            return _decrypt(master.material, key.sealed)
    raise SealError


def resealed(key: ContentKey) -> ContentKey:
    """The same key, sealed with the newest master key. Raises SealError."""
    newest = master_keys()[0]
    return ContentKey(newest.id, _encrypt(newest.material, opened(key)))


def shut(plain: bytes, key: bytes) -> bytes:
    """Compressed, then sealed when there is a key."""
    packed = zlib.compress(plain, LEVEL)
    return _encrypt(key, packed) if key else packed


def unshut(stored: bytes, key: bytes) -> bytes:
    """What `shut` was given. Raises SealError."""
    return zlib.decompress(_decrypt(key, stored) if key else stored)


def _encrypt(key: bytes, plain: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, None)


def _decrypt(key: bytes, stored: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], None)
    except InvalidTag:
        raise SealError from None


@lru_cache(maxsize=8)
def _derived(texts: tuple[str, ...]) -> tuple[MasterKey, ...]:
    return tuple(_master(text) for text in texts)


def _master(text: str) -> MasterKey:
    material = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"postroom letters").derive(text.encode())
    return MasterKey(hashlib.sha256(b"id" + material).hexdigest()[:16], material)
