"""Payloads as bytes: JSON, and where JSON has no word for something (bytes, dates, decimals), marked as kombu does."""

from __future__ import annotations

import json
from typing import Any, Final

from kombu.utils import json as kombu_json

_MARK: Final = b'"__type__"'
_plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def encode(payload: Any) -> bytes:
    try:
        return _plain(payload).encode()
    except (TypeError, UnicodeEncodeError):
        return str(kombu_json.dumps(payload)).encode()


def decode(content: bytes) -> Any:
    """Raises ValueError."""
    return kombu_json.loads(content) if _MARK in content else json.loads(content)
