"""Leases in Redis: one holder at a time, with a token, until a moment that only the holder can put off.

A lease is a promise of Redis, not of the database: what must not be done twice is guarded by compare-and-set with
the token as well. Tokens of one lease only grow, so a late write of an earlier holder can be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core import clock, live_redis

KEY, TOKENS = "postroom:lease:{}", "postroom:lease-tokens"

# Take it when it is free: the token and the holder in one step.
_TAKE = """
if redis.call('exists', KEYS[1]) == 1 then return 0 end
local token = redis.call('hincrby', KEYS[2], ARGV[1], 1)
redis.call('set', KEYS[1], token, 'px', ARGV[2])
return token
"""
_RENEW = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""


@dataclass(slots=True)
class Lease:
    """Held until `until` by this process's own monotonic clock, counted from before Redis was asked."""

    name: str
    token: int
    life: timedelta
    until: float

    @property
    def held(self) -> bool:
        return clock.monotonic() < self.until


def take(name: str, life: timedelta) -> Lease | None:
    """The lease, or None while another holds it. Raises live_redis.Unreachable."""
    asked = clock.monotonic()
    token = live_redis.client().eval(_TAKE, 2, KEY.format(name), TOKENS, name, str(_millis(life)))
    return Lease(name, int(token), life, asked + life.total_seconds()) if token else None


def renew(lease: Lease) -> bool:
    """Hold it for another life; False when it is lost. Raises live_redis.Unreachable, and it runs out by itself."""
    asked = clock.monotonic()
    key = KEY.format(lease.name)
    if not live_redis.client().eval(_RENEW, 1, key, str(lease.token), str(_millis(lease.life))):
        lease.until = 0
        return False
    lease.until = asked + lease.life.total_seconds()
    return True


def release(lease: Lease) -> None:
    """Give it back, so that a standby need not wait."""
    lease.until = 0
    live_redis.client().eval(_RELEASE, 1, KEY.format(lease.name), str(lease.token))


def _millis(life: timedelta) -> int:
    return int(life.total_seconds() * 1000)
