"""What waits on Redis for its time. The library's workers move it when it is due, and so does Postroom: a queue that
only Celery reads has nobody else who would."""

from __future__ import annotations

from typing import Any, Final

from core.brokers.redis_line import RedisLine
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


class Delays(RedisLine):
    """The delayed messages of one Redis."""

    def sweep(self) -> int:
        """Move what is due to its queue; how many there were. Raises BrokerError."""
        with self._speaking() as client:
            moved: Any = client.eval(_SWEEP, 2, DELAYED, DELAYED_MESSAGES, MOST)
        return int(moved)
