"""Which of the five shapes a state of the domain has. One table, so that a word looks the same on every page."""

from __future__ import annotations

SHAPES = ("ok", "warn", "bad", "unknown", "paused", "info", "reconnecting")

# What wants a person first, stands first.
URGENCY = ("bad", "unknown", "warn", "paused", "reconnecting", "info", "ok")

_SHAPE_OF: dict[str, str] = {
    # processes
    "up": "ok",
    "starting": "info",
    "restarting": "warn",
    "down": "bad",
    # instances
    "late": "warn",
    "new": "info",
    # nodes and edges of the topology
    "idle": "unknown",
    # approvals
    "waiting": "warn",
    "approved": "ok",
    "rejected": "bad",
    "expired": "unknown",
    # messages (`waiting` and `expired` stand above)
    "sent": "info",
    "received": "info",
    "running": "info",
    "retrying": "warn",
    "succeeded": "ok",
    "dead": "bad",
    "refused": "bad",
    "purged": "paused",
    "lost": "unknown",
    # letters (`purged` stands above, `unknown` is its own shape)
    "held": "bad",
    "claimed": "info",
    "dispatched": "info",
    "processed": "ok",
    "erased": "unknown",
    # plans (`used` is over, `expired` stands above)
    "sealing": "info",
    "sealed": "ok",
    "used": "paused",
    # operations (`running`, `rejected`, `paused` and `failed` stand elsewhere in this table)
    "awaiting_approval": "warn",
    "halted": "bad",
    "cancelling": "info",
    "cancelled": "paused",
    "done": "ok",
    "done_with_unknown": "unknown",
    # their members
    "failed_same": "bad",
    "failed_new": "warn",
    "applied": "ok",
    "left_out": "paused",
    "untouched": "paused",
    # triage of groups (`new` and `acknowledged` stand elsewhere in this table)
    "assigned": "info",
    "muted": "paused",
    "resolved": "ok",
    # alerts
    "firing": "bad",
    "critical": "bad",
    "warning": "warn",
    "acknowledged": "warn",
    "pending": "info",
    "cleared": "ok",
    "notice": "info",
    # runs of workflows
    "unfinished": "unknown",
    # queues (`unknown` is its own shape)
    "paused": "paused",
    "no_consumer": "bad",
    "unreachable": "unknown",
    "stale": "unknown",
    "growing": "warn",
    "not_moving": "warn",
    "gone": "unknown",
    "draining": "ok",
    "steady": "ok",
    "empty": "ok",
    # verdicts (`no_consumer` stands above, `unknown` is its own shape)
    "broker_unreachable": "bad",
    "unrouted": "bad",
    "deadlock": "bad",
    "agent_down": "bad",
    "blocked_downstream": "warn",
    "awaiting_input": "paused",
    "retry_backoff": "warn",
    "running_long": "warn",
    "unacknowledged": "bad",
    "consumer_saturated": "warn",
    # traces and spans
    "failed": "bad",
    "error": "bad",
    "with errors": "warn",
    "unset": "ok",
    # tokens and accounts
    "active": "ok",
    "expiring": "warn",
    "revoked": "bad",
}


def shape(state: str) -> str:
    """The shape of a state. A word that is not in the table is unknown, and looks it."""
    return state if state in SHAPES else _SHAPE_OF.get(state, "unknown")


def table() -> dict[str, str]:
    """The whole table, for pages whose words change while they are open."""
    return dict(_SHAPE_OF)
