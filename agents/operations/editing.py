"""A message is changed before it goes out again, by a patch of its body or of its headers. The original stays. Pure.

A JSON Patch (RFC 6902) is a list of steps; a merge patch (RFC 7386) is an object that is laid over another. A Celery
task's body is a list of arguments, keyword arguments and what follows: a merge patch would put an object in its place,
and is refused.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from agents.operations import json_patch
from agents.operations.message import BODY_PARTS, TASK, Message

BODY, HEADERS = "body", "headers"
# What Postroom itself writes into every message that it sends again.
OURS = ("postroom-redrive-id", "postroom-redrive-count", "postroom-sender-token")


class EditRefusedError(Exception):
    """The edit does not fit this message. `field` says which part of it."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"edit.{field}: {detail}")
        self.field, self.detail = f"edit.{field}", detail


def edited(message: Message, edit: Mapping[str, Any] | None) -> Message:
    """The message with the edit in it; as it is without one. Raises EditRefusedError, and nothing was changed."""
    found = message
    if edit and edit.get(HEADERS) is not None:
        found = replace(found, headers=_headers(found, edit[HEADERS]))
    if edit and edit.get(BODY) is not None:
        found = replace(found, body=_body(found, edit[BODY]))
    return found


def difference(before: Message, after: Message) -> list[str]:
    """What changed, line by line, as a person reads it: ` ` stays, `-` goes, `+` comes."""
    found = _lines(before), _lines(after)
    return list(difflib.unified_diff(*found, "as it died", "as it goes out", n=3, lineterm=""))


def _headers(message: Message, patch: Any) -> dict[str, Any]:
    changed = _applied(HEADERS, dict(message.headers), patch)
    if not isinstance(changed, dict):
        raise EditRefusedError(HEADERS, "headers are an object, and the patch leaves something else")
    for name in OURS:
        if changed.get(name) != message.headers.get(name):
            raise EditRefusedError(HEADERS, f"{name} is written by Postroom itself")
    return changed


def _body(message: Message, patch: Any) -> bytes:
    try:
        value = message.value()
    except ValueError:
        raise EditRefusedError(BODY, "the body is no JSON, and only JSON can be patched") from None
    if isinstance(patch, Mapping) and not isinstance(value, dict):
        detail = (
            "a merge patch would put an object in the place of this body, which is a list: use a JSON Patch"
        )
        raise EditRefusedError(
            BODY, f"{detail}, such as a replace of /1/name for a Celery task's keyword argument"
        )
    changed = _applied(BODY, value, patch)
    if TASK in message.headers and not _is_task(changed):
        raise EditRefusedError(BODY, "a Celery task's body is [arguments, keyword arguments, what follows]")
    return json.dumps(changed, ensure_ascii=False).encode()


def _is_task(value: Any) -> bool:
    fits = isinstance(value, list) and len(value) == BODY_PARTS
    return fits and isinstance(value[0], list) and isinstance(value[1], dict)


def _applied(field: str, value: Any, patch: Any) -> Any:
    if isinstance(patch, Mapping):
        return json_patch.merged(value, patch)
    try:
        return json_patch.applied(value, patch)
    except json_patch.PatchError as problem:
        raise EditRefusedError(field, str(problem)) from None


def _lines(message: Message) -> list[str]:
    headers = json.dumps(dict(message.headers), indent=2, sort_keys=True, ensure_ascii=False, default=str)
    return [*headers.splitlines(), "", *_readable(message).splitlines()]


def _readable(message: Message) -> str:
    try:
        return json.dumps(message.value(), indent=2, ensure_ascii=False)
    except ValueError:
        return message.body.decode("utf-8", "replace")
