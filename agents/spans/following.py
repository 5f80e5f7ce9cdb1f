"""Who wants to see the spans that are read in the order of commit: they are read once, for all who follow.

A follower is told at least once of every span, and again after a crash: what it does must bear repeating. What it
raises holds the reading up until it succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agents.spans.values import Span

Follower = Callable[[Sequence[Span]], None]
_followers: list[Follower] = []


def register(follower: Follower) -> None:
    if follower not in _followers:
        _followers.append(follower)


def tell(spans: Sequence[Span]) -> None:
    """Everyone has taken them when it returns."""
    for follower in _followers:
        follower(spans)
