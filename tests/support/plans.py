"""Plans and operations for tests of pages and programs, made through the front door by somebody with the right."""

from __future__ import annotations

from typing import Any

from agents.deadletters.api import keep
from agents.operations import api
from agents.operations.models import Operation, Plan
from agents.operations.values import Action, Selection
from core.access.services import Actor, of_command
from tests.support.letters import arrival

MACHINE = of_command("tests")


def held(number: int, **changes: Any) -> list[str]:
    """So many letters; their ids."""
    return [str(kept.letter_id) for kept in keep([arrival(**changes) for _ in range(number)])]


def sealed(
    actor: Actor, action: Action = Action.REDRIVE, select: Selection | None = None, **options: Any
) -> Plan:
    """A plan for everything that can be taken."""
    chosen = select or Selection(everything=True)
    return api.plan(action, chosen, api.parse(action, options), actor)


def begun(actor: Actor, number: int = 3, reason: str = "gateway repaired", **options: Any) -> Operation:
    """An operation that nobody has worked on yet."""
    held(number)
    return api.start(sealed(actor, **options), reason, actor)
