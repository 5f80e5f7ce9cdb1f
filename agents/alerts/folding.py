"""Which alerts follow from another one: what a dead agent leaves waiting, and what fails because it does not answer.

Pure. Only an agent that is down explains anything, and it is explained by nothing: so there are no rings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from agents.alerts.values import Signal, Spot

K = TypeVar("K")

AGENTS = frozenset({Signal.AGENT_DOWN, Signal.AGENT_LATE})


class Link(NamedTuple):
    """`source` depends on `target`, through a queue or without one."""

    environment: str
    source: str
    queue: str
    target: str


class Firing(NamedTuple):
    """An alert of a rule, as far as folding needs it."""

    signal: Signal
    spot: Spot


def fold(firing: Mapping[K, Firing], links: Iterable[Link]) -> dict[K, K]:
    """Each alert that follows from another one, with that one."""
    dead = {
        (each.spot.environment, each.spot.agent): key
        for key, each in firing.items()
        if each.signal is Signal.AGENT_DOWN
    }
    if not dead:
        return {}
    known = list(links)
    found = {key: _cause(each, known, dead) for key, each in firing.items() if each.signal not in AGENTS}
    return {key: cause for key, cause in found.items() if cause is not None}


def _cause(each: Firing, links: list[Link], dead: dict[tuple[str, str], K]) -> K | None:
    spot = each.spot
    if own := dead.get((spot.environment, spot.agent)):
        return own
    if spot.queue:
        return _of_queue(spot, links, dead)
    below = ((link.environment, link.target) for link in links if link.source == spot.agent)
    return next((dead[end] for end in below if end in dead and end[0] == spot.environment), None)


def _of_queue(spot: Spot, links: list[Link], dead: dict[tuple[str, str], K]) -> K | None:
    """Only when nobody else takes from it: otherwise the dead one does not explain why it waits."""
    takers = {
        (link.environment, link.target)
        for link in links
        if link.queue == spot.queue and spot.environment in {"", link.environment}
    }
    return next((dead[taker] for taker in takers if taker in dead), None) if takers <= dead.keys() else None
