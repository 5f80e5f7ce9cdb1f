"""Idempotency records in Redis: the record itself at its key, and beside it, while it runs, who runs it."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from redis.exceptions import RedisError

from postroom.delivery.api import Done
from postroom.delivery.redis import address, keys
from postroom.idempotency.api import Fresh, Handled, InProgress, LeaseLostError, StoreUnavailableError

T = TypeVar("T")

# KEYS: record, running, claims (unacked). ARGV: owner, milliseconds, is the owner a claim.
# Answers done and the result, fresh, or busy and the milliseconds. A claim that is gone owns nothing any more.
BEGIN: Final = """
local done = redis.call('GET', KEYS[1])
if done then return {'done', done} end
local owner = redis.call('GET', KEYS[2])
local ended = owner and owner:sub(1, 1) == 'c' and redis.call('HEXISTS', KEYS[3], owner:sub(2)) == 0
if owner and owner ~= ARGV[1] and not ended then return {'busy', redis.call('PTTL', KEYS[2])} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'fresh'}
"""

# KEYS: record, running. ARGV: owner, then by what is asked: renew, milliseconds; finish, milliseconds, result; release.
# Answers whether it was ours.
OWN: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] == 'renew' then
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  return 1
end
redis.call('DEL', KEYS[2])
if ARGV[2] == 'finish' then redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[3]) end
return 1
"""


class RedisStore:
    """Keys are those of `postroom.delivery.redis.keys.done`, so that a settlement writes the same record."""

    def __init__(self, url: str, **options: Any) -> None:
        self._url, self._options = url, options
        self._lock, self._pid = threading.Lock(), 0

    def begin(self, key: str, lease: float, owner: str = "") -> Fresh | InProgress | Handled:
        """See the protocol."""
        name = f"c{owner}" if owner else f"t{secrets.token_hex(8)}"
        own = [key, keys.running(key), keys.UNACKED]
        answer, *more = self._ask(lambda: self._begin(keys=own, args=[name, _milliseconds(lease)]))
        if answer == b"done":
            return Handled(more[0])
        if answer == b"busy":
            return InProgress(max(more[0], 0) / 1000)
        return Fresh(key, name)

    def renew(self, fresh: Fresh, lease: float) -> None:
        """See the protocol."""
        if not self._mine(fresh, "renew", _milliseconds(lease)):
            raise LeaseLostError(fresh.key)

    def finish(self, fresh: Fresh, result: bytes, keep: float) -> None:
        """See the protocol."""
        if not self._mine(fresh, "finish", _milliseconds(keep), result):
            raise LeaseLostError(fresh.key)

    def release(self, fresh: Fresh) -> None:
        """See the protocol."""
        self._mine(fresh, "release")

    def record(self, done: Done) -> None:
        """See the protocol."""
        self._ask(lambda: self._client.set(done.key, done.result, px=_milliseconds(done.keep)))

    def close(self) -> None:
        """See the protocol."""
        with self._lock:
            if self._pid == os.getpid():
                self._client.close()
            self._pid = 0

    def _mine(self, fresh: Fresh, *arguments: Any) -> bool:
        own = [fresh.key, keys.running(fresh.key)]
        return bool(self._ask(lambda: self._own(keys=own, args=[fresh.owner, *arguments])))

    def _ask(self, step: Callable[[], T]) -> T:
        self._open()
        try:
            return step()
        except RedisError as problem:
            raise StoreUnavailableError(f"the idempotency store did not answer: {problem}") from problem

    def _open(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._client: Any = address.client(self._url, **self._options)
                self._begin = self._client.register_script(BEGIN)
                self._own = self._client.register_script(OWN)
                self._pid = os.getpid()


def _milliseconds(seconds: float) -> int:
    return max(int(seconds * 1000), 1)
