"""Letting each message in once: a copy of a message that was let in before is a replay.

An honest message comes more than once as well: again from the broker after a crash, again as a further attempt, and
again as a redrive, which has a number of its own. What is kept for each (message, redrive) is the last attempt that
was let in, and whether the message is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from postroom.errors import NotNowError, UnauthorisedError

if TYPE_CHECKING:
    import redis

PREFIX = "postroom.passed:"

# ARGV: attempt, delivered again, let in though over, milliseconds to keep. 1: in; 0: a replay.
ENTER = """
local last = redis.call('HGET', KEYS[1], 'attempt')
local over = redis.call('HGET', KEYS[1], 'over')
if over and ARGV[3] == '0' then return 0 end
if last and ARGV[2] == '0' and tonumber(ARGV[1]) <= tonumber(last) then return 0 end
redis.call('HSET', KEYS[1], 'attempt', math.max(tonumber(ARGV[1]), tonumber(last or 0)))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
"""
# It goes back as the attempt that it is, and comes with that number once more.
BACK = """
local last = redis.call('HGET', KEYS[1], 'attempt')
if last and tonumber(last) == tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'attempt', ARGV[1] - 1) end
return 1
"""
# Only what was let in can be over; a record that ran out is not made again.
LEAVE = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'over', 1) end return 1"


class ReplayAwayError(NotNowError):
    """It cannot be told whether this message was here before: the Redis that knows is away. The message waits."""


class Doorbook(Protocol):
    """Who was let in. Safe for threads and processes."""

    def enter(
        self, queue: str, message_id: str, redrive: int, attempt: int, *, again: bool, late: bool, keep: float
    ) -> None:
        """Raises UnauthorisedError for a replay. `again`: the broker itself says that it delivers once more; `late`:
        such a delivery may come after the message was over. Kept for `keep` seconds: as long as its token holds."""

    def back(self, queue: str, message_id: str, redrive: int, attempt: int) -> None:
        """It returns to its queue without having been tried."""

    def leave(self, queue: str, message_id: str, redrive: int) -> None:
        """The message is over: no attempt follows."""


class RedisDoorbook:
    """The book in Redis, shared by all instances."""

    def __init__(self, client: redis.Redis) -> None:
        self._enter, self._leave = client.register_script(ENTER), client.register_script(LEAVE)
        self._back = client.register_script(BACK)

    def enter(
        self, queue: str, message_id: str, redrive: int, attempt: int, *, again: bool, late: bool, keep: float
    ) -> None:
        said = [attempt, int(again), int(again and late), int(max(keep, 1.0) * 1000)]
        if not _ask(self._enter, [_key(queue, message_id, redrive)], said):
            raise UnauthorisedError("This message was let in before: it is a replay.")

    def back(self, queue: str, message_id: str, redrive: int, attempt: int) -> None:
        _ask(self._back, [_key(queue, message_id, redrive)], [attempt])

    def leave(self, queue: str, message_id: str, redrive: int) -> None:
        _ask(self._leave, [_key(queue, message_id, redrive)], [])


def _ask(script: redis.commands.core.Script, keys: list[str], arguments: list[int]) -> int:
    from redis.exceptions import RedisError

    try:
        return int(script(keys=keys, args=arguments))
    except RedisError as problem:
        sentence = (ReplayAwayError.__doc__ or "").strip()
        raise ReplayAwayError(f"{sentence} ({problem})", retry_after=2.0) from problem


def _key(queue: str, message_id: str, redrive: int) -> str:
    return f"{PREFIX}{queue}:{message_id}:{redrive}"
