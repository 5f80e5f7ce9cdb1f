"""Small secrets at rest, such as a channel's address: sealed with a key made from Postroom's own, so that a copy of
the database tells them to nobody.

The newest of POSTROOM_ENCRYPTION_KEYS seals when there are any, else the key that Postroom signs with.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class UnsealError(Exception):
    """It was sealed with a key that is not there any more. Enter it anew, or put the old key back."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def seal(text: str, purpose: str) -> bytes:
    return _keys(purpose).encrypt(text.encode())


def unseal(sealed: bytes, purpose: str) -> str:
    """Raises UnsealError."""
    try:
        return _keys(purpose).decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise UnsealError from None


def _keys(purpose: str) -> MultiFernet:
    """The newest first; every one that something may still be sealed with."""
    materials = (*settings.POSTROOM.encryption_keys, settings.SIGNING_KEY)
    return MultiFernet([_made_from(material, purpose) for material in materials])


def _made_from(material: str, purpose: str) -> Fernet:
    derived = HKDF(hashes.SHA256(), length=32, salt=None, info=f"postroom {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(material.encode())))
