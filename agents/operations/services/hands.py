"""How an operation stands, and how many workers are worth telling."""

from __future__ import annotations

from math import ceil

from agents.operations.ladder import Standing
from agents.operations.models import Operation

# Beyond so many, more than one worker is worth its start.
MANY = 2_000
WORKERS = 2
# What a worker takes is not made smaller than this for the sake of an even share: each portion has its own commits.
LEAST = 500


def standing_of(operation: Operation) -> Standing:
    return Standing(operation.plan.how, operation.tally, operation.begun_with, operation.step)


def workers(operation: Operation) -> int:
    """With a rate, one sends while the other notes what it has sent: alone it would fall behind."""
    standing = standing_of(operation)
    many = standing.options.rate or MANY
    return WORKERS if standing.bound is None and operation.waiting > many else 1


def share(operation: Operation, most: int) -> int:
    """How many of what waits one of its workers takes at once. Near the end of a large operation no more than an even
    part, so that nobody is left with a whole portion while the others have nothing to do."""
    if operation.selected <= MANY:
        return most
    return min(most, max(LEAST, ceil(operation.waiting / WORKERS)))
