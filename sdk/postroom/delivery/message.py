"""A message whole, as kombu writes it: what a retry sends again, on whichever broker."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any


def whole(
    body: bytes,
    *,
    headers: Mapping[str, Any],
    properties: Mapping[str, Any],
    content_type: str = "application/json",
    content_encoding: str = "utf-8",
) -> dict[str, object]:
    """The message as a value that JSON can carry; its body byte for byte."""
    return {
        "body": base64.b64encode(body).decode(),
        "content-type": content_type,
        "content-encoding": content_encoding,
        "headers": dict(headers),
        "properties": {"delivery_info": {}, **properties, "body_encoding": "base64"},
    }


def body_of(message: Mapping[str, Any]) -> bytes:
    """The bytes of the body."""
    body, encoding = message.get("body") or "", message.get("properties", {}).get("body_encoding")
    if encoding == "base64":
        return base64.b64decode(body)
    return body if isinstance(body, bytes) else str(body).encode()
