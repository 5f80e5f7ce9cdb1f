"""What waits on Redis for its time. The library's workers move it when it is due, and so does Postroom: a queue that
only Celery reads has nobody else who would."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final

import redis

from core.brokers.api import BrokerError, BrokerUrl
from core.brokers.redis import connected
from core.brokers.redis_publisher import DELAYED, DELAYED_MESSAGES

MOST: Final = 500

# KEYS: delayed, delayed messages. ARGV: how many. Whoever is second finds nothing: each is moved once.
_SWEEP: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, tag in ipairs(due) do
  local held = redis.call('HGET', KEYS[2], tag)
  redis.call('ZREM', KEYS[1], tag)
  redis.call('HDEL', KEYS[2], tag)
  if held then
    local waiting = cjson.decode(held)
    redis.call('LPUSH', waiting[3], waiting[1])
  end
end
return #due
"""


def sweep(broker: BrokerUrl) -> int:
    """Move what is due to its queue; how many there were. Raises BrokerError."""
    try:
        with closing(connected(broker)) as client:
            moved: Any = client.eval(_SWEEP, 2, DELAYED, DELAYED_MESSAGES, MOST)
    except redis.RedisError as problem:
        raise BrokerError(f"cannot reach {broker.name}: {problem}") from problem
    return int(moved)
