"""Slots in Redis: who may send to whom now, agreed on by all processes of all senders.

A slot is a message's id in `postroom.slots:<queue>` with the end of its lease. Whoever settles the message for good
takes its id out, once or more often, which is the same. A sender renews what it has in flight; when it dies its slots
run out by themselves. `postroom.slots:<queue>:<sender>` holds the ids of one sender, and is put right by the script
that takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from postroom.errors import TransientError

if TYPE_CHECKING:
    import redis

PREFIX = "postroom.slots:"

_NOW = """
local said = redis.call('TIME')
local now = said[1] + said[2] / 1000000
"""

# Ends leases, counts, takes: all or nothing. 1: taken; 0: the sender has enough in flight; -1: the recipient has.
TAKE = (
    _NOW
    + """
local all, own, id = KEYS[1], KEYS[2], ARGV[1]
local lease, most, most_for_all = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', all, '-inf', now)
redis.call('ZREMRANGEBYSCORE', own, '-inf', now)
if not redis.call('ZSCORE', all, id) then
  -- Whoever settles knows only the recipient's set: what is gone from it is over for the sender too. The oldest are
  -- looked at first and only until there is room, because looking at all of them costs more than the message does.
  local place, some = 0, nil
  while redis.call('ZCARD', own) >= most do
    some = redis.call('ZRANGE', own, place, place + 15)
    if #some == 0 then return 0 end
    for _, each in ipairs(some) do
      if redis.call('ZSCORE', all, each) then place = place + 1 else redis.call('ZREM', own, each) end
    end
  end
  if most_for_all > 0 and redis.call('ZCARD', all) >= most_for_all then return -1 end
end
redis.call('ZADD', all, now + lease, id)
redis.call('ZADD', own, now + lease, id)
redis.call('PEXPIRE', own, math.ceil(lease * 1000))
if redis.call('PTTL', all) < lease * 1000 then redis.call('PEXPIRE', all, math.ceil(lease * 1000)) end
return 1
"""
)

# Gives what is still there a new lease and answers it; what was settled stays out.
RENEW = (
    _NOW
    + """
local all, own, lease = KEYS[1], KEYS[2], tonumber(ARGV[1])
local kept = {}
for place = 2, #ARGV do
  if redis.call('ZSCORE', all, ARGV[place]) then
    redis.call('ZADD', all, now + lease, ARGV[place])
    redis.call('ZADD', own, now + lease, ARGV[place])
    kept[#kept + 1] = ARGV[place]
  end
end
if #kept > 0 then
  redis.call('PEXPIRE', own, math.ceil(lease * 1000))
  if redis.call('PTTL', all) < lease * 1000 then redis.call('PEXPIRE', all, math.ceil(lease * 1000)) end
end
return kept
"""
)

SENDER_FULL, RECIPIENT_FULL, TAKEN = 0, -1, 1


class SlotsAwayError(TransientError):
    """The Redis that counts what is in flight cannot be reached. Nothing is sent until it can."""


def key(queue: str) -> str:
    return f"{PREFIX}{queue}"


class Slots:
    """The slots of one Redis, for one sender."""

    def __init__(self, client: redis.Redis, sender: str, lease: float) -> None:
        self._client, self._sender, self._lease = client, sender, lease
        self._take, self._renew = client.register_script(TAKE), client.register_script(RENEW)

    def take(self, queue: str, message_id: str, most: int, most_for_all: int = 0) -> int:
        """TAKEN, SENDER_FULL or RECIPIENT_FULL. Taking again what one has renews it. Raises SlotsAwayError."""
        arguments: list[str | float] = [message_id, self._lease, most, most_for_all]
        with _said():
            return int(self._take(keys=self._keys(queue), args=arguments))

    def renew(self, queue: str, message_ids: Collection[str]) -> set[str]:
        """New leases; answers which of them are in flight still. Raises SlotsAwayError."""
        said: list[str | float] = [self._lease, *message_ids]
        with _said():
            kept = self._renew(keys=self._keys(queue), args=said)
        return {each.decode() if isinstance(each, bytes) else each for each in kept}

    def release(self, queue: str, message_ids: Iterable[str]) -> None:
        """These are over. Raises SlotsAwayError."""
        with _said():
            self._client.zrem(key(queue), *message_ids)

    def in_flight(self, queue: str) -> int:
        """What all senders have in flight to this queue. Raises SlotsAwayError."""
        with _said():
            seconds, micros = self._client.time()
            return int(self._client.zcount(key(queue), f"({seconds + micros / 1e6}", "+inf"))

    def _keys(self, queue: str) -> list[str]:
        return [key(queue), f"{key(queue)}:{self._sender}"]


class _said:  # noqa: N801 - reads as a sentence where it is used
    """Redis's errors in words of ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        from redis.exceptions import RedisError

        if isinstance(problem, RedisError):
            raise SlotsAwayError(f"{(SlotsAwayError.__doc__ or '').strip()} ({problem})") from problem
