"""Which hooks an agent has when it names none. One line for each part of the library that takes part by default."""

from __future__ import annotations

from postroom.runtime.api import About, Hook
from postroom.settings import Settings


def default_hooks(about: About, known: Settings) -> list[Hook]:
    """In the order in which they are called before the handler; after it they are called in reverse."""
    return [*_registered(known), *_traced(about)]


def _registered(known: Settings) -> list[Hook]:
    """An agent that knows where Postroom is registers there and beats."""
    if not known.url:
        return []
    from postroom.http import Client, from_environment
    from postroom.registry.hook import Registered

    return [Registered(Client(from_environment(url=known.url, token=known.token or None)))]


def _traced(about: About) -> list[Hook]:
    """Spans and metrics cost something, so they are made only when somebody is to get them."""
    from postroom.telemetry import exporting

    if not exporting.is_wanted() and not exporting.is_prometheus():
        return []
    from postroom.telemetry.meters import Meters
    from postroom.telemetry.traced import Traced

    meters = Meters()
    if exporting.is_prometheus():
        # Before the pool's processes are forked, so that all of them count together.
        meters.share()
    return [Traced(about, meters)]
