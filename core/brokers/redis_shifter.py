"""Waiting messages off kombu's lists: each leaves one list and arrives at the other in one step."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import redis

from core import crash
from core.brokers.kombu_lists import PRIORITY_STEPS, list_of
from core.brokers.redis_life import LivingLine
from core.brokers.redis_publisher import MARKER_SECONDS
from core.brokers.waiting import FIELD, LETTERS, Letter, Moved, Waits, Wanted
from core.crash import Point

MARKER: Final = "postroom.moved:"
WINDOW, TOGETHER = 1_000, 100

# KEYS: marker, source, target. ARGV: marker's seconds, message as it waits, what arrives, field of a stream's entry.
# It arrives first: a target of the wrong kind ends the script before anything has changed.
_SHIFT: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 'already' end
local entry
if ARGV[4] == '' then redis.call('LPUSH', KEYS[3], ARGV[3])
else entry = redis.call('XADD', KEYS[3], '*', ARGV[4], ARGV[3]) end
if redis.call('LREM', KEYS[2], -1, ARGV[2]) == 1 then
  redis.call('SET', KEYS[1], '', 'EX', ARGV[1])
  return 'moved'
end
if entry then redis.call('XDEL', KEYS[3], entry) else redis.call('LPOP', KEYS[3]) end
return 'gone'
"""


class Found(NamedTuple):
    """A message as its list has it."""

    text: bytes
    step: int


# What arrives for a message, and under which key it does.
Arrives = Callable[[Found, Wanted], tuple[str, bytes]]


class ListShifter(LivingLine):
    """See `core.brokers.waiting.Shifter`."""

    remembers: ClassVar[bool] = True

    def waits(self, queue: str, limit: int) -> Sequence[Waits]:
        found: list[Waits] = []
        with self._speaking() as client:
            for step in PRIORITY_STEPS:
                if (left := limit - len(found)) > 0:
                    texts: Any = client.lrange(list_of(queue, step), -left, -1)
                    found += [waits(text) for text in reversed(texts)]
        return found

    def move(self, queue: str, wanted: Sequence[Wanted], target: str) -> Sequence[Moved]:
        def arrives(found: Found, _: Wanted) -> tuple[str, bytes]:
            return list_of(target, found.step), addressed(found.text, target)

        return self._shift(queue, wanted, arrives, "")

    def keep(self, queue: str, wanted: Sequence[Wanted], letter: Letter) -> Sequence[Moved]:
        def arrives(found: Found, one: Wanted) -> tuple[str, bytes]:
            return LETTERS, letter(waits(found.text), one.mark)

        return self._shift(queue, wanted, arrives, FIELD)

    def look(self, queue: str, wanted: Sequence[Wanted]) -> Sequence[Moved]:
        with self._speaking() as client:
            there = _find(client, queue, {each.key for each in wanted})
            with client.pipeline(transaction=False) as pipe:
                for each in wanted:
                    pipe.exists(f"{MARKER}{each.mark}")
                markers = pipe.execute()
        return [_looked(there.get(each.key), marker) for each, marker in zip(wanted, markers, strict=True)]

    def _shift(self, queue: str, wanted: Sequence[Wanted], arrives: Arrives, field: str) -> list[Moved]:
        with self._speaking() as client:
            there = _find(client, queue, {each.key for each in wanted})
            sent: list[Moved] = []
            for start in range(0, len(wanted), TOGETHER):
                sent += _together(client, queue, wanted[start : start + TOGETHER], there, arrives, field)
                crash.here(Point.PUBLISH)
            return sent


def waits(text: bytes) -> Waits:
    """A message as kombu wrote it; what is none is kept as its bytes."""
    try:
        said = json.loads(text)
        headers, properties = dict(said["headers"]), dict(said["properties"])
        info = properties.get("delivery_info") or {}
        return Waits(
            key=str(properties.get("delivery_tag") or _digest(text)),
            message_id=str(headers.get("postroom-message-id") or headers.get("id") or ""),
            body=_body(said["body"], properties.get("body_encoding")),
            headers=headers,
            properties=properties,
            content_type=str(said.get("content-type") or ""),
            content_encoding=str(said.get("content-encoding") or ""),
            exchange=str(info.get("exchange") or ""),
            routing_key=str(info.get("routing_key") or ""),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return Waits(_digest(text), "", text)


def addressed(text: bytes, target: str) -> bytes:
    """The same message for another queue: a worker that dies has it put back by what it says of its delivery. The
    spaces in front count its deliveries, and stay."""
    spaces = text[: len(text) - len(text.lstrip(b" "))]
    try:
        said = json.loads(text)
        said["properties"]["delivery_info"] = {"exchange": "", "routing_key": target}
    except (ValueError, TypeError, KeyError):
        return text
    return spaces + json.dumps(said).encode()


def _together(
    client: redis.Redis,
    queue: str,
    wanted: Sequence[Wanted],
    there: Mapping[str, list[Found]],
    arrives: Arrives,
    field: str,
) -> list[Moved]:
    with client.pipeline(transaction=False) as pipe:
        for each in wanted:
            found = there[each.key].pop(0) if there.get(each.key) else None
            _ask(pipe, queue, each, found, arrives, field)
        return [_moved(answer) for answer in pipe.execute(raise_on_error=False)]


def _ask(pipe: Any, queue: str, one: Wanted, found: Found | None, arrives: Arrives, field: str) -> None:
    marker = f"{MARKER}{one.mark}"
    if found is None:
        pipe.exists(marker)
        return
    target, what = arrives(found, one)
    keys = (marker, list_of(queue, found.step), target)
    pipe.eval(_SHIFT, len(keys), *keys, MARKER_SECONDS, found.text, what, field)


def _moved(answer: Any) -> Moved:
    """A refusal is about one message; a lost connection is about all, and raised."""
    if isinstance(answer, redis.ResponseError):
        return Moved.REFUSED
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, int):
        return Moved.ALREADY if answer else Moved.GONE
    return Moved(answer.decode() if isinstance(answer, bytes) else answer)


def _looked(found: list[Found] | None, marker: int) -> Moved:
    """Of equal messages each is one that waits, as long as there are some."""
    if marker:
        return Moved.ALREADY
    return Moved.UNSENT if found and found.pop(0) else Moved.GONE


def _find(client: redis.Redis, queue: str, keys: Collection[str]) -> dict[str, list[Found]]:
    """From the end where messages are taken. Consumers at work move what is behind it under our eyes: what was not
    seen is looked for from the other end, where that cannot hide it."""
    found = _scan(client, queue, keys, _from_the_right)
    if missing := keys - found.keys():
        found |= _scan(client, queue, missing, _from_the_left)
    return found


def _scan(client: redis.Redis, queue: str, keys: Collection[str], bounds: Any) -> dict[str, list[Found]]:
    found: dict[str, list[Found]] = defaultdict(list)
    for step in PRIORITY_STEPS:
        for start in range(0, 1 << 40, WINDOW):
            texts: Any = client.lrange(list_of(queue, step), *bounds(start))
            for text in reversed(texts):
                if (key := waits(text).key) in keys:
                    found[key].append(Found(text, step))
            if len(texts) < WINDOW or len(found) == len(keys):
                break
    return dict(found)


def _from_the_right(start: int) -> tuple[int, int]:
    return -(start + WINDOW), -(start + 1)


def _from_the_left(start: int) -> tuple[int, int]:
    return start, start + WINDOW - 1


def _digest(text: bytes) -> str:
    return hashlib.sha256(text.lstrip(b" ")).hexdigest()


def _body(body: str, encoding: Any) -> bytes:
    if encoding != "base64":
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return body.encode()
