"""An agent that holds back while too much of what it sent is still under way.

class Scan(ThrottledAgent):
    def handle_message(self, message):
        for page in pages(message.payload):
            self.send_message("extract", page)      # waits while 100 are in flight

agent = Scan("scan", max_in_flight=100)
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from postroom.agent import Agent
from postroom.backpressure.throttle import USUAL_LEASE, USUAL_MOST, USUAL_TIMEOUT, Throttle
from postroom.runtime.api import Hook


class ThrottledAgent(Agent):
    """At most `max_in_flight` messages to each recipient at a time, counted over all processes of this agent.

    The options are those of `Throttle`: wait (`when_full="block"`, for `timeout` seconds or, with None, for ever), or
    be told at once (`"raise"`: FullError).
    """

    def __init__(
        self,
        agent_id: str = "",
        *,
        max_in_flight: int = USUAL_MOST,
        max_for_recipient: int = 0,
        when_full: Literal["block", "raise"] = "block",
        timeout: float | None = USUAL_TIMEOUT,
        lease: float = USUAL_LEASE,
        throttle_by: Literal["slots", "depth"] = "slots",
        slots_url: str = "",
        **options: Any,
    ) -> None:
        super().__init__(agent_id, **options)
        self._throttle_options: dict[str, Any] = {
            "max_for_recipient": max_for_recipient,
            "when_full": when_full,
            "timeout": timeout,
            "lease": lease,
            "by": throttle_by,
            "redis_url": slots_url,
        }
        self._most = max_in_flight

    @cached_property
    def throttle(self) -> Throttle:
        """What holds it back, made when it is first needed."""
        return Throttle(self._most, broker_url=self.settings.broker_url, **self._throttle_options)

    def hooks(self) -> list[Hook]:
        return [*super().hooks(), self.throttle]
