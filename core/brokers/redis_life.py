"""Whether a Redis still has what was put there: told from a mark in its data, and from the server that answers.

Before something is tried, a counter in the data goes up by one. Afterwards:

- the mark is gone or another's: the data was lost or flushed;
- the counter stands lower: the data is older than it was;
- another server answers that ran at that time already: a replica took over, and what came after the counter may be
  lost;
- the server was started again: the same, but for one that writes each command to its file before it answers (an
  append-only file), which lost nothing when its process died.

What nobody can tell: a machine that lost its power may lose the last second of a file that is not written through
(`appendfsync everysec`).
"""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple

import redis

from core.brokers.redis_line import RedisLine

KEY: Final = "postroom.life"
# A server says in whole seconds when it began.
CLOCKS: Final = 1
# KEYS: life. ARGV: the mark, if there is none yet. Answers both.
_BEGIN: Final = """
redis.call('HSETNX', KEYS[1], 'mark', ARGV[1])
return {redis.call('HGET', KEYS[1], 'mark'), redis.call('HINCRBY', KEYS[1], 'beat', 1)}
"""


class Life(NamedTuple):
    """A moment in the life of a Redis' data."""

    mark: str = ""
    beat: int = 0
    server: str = ""
    # Whether each command is in a file before it is answered.
    writes: bool = False
    # When this was, and when the server began, in seconds by its own clock.
    at: int = 0
    began: int = 0

    @property
    def text(self) -> str:
        return f"{self.mark}/{self.beat}/{self.server}/{int(self.writes)}/{self.at}"

    def has_kept(self, then: Life) -> bool:
        """Is what was there then, and what came since, still there?"""
        if not then.mark or self.mark != then.mark or self.beat < then.beat:
            return False
        if then.server and self.server == then.server:
            return True
        return then.writes and self.writes and self.began >= then.at - CLOCKS


class LivingLine(RedisLine):
    """A line that knows whether its Redis kept what was put there."""

    def life(self) -> str:
        with self._speaking() as client:
            return begun(client).text

    def kept(self, life: str) -> bool:
        with self._speaking() as client:
            return now(client).has_kept(read(life))


def begun(client: redis.Redis) -> Life:
    """The next moment, written down in the data itself."""
    mark, beat = client.eval(_BEGIN, 1, KEY, secrets.token_hex(8))
    return _life(client, mark, beat)


def now(client: redis.Redis) -> Life:
    mark, beat = client.hmget(KEY, ["mark", "beat"])
    return _life(client, mark or b"", beat or 0)


def read(text: str) -> Life:
    """What `text` wrote; the first moment of no life where it is empty."""
    if not text:
        return Life()
    mark, beat, server, writes, at = text.split("/")
    return Life(mark, int(beat), server, writes == "1", int(at))


def _life(client: redis.Redis, mark: Any, beat: Any) -> Life:
    try:
        said: dict[str, Any] = client.info()
    except redis.ResponseError:
        # It tells not everybody about itself; then nobody knows which server it is.
        said = {}
    at = int(client.time()[0])
    return Life(
        bytes(mark).decode(),
        int(beat),
        str(said.get("run_id", ""))[:16],
        bool(said.get("aof_enabled")),
        at,
        at - int(said.get("uptime_in_seconds", at)),
    )
