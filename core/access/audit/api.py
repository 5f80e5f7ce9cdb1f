"""The front door of the audit trail: who did what, on what, from where, why, before and after.

`record` is durable with the change it belongs to: it writes inside the caller's transaction, so either both are
committed or neither. It is not idempotent: two calls are two entries. Call it last and keep the transaction short,
because from here to the commit every other writer of the trail waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.access.api import Place, Subject
from core.access.audit.actions import Action

__all__ = ["Action", "Target", "record"]

# A thing that belongs to no environment, queue or agent: an account, a role, the trail itself.
UNPLACED = Place()


@dataclass(frozen=True, slots=True)
class Target:
    """What was acted on. `place` decides who may read the entry."""

    kind: str
    id: str = ""
    name: str = ""
    place: Place = UNPLACED


def record(
    action: Action,
    *,
    by: Subject,
    on: Target,
    source: str = "",
    why: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> int:
    """Add an entry and return its sequence number. `source` is where it came from: an address, a command, a task.

    Values in `before` and `after` that JSON does not know are written as text. Never pass a secret.
    """
    from core.access.audit import writer

    return writer.append(
        writer.Draft(action, by, on, source=source, why=why, before=before, after=after)
    ).sequence
