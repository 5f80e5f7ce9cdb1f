"""Messages onto Redis as kombu keeps them: each with the marker of its redrive, in one step."""

from __future__ import annotations

import base64
import json
import random
import secrets
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import msgspec
import redis

from core.brokers.api import Post, Sent
from core.brokers.kombu_lists import list_of, step_of
from core.brokers.redis_life import LivingLine

MARKER: Final = "postroom.redriven:"
DELAYED, DELAYED_MESSAGES = "postroom.delayed", "postroom.delayed.messages"
# Longer than any operation goes on, and than a letter is held by anybody's patience.
MARKER_SECONDS: Final = 60 * 24 * 3600
TOGETHER: Final = 200

# What of the old properties belongs to the old delivery.
OF_ITS_DELIVERY: Final = frozenset(
    {"delivery_tag", "delivery_info", "body_encoding", "content_type", "content_encoding"}
)
_encode: Final = msgspec.json.Encoder().encode

# KEYS: marker and list of each message. ARGV: marker's seconds, then each message. Of each one the push and its
# marker, or neither: 1, 0 for a marker that was there, -1 for a list that takes nothing.
_POST: Final = """
local sent = {}
for place = 1, #ARGV - 1 do
  local marker = KEYS[2 * place - 1]
  if not redis.call('SET', marker, '', 'NX', 'EX', ARGV[1]) then
    sent[place] = 0
  elseif type(redis.pcall('LPUSH', KEYS[2 * place], ARGV[place + 1])) == 'number' then
    sent[place] = 1
  else
    redis.call('DEL', marker)
    sent[place] = -1
  end
end
return sent
"""
# KEYS: marker, delayed, delayed messages. ARGV: marker's seconds, tag, delay, what waits.
_POST_LATER: Final = """
if not redis.call('SET', KEYS[1], '', 'NX', 'EX', ARGV[1]) then return 0 end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], tonumber(time[1]) + tonumber(time[2]) / 1000000 + tonumber(ARGV[3]), ARGV[2])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[4])
return 1
"""

_ANSWERS: Final = {1: Sent.CONFIRMED, 0: Sent.ALREADY, -1: Sent.REFUSED}


class ListPublisher(LivingLine):
    """See `core.brokers.api.Publisher`."""

    remembers: ClassVar[bool] = True

    def publish(self, posts: Sequence[Post]) -> Sequence[Sent]:
        found: list[Sent] = []
        with self._speaking() as client:
            for start in range(0, len(posts), TOGETHER):
                found += self._together(client, posts[start : start + TOGETHER])
        return found

    def seen(self, letter_key: str, number: int) -> bool | None:
        with self._speaking() as client:
            return bool(client.exists(_marker(letter_key, number)))

    def _together(self, client: redis.Redis, posts: Sequence[Post]) -> list[Sent]:
        """Those that go now in one script, each that waits in one of its own: all on their way at once."""
        prompt = [place for place, post in enumerate(posts) if post.delay <= 0]
        later = [place for place, post in enumerate(posts) if post.delay > 0]
        with client.pipeline(transaction=False) as pipe:
            if prompt:
                _add(pipe, [posts[place] for place in prompt])
            for place in later:
                _add_later(pipe, posts[place])
            answers = pipe.execute(raise_on_error=False)
        found = dict(zip(prompt, _of_each(answers[0], len(prompt)), strict=True)) if prompt else {}
        found |= dict(zip(later, answers[bool(prompt) :], strict=True))
        return [_sent(found[place]) for place in range(len(posts))]


def message_of(post: Post) -> dict[str, Any]:
    """As kombu writes it, with a delivery tag of its own."""
    kept = {name: value for name, value in post.properties.items() if name not in OF_ITS_DELIVERY}
    return {
        "body": base64.b64encode(post.body).decode(),
        "content-encoding": post.content_encoding or "utf-8",
        "content-type": post.content_type or "application/json",
        "headers": dict(post.headers),
        "properties": {
            **kept,
            "delivery_mode": kept.get("delivery_mode") or 2,
            "delivery_info": {"exchange": post.exchange, "routing_key": post.routing_key or post.queue},
            "priority": _priority(post),
            "body_encoding": "base64",
            "delivery_tag": _tag(),
        },
    }


def written(post: Post) -> bytes:
    """As it lies on its list."""
    message = message_of(post)
    try:
        return _encode(message)
    except UnicodeEncodeError:
        # Half a character, which JSON can say and UTF-8 cannot.
        return json.dumps(message).encode()


def _tag() -> str:
    """A fresh one, as kombu makes them. It has to be unlike all others and no secret, so it asks the system nothing."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _list(post: Post) -> str:
    return list_of(post.queue, step_of(_priority(post)))


def _priority(post: Post) -> int:
    said = post.properties.get("priority")
    return said if isinstance(said, int) else 0


def _add(pipe: Any, posts: Sequence[Post]) -> None:
    keys = [key for post in posts for key in (_marker(post.letter_key, post.number), _list(post))]
    pipe.eval(_POST, len(keys), *keys, MARKER_SECONDS, *map(written, posts))


def _add_later(pipe: Any, post: Post) -> None:
    marker = _marker(post.letter_key, post.number)
    waits = json.dumps([written(post).decode(), post.queue, _list(post)])
    keys = (marker, DELAYED, DELAYED_MESSAGES)
    pipe.eval(_POST_LATER, 3, *keys, MARKER_SECONDS, secrets.token_hex(12), post.delay, waits)


def _of_each(answer: Any, number: int) -> Sequence[Any]:
    """A script that did not run (no memory) says so once for all."""
    return answer if isinstance(answer, list) else [answer] * number


def _sent(answer: Any) -> Sent:
    """A refusal is about messages (too large, no memory); a lost connection is about all, and raised."""
    if isinstance(answer, redis.ResponseError):
        return Sent.REFUSED
    if isinstance(answer, Exception):
        raise answer
    return _ANSWERS[answer]


def _marker(letter_key: str, number: int) -> str:
    return f"{MARKER}{letter_key}:{number}"
