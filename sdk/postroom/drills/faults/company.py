"""Fifteen agents, and the ways that documents take through them. Values only."""

from __future__ import annotations

from typing import Final

KINDS: Final = {
    "invoice": ("extract", "validate", "match"),
    "letter": ("transcribe", "translate", "summarise"),
    "claim": ("assess", "price", "approve"),
}
FIRST: Final = ("intake", "classify")
LAST: Final = ("book", "ledger", "mailer", "archive")
AGENTS: Final = (*FIRST, *(agent for steps in KINDS.values() for agent in steps), *LAST)

# Sender and recipient, where the sender holds back while so many of its messages are under way.
THROTTLED: Final = {"validate": "match", "translate": "summarise", "price": "approve"}
MOST_IN_FLIGHT: Final = 2
# These take nothing but what a throttled sender sends.
BEHIND: Final = frozenset(THROTTLED.values())


def way(kind: str) -> tuple[str, ...]:
    """The agents that a document of this kind passes, in order."""
    return (*FIRST, *KINDS[kind], *LAST)


def kind_of(agent: str) -> str:
    """Of which kind of documents this agent takes alone; "" where it takes all."""
    return next((kind for kind, steps in KINDS.items() if agent in steps), "")


def after(agent: str, kind: str) -> str:
    """Who comes next; "" after the last. What is no document, such as a batch, goes no further."""
    if kind not in KINDS:
        return ""
    steps = way(kind)
    place = steps.index(agent) + 1
    return steps[place] if place < len(steps) else ""
