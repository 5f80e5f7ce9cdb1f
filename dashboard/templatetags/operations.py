"""Figures of a tally that stand in a list: `{% load operations %}`."""

from __future__ import annotations

from django import template

from agents.operations.values import ItemState, Tally
from dashboard import tallies

register = template.Library()


@register.filter
def well(tally: Tally) -> int:
    """Processed, or done where there is no outcome to wait for."""
    return tally.processed + tally.applied


@register.filter
def rest(tally: Tally) -> int:
    """What nothing was done to."""
    return tally.untouched + tally.left_out


@register.filter
def item_shape(state: str) -> str:
    """What waits within an operation waits for its turn, and for nobody."""
    return "info" if state == ItemState.WAITING else state


@register.filter
def item_word(state: str) -> str:
    """As the tally says it."""
    return tallies.word(state)
