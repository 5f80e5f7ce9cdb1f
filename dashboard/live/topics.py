"""The topics of the console, registered when Django starts. A later room adds its line to `register_all`."""

from __future__ import annotations

from dataclasses import dataclass

from core import clock, processes
from core.access.api import SOMEWHERE, Permission
from core.processes import ProcessState
from dashboard.live import api
from dashboard.live.agents import Agents
from dashboard.live.alerts import Alerts, firing
from dashboard.live.api import Row, State
from dashboard.live.counts import Count, Counts, approvals
from dashboard.live.letters import held
from dashboard.live.messages import Messages
from dashboard.live.operations import Operations, halted
from dashboard.live.queues import Brokers, Queues
from dashboard.live.stuck import Stuck
from dashboard.live.stuck import waiting as stuck
from dashboard.live.topology import Topology


@dataclass(frozen=True, slots=True)
class Processes:
    """Which processes of Postroom live. Everybody may know: without them the other figures mean nothing."""

    name: str = "processes"
    permission: Permission = Permission.SEE

    def load(self) -> State:
        return State(None, {process.key: Row(SOMEWHERE, _shown(process)) for process in processes.all()})


def _shown(process: ProcessState) -> dict[str, str | int | None]:
    """When it beat last changes all the time while it is up, and is worth knowing only when it is not."""
    seen = process.last_seen if process.state != processes.State.UP else None
    return {
        "kind": process.kind,
        "name": process.name,
        "state": process.state,
        "since": clock.rfc3339(process.since) if process.since else None,
        "restarts": process.restarts,
        "reason": process.reason,
        "last_seen": clock.rfc3339(seen) if seen else None,
    }


def register_all() -> None:
    # A process that dies says nothing: only looking finds it.
    api.register(Processes(), every=1.0)
    counts = (
        Count("approvals", Permission.APPROVE, approvals),
        Count("letters", Permission.SEE, held),
        Count("alerts", Permission.SEE, firing),
        Count("stuck", Permission.SEE, stuck),
        Count("operations", Permission.REDRIVE, halted),
    )
    rooms = ("approvals", "letters", "alerts", "stuck", "operations")
    api.register(Counts(counts), also_after=rooms)
    api.register(Alerts(), also_after=("notices", "silences"), every=5.0)
    api.register(Operations())
    api.register(Agents(), every=2.0)
    # Its minutes pass without a hint.
    api.register(Topology(), every=5.0)
    api.register(Messages(), also_after=("ears",), every=5.0)
    # Sampled every five seconds; what is not renewed grows stale.
    api.register(Queues(), also_after=("brokers",), every=5.0)
    api.register(Brokers(), every=5.0)
    api.register(Stuck(), every=2.0)
