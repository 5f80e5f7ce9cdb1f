"""kombu's transport `postroom+redis://`: kombu's Redis transport, with claims that lose nothing.

Importing this module makes the address known to kombu and Celery; so does importing `postroom.celery`. Where neither
is imported, `Connection(transport="postroom.delivery.transport:Transport")` names it in full.
"""

from __future__ import annotations

from typing import Any, Final

from kombu.transport import TRANSPORT_ALIASES

from postroom.delivery.redis import kombu_parts
from postroom.delivery.redis.address import Target
from postroom.delivery.redis.channel import LOOK_AGAIN, LOOK_AGAIN_UNTRACKED, Channel
from postroom.delivery.redis.poller import Poller

# kombu cuts `postroom+redis://…` at the plus; the longer names are for the second of several addresses.
ALIASES: Final = ("postroom", "postroom+redis", "postroom+rediss", "postroom+unix", "postroom+socket")


class Transport(kombu_parts.redis.Transport):  # type: ignore[misc]
    """Lossless: what is taken is noted in the same step, and comes back unless it is settled."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(Target(client), **kwargs)
        self.cycle = Poller()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        super().register_with_event_loop(connection, loop)
        cycle: Any = self.cycle
        cycle._unregister_from_poll = loop.remove_reader
        cycle.on_untracked = lambda: loop.call_repeatedly(LOOK_AGAIN_UNTRACKED, cycle.nudge)
        loop.call_repeatedly(LOOK_AGAIN, cycle.nudge)

    def _collect(self, connection: Any) -> None:
        """Celery's word for a connection that broke."""
        for channel in list(self.channels or ()):
            channel.abandon()
        self.close_connection(connection)


def register() -> None:
    """Make the addresses known to kombu."""
    for alias in ALIASES:
        TRANSPORT_ALIASES[alias] = f"{__name__}:Transport"


register()
