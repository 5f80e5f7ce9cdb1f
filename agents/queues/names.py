"""Which names on a broker are queues of agents. Pure."""

from __future__ import annotations

import re

# What Celery's workers talk through among themselves, and what Postroom keeps for itself.
_NOT_OURS = re.compile(
    r"\.celery\.pidbox$|^celery\.pidbox$|\.reply\.celery\.pidbox$|^reply\.celery\.pidbox$"
    r"|^celeryev\.|^amq\.|^postroom\.(events|letters|work)$|^$"
)
_DELAY = re.compile(r"^postroom\.delay\.[0-9.]+\.(.+)$")


def is_queue(name: str) -> bool:
    """Whether agents' messages wait in it."""
    return len(name) <= 300 and not _NOT_OURS.search(name) and not _DELAY.match(name)


def delayed_for(name: str) -> str:
    """The queue that the messages of this one go to when their time has come; empty where it is no such queue."""
    found = _DELAY.match(name)
    return found[1] if found else ""
