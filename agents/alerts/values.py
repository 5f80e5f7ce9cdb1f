"""What alerts speak of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where an alert is. What an agent raises fires at once; only rules have to hold for a while first."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


# Not over yet: the same key raised again is the same alert.
OPEN = (State.PENDING, State.FIRING, State.ACKNOWLEDGED)


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Raised:
    """What an agent wants somebody to know. Without a key of its own its title is the key."""

    environment: str
    agent: str
    severity: Severity
    title: str
    instance: str = ""
    detail: str = ""
    message_id: str = ""
    error: str = ""
    key: str = ""
