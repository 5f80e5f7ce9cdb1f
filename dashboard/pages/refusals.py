"""What a refused person is told: which right is missing, and who can give it."""

from __future__ import annotations

from core.access import selectors
from core.access.api import Decision, Permission

NAMED_AT_MOST = 3


def sentence(decision: Decision) -> str:
    """The reason, and whom to ask."""
    return f"{decision.reason} {who_gives()}".strip()


def who_gives() -> str:
    """Who may change access, by name, as a sentence."""
    names = selectors.who_may(Permission.MANAGE_ACCESS)
    if not names:
        return "Nobody here may change access: run `manage.py admin reset-password`."
    return f"{listed(names)} can give it."


def listed(names: list[str]) -> str:
    """`ana`, `ana or ben`, `ana, ben, cem or 4 more`."""
    shown, more = names[:NAMED_AT_MOST], len(names) - NAMED_AT_MOST
    if more > 0:
        return f"{', '.join(shown)} or {more} more"
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
