"""`python -m core.healthy KIND`: does the process of this kind on this machine work? For containers' health checks.

It is asked every few seconds, so it starts no Django: web and intake are asked over HTTP, the others are known by
their beats. Exit status 0 for yes; 1 for no and for "nobody can tell", with a sentence.
"""

from __future__ import annotations

import asyncio
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

from django.conf import settings

from core import clock, live_redis, processes
from core.env import HostPort
from core.processes import Kind, Record, State
from core.up.ready import Door, host_header, status

USAGE = f"usage: python -m core.healthy {{{','.join(kind for kind in Kind if kind is not Kind.REDIS)}}}"
OK, NO, BAD_USAGE = 0, 1, 2


def main(arguments: list[str]) -> int:
    try:
        (kind,) = map(Kind, arguments)
        problem = _PROBLEMS[kind](kind)
    except (ValueError, KeyError):
        print(USAGE, file=sys.stderr)
        return BAD_USAGE
    print(f"{kind}: {problem or 'works'}")
    return NO if problem else OK


def _of_door(kind: Kind) -> str:
    address = settings.POSTROOM.bind if kind is Kind.WEB else settings.POSTROOM.otlp_http_bind
    if address is None:
        return "POSTROOM_OTLP_HTTP_BIND is empty, so there is no port to ask at."
    door = Door(address, host_header=host_header(settings.ALLOWED_HOSTS, address))
    return answered(asyncio.run(status(door, "/healthz")), address)


def _of_beat(kind: Kind) -> str:
    try:
        heard = processes.beats(live_redis.client())
    except live_redis.Unreachable:
        return "Redis cannot be reached, so nobody can tell."
    return beating(heard.get(f"{kind}/{processes.default_name()}"), clock.unix())


_PROBLEMS = {
    Kind.WEB: _of_door,
    Kind.INTAKE: _of_door,
    Kind.WORKER: _of_beat,
    Kind.BEAT: _of_beat,
    Kind.WATCHER: _of_beat,
}


def answered(code: int | None, address: HostPort) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if code is None:
        return f"Nothing answers at {address}."
    return "" if code == 200 else f"{address} answers {code}."


def beating(record: Record | None, now: float) -> str:
    """What is wrong with a beat; empty when nothing is."""
    state = processes.judge(record, None, now).state if record else State.DOWN
    return "" if state is State.UP else "It does not beat."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
