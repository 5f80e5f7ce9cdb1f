"""The topic `alerts`: what is open, and what ended a moment ago; and how many want a person, for the rail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from agents.alerts import selectors
from agents.alerts.models import Alert
from agents.alerts.values import Signal
from agents.alerts.wording import figure
from core import clock
from core.access.api import Permission
from dashboard.live.api import Row, State
from dashboard.live.counts import Waiting

# A row that is over stays where it is for a while: nothing moves under the cursor.
LINGERS = timedelta(minutes=10)


class Alerts:
    """Figures change without a hint, and so it is read without one as well."""

    name = "alerts"
    permission = Permission.SEE

    def load(self) -> State:
        rows = selectors.lately(clock.now() - LINGERS)
        return State(None, {str(alert.pk): Row(alert.place, shown(alert)) for alert in rows})


def firing() -> Iterable[Waiting]:
    """Place by place, so that each sees their own."""
    return [Waiting(place, number) for place, number in selectors.firing_by_place()]


def shown(alert: Alert) -> dict[str, Any]:
    """What changes while a page is open."""
    return {
        "state": alert.state,
        "environment": alert.environment,
        "measured": measured(alert),
        "since": clock.rfc3339(alert.since),
        "folded": alert.under_id is not None,
        "silenced": alert.silence_id is not None,
        "changed": "|".join(map(str, (alert.last_raised_at, alert.measured_at, alert.told_at))),
    }


def measured(alert: Alert) -> str:
    """The last figure, or that there is none now; how often it was raised where an agent raised it."""
    if alert.unknown_since:
        return "unknown"
    if alert.rule and alert.value is not None:
        return figure(Signal(alert.rule.signal), alert.value)
    return f"{alert.count:,} times" if alert.count > 1 else "once"
