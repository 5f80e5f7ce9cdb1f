"""Encoding for the wire: JSON, compact, UTF-8. What is absent and what is empty are the same, so it is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode


def encode(value: object) -> bytes:
    return _encode(value).encode("utf-8", "surrogatepass")


def encode_object(fields: Mapping[str, Any]) -> bytes:
    return encode({name: value for name, value in fields.items() if value not in ("", None)})
