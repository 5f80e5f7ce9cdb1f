"""How much may be in flight at once: requests and the bytes of their bodies, all senders together.

A request takes its bytes before it reads them, so memory follows this account and not the senders.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.intake import limits
from agents.intake.deadline import Deadlines
from agents.intake.refusals import OverloadedError


@dataclass(slots=True)
class Admission:
    """The account. Only the event loop's thread touches it."""

    max_bytes: int = limits.MAX_BYTES_IN_FLIGHT
    max_requests: int = limits.MAX_REQUESTS_IN_FLIGHT
    bytes: int = 0
    requests: int = 0
    # When each of those that still send their bodies is late.
    deadlines: Deadlines = field(default_factory=lambda: Deadlines(limits.BODY_SECONDS))

    def enter(self) -> Place:
        """Raises OverloadedError when there is no place for one more request."""
        if self.requests >= self.max_requests:
            raise OverloadedError
        self.requests += 1
        return Place(self)


@dataclass(slots=True)
class Place:
    """One request's share of what is in flight. Given back exactly once, however the request ends."""

    admission: Admission
    bytes: int = 0
    _left: bool = field(default=False)

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def take(self, more: int) -> None:
        """Account for bytes about to be held. Raises OverloadedError when they do not fit."""
        if self.admission.bytes + more > self.admission.max_bytes:
            raise OverloadedError
        self.admission.bytes += more
        self.bytes += more

    def leave(self) -> None:
        if self._left:
            return
        self._left = True
        self.admission.bytes -= self.bytes
        self.admission.requests -= 1
