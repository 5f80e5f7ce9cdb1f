"""What changed between two states, and what a state is after it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dashboard.live.frames import Drop, Op, Put, Rows


def between(before: Rows, after: Rows) -> list[Op]:
    """The ops that make `after` of `before`; none when they are the same."""
    ops: list[Op] = [Drop(id) for id in before if id not in after]
    ops += [Put(id, row) for id, row in after.items() if _differs(before.get(id), row)]
    return ops


def _differs(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """Rows that did not change are mostly the same objects: then their fields need not be looked at."""
    return before is not after and before != after


def everything(rows: Rows) -> list[Op]:
    """The ops of a snapshot."""
    return between({}, rows)


def applied(rows: Rows, ops: Iterable[Op]) -> dict[str, Any]:
    """The rows after the ops: what a browser does, for clients in Python."""
    after = dict(rows)
    for op in ops:
        if isinstance(op, Put):
            after[op.id] = op.row
        else:
            after.pop(op.id, None)
    return after
