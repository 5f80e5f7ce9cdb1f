"""Values that the agents' library passes around, for tests of its parts."""

from __future__ import annotations

import os
from typing import Any

from postroom import headers
from postroom.delivery.api import Delivery
from postroom.runtime.api import About, Incoming, Outgoing
from tests.support.house import ROOT

BODY = b'{"page": 1}'


def about(**changed: Any) -> About:
    said: dict[str, Any] = {
        "agent": "extract",
        "instance": "extract-0",
        "queue": "extract",
        "version": "1.8.2",
    }
    return About(**said | changed)


def outgoing(message_id: str, **changed: Any) -> Outgoing:
    said: dict[str, Any] = {
        "message_id": message_id,
        "sender": "classify",
        "recipient": "extract",
        "queue": "extract",
        "task": "postroom.handle",
        "body": BODY,
        "headers": {},
        "environment": "default",
    }
    return Outgoing(**said | changed)


def incoming(message_id: str, *, redelivered: bool = False, **changed: Any) -> Incoming:
    """What arrives of `outgoing`."""
    said: dict[str, Any] = {
        "delivery": Delivery("extract", message_id, "tag", redelivered=redelivered),
        "message_id": message_id,
        "task": "postroom.handle",
        "sender": "classify",
        "queue": "extract",
        "body": BODY,
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "headers": {headers.MESSAGE_ID: message_id},
        "properties": {},
    }
    return Incoming(**said | changed)


def environment(**settings: str) -> dict[str, str]:
    """For a process of its own that imports the library from here."""
    return os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"} | settings
