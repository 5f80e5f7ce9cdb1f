"""A message as it died and as it goes out again, and what Celery has written into it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

JSON = "application/json"
# Celery's second protocol: task and options are headers, the body is arguments, keyword arguments, what follows.
TASK, BODY_PARTS = "task", 3
FOLLOWERS = ("callbacks", "errbacks", "chain", "chord")
# All that Celery's first protocol has in a body: who else's names a task and an id names other things too.
FIRST_PROTOCOL = frozenset(
    {
        *("task", "id", "args", "kwargs", "retries", "eta", "expires", "utc", "timelimit", "taskset", "lang"),
        *("root_id", "parent_id", "group", *FOLLOWERS),
    }
)


class Message(msgspec.Struct, frozen=True):
    """Body byte for byte, headers and properties as the broker has them."""

    body: bytes
    headers: Mapping[str, Any] = msgspec.field(default_factory=dict)
    properties: Mapping[str, Any] = msgspec.field(default_factory=dict)
    content_type: str = ""
    content_encoding: str = ""

    @property
    def is_json(self) -> bool:
        return _is_json(self.content_type)

    def value(self) -> Any:
        """The body as JSON has it. Raises ValueError."""
        return json.loads(self.body)


@lru_cache(maxsize=100)
def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in {"", JSON}


def is_of_celery(message: Message) -> bool:
    """Is it a task, by either protocol?"""
    return TASK in message.headers or first_protocol(message) is not None


def first_protocol(message: Message) -> dict[str, Any] | None:
    """The body of Celery's first protocol, where everything is in the body; None: it is not that."""
    if TASK in message.headers or not message.is_json or not _may_name_a_task(message.body):
        return None
    try:
        body = message.value()
    except ValueError:
        return None
    return body if isinstance(body, dict) and {"task", "id"} <= body.keys() <= FIRST_PROTOCOL else None


def _may_name_a_task(body: bytes) -> bool:
    """Whether it is worth reading. A name may be written with escapes, and text in two or four bytes a letter."""
    return b'"task"' in body or b"\\u" in body or b"\0" in body


def is_canvas(message: Message) -> bool:
    """Does something else wait for its result: the rest of a chain, a group, a chord?"""
    if message.headers.get("group"):
        return True
    body: Any = first_protocol(message)
    if body is None:
        try:
            body = message.value() if message.is_json else None
        except ValueError:
            return False
        if not (TASK in message.headers and isinstance(body, list) and len(body) == BODY_PARTS):
            return False
        body = body[2]
    return isinstance(body, dict) and any(body.get(name) for name in (*FOLLOWERS, "taskset"))
