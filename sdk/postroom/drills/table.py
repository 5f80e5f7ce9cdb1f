"""The drills by name, in the order of the failures they provoke."""

from __future__ import annotations

from postroom.drills import documents, flood, orders, rollout, sentiment
from postroom.drills.scene import Drill

DRILLS: dict[str, Drill] = {
    drill.name: drill
    for drill in (
        orders.DRILL,
        documents.DRILL,
        sentiment.DRILL,
        rollout.DRILL,
        flood.DRILL,
    )
}
