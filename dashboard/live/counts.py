"""The figures in the rail: for each page that has one, how many things want this person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.access import selectors
from core.access.api import SOMEWHERE, Permission, Subject, may
from dashboard.live.api import Row, State

APPROVALS = "approvals"


@dataclass(frozen=True, slots=True)
class Counts:
    """Worked out for each subject: what waits for me is not what waits for you."""

    name: str = "counts"
    permission: Permission = Permission.SEE

    def load(self) -> State:
        """What waits for anybody, one row each."""
        return State(
            None,
            {
                str(approval.id): Row(approval.place, {"by": [approval.asked_by_kind, approval.asked_by_id]})
                for approval in selectors.waiting()
            },
        )

    def seen_by(self, subject: Subject, rows: Mapping[str, Row]) -> Mapping[str, Row]:
        me = [str(subject.kind), subject.id]
        mine = [
            row
            for row in rows.values()
            if row.data["by"] != me and may(subject, Permission.APPROVE, row.place)
        ]
        return {APPROVALS: Row(SOMEWHERE, {"count": len(mine)})}
