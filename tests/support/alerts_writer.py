"""Alerts as the watcher writes them, for pages in a browser: `python -m tests.support.alerts_writer STORY`.

Stories: `outage` is everything that the pages show, in `ends` the agent is back, `another` raises one more.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from agents.alerts import api  # noqa: E402
from agents.alerts.models import Channel, Notice, Rule, Silence  # noqa: E402
from agents.alerts.services import channels, delivering, raising, silences  # noqa: E402
from agents.alerts.services.watching import Looker  # noqa: E402
from agents.alerts.values import ChannelKind, Handed, Raised, Reading, Readings, Severity, Signal, Spot  # noqa: E402
from core import clock  # noqa: E402
from core.access.api import Grant, Permission  # noqa: E402
from core.access.services import Actor, of_command  # noqa: E402
from dashboard.live.sender import sender  # noqa: E402

DEPTHS = (220, 340, 900, 2_400, 5_200, 9_800, 14_200, 18_700, None, None, 23_000, 26_400)
AWAY = "main cannot be reached since 14:03:12 UTC"
STARTED = timedelta(minutes=5)


def actor() -> Actor:
    machine = of_command("test")
    everything = Grant("admin", frozenset(Permission))
    return replace(machine, subject=replace(machine.subject, name="ana", grants=(everything,)))


def say(signal: Signal, *rows: Reading) -> None:
    api._measures[signal] = lambda now, window: Readings(rows)


def reading(spot: Spot, value: float | None, says: str = "") -> Reading:
    return Reading(spot, value, says, link="/agents")


def outage() -> None:
    """An agent dies, its queue fills, another is late, one raises an alert of its own; a channel is dead."""
    Rule.objects.filter(name="queue-depth").update(hold_s=40, threshold=10_000)
    now, looker = clock.now() - STARTED, Looker()
    for id, address in (("on call", "https://hooks.example/a"), ("team chat", "https://chat.example/b")):
        channels.create(Channel(name=id, kind=ChannelKind.WEBHOOK, at_least="notice"), address, actor())
    planned = Silence(
        reason="billing moves house", queue="billing.*", ends_at=clock.now() + timedelta(hours=3)
    )
    with clock.held(now):
        silences.make(planned, actor())
    for step, depth in enumerate(DEPTHS):
        at = now + timedelta(seconds=25 * step)
        say(
            Signal.QUEUE_DEPTH,
            reading(Spot("production", "main", "orders.q"), depth, "" if depth else AWAY),
            reading(Spot("production", "main", "billing.q"), 12_000),
        )
        say(
            Signal.AGENT_LATE, reading(Spot("production", agent="classify"), 2, "Its instances: 3 up, 2 late")
        )
        if step > 3:
            said = "Its instances: 2 down"
            say(Signal.AGENT_DOWN, reading(Spot("production", agent="extract"), 2, said))
        look(looker, at)
    raised = Raised(
        "production", "payments", Severity.CRITICAL, "An error nobody classified", error="KeyError: 'iban'"
    )
    raising.raise_(raised, actor())
    refuse()


def look(looker: Looker, at: datetime) -> None:
    with clock.held(at):
        looker.look(at)


class Says:
    """A channel's other side."""

    def __init__(self, handed: Handed) -> None:
        self.handed = handed

    def __call__(self, channel: Channel) -> Says:
        return self

    def hand_over(self, envelope: api.Envelope) -> Handed:
        return self.handed


def refuse() -> None:
    first, second = Channel.objects.order_by("name")
    delivering.deliver(first.pk, Says(Handed(False, "It answered 503.")))
    Notice.objects.filter(channel=first).update(due_at=clock.now())
    delivering.deliver(first.pk, Says(Handed(False, "It did not answer within 10 s.")))
    delivering.deliver(second.pk, Says(Handed(True, "It answered 204.")))


def ends() -> None:
    """The agent is back."""
    say(Signal.AGENT_DOWN)
    look(Looker(), clock.now())


def another() -> None:
    """Something else begins."""
    raising.raise_(Raised("production", "store", Severity.WARNING, "The disk is nearly full"), actor())


if __name__ == "__main__":
    {"outage": outage, "ends": ends, "another": another}[sys.argv[1]]()
    # The hint leaves with us.
    sender.drain()
