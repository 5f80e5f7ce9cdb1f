"""What is said of a workflow and of its hops, in figures for pages and programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.topology import figures
from agents.topology.figures import BAD_ERRORS, WARN_ERRORS, Health
from agents.topology.values import Edge, EdgeKind, Tally
from agents.topology.workflows.selectors import Workflow

HOPS = frozenset({EdgeKind.MESSAGE, EdgeKind.CALL})


def health(workflow: Workflow) -> Health:
    """By how many runs failed, and whether some are unfinished."""
    failing = workflow.tally.errors / workflow.tally.calls if workflow.tally.calls else 0.0
    if failing >= BAD_ERRORS:
        return Health.BAD
    if workflow.unfinished:
        return Health.UNKNOWN
    return Health.WARN if failing >= WARN_ERRORS else Health.OK


def of_workflow(workflow: Workflow, minutes: int) -> dict[str, Any]:
    """A workflow's row."""
    lasted = figures.quantiles(workflow.tally.duration)
    return {
        "id": str(workflow.row.uid),
        "title": workflow.title,
        **workflow.key._asdict(),
        "state": health(workflow).value,
        "runs": workflow.tally.calls,
        "rate": round(workflow.tally.calls / max(minutes, 1), 3),
        "done": workflow.done,
        "failing": workflow.tally.errors,
        "running": workflow.running,
        "unfinished": workflow.unfinished,
        "success": None if workflow.success is None else round(workflow.success, 4),
        **{f"{name}_ms": value for name, value in lasted.items()},
        "input_tokens": workflow.tally.input_tokens,
        "output_tokens": workflow.tally.output_tokens,
    }


def of_hops(found: Mapping[Edge, Tally], runs: int) -> list[dict[str, Any]]:
    """From agent to agent, the most used first; `share` is how many of the runs go there."""
    rows = [_hop(edge, tally, runs) for edge, tally in found.items() if edge.kind in HOPS]
    return sorted(rows, key=lambda row: (-row["calls"], row["source"], row["target"]))


def of_agents(found: Mapping[Edge, Tally]) -> dict[str, dict[str, Any]]:
    """What each agent's own work took."""
    own = {edge.target: tally for edge, tally in found.items() if edge.kind is EdgeKind.WORK}
    return {agent: _work(tally) for agent, tally in own.items()}


def not_received(found: Mapping[Edge, Tally]) -> dict[tuple[str, str], int]:
    """By agent and queue: what was sent and nobody was seen to take."""
    return {
        (edge.source, edge.via): tally.missing
        for edge, tally in found.items()
        if edge.kind is EdgeKind.SEND and tally.missing
    }


def _hop(edge: Edge, tally: Tally, runs: int) -> dict[str, Any]:
    waited = figures.quantiles(tally.wait if tally.wait.buckets else tally.fetch)
    return {
        "source": edge.source,
        "queue": edge.via,
        "target": edge.target,
        "kind": edge.kind.value,
        "share": round(min(1.0, tally.rate / runs), 4) if runs else 0.0,
        **_work(tally),
        **{f"wait_{name}_ms": value for name, value in waited.items()},
        "skewed": tally.skewed,
    }


def _work(tally: Tally) -> dict[str, Any]:
    lasted = figures.quantiles(tally.duration)
    return {
        "calls": tally.rate,
        "errors": tally.errors,
        "error_ratio": round(tally.errors / tally.rate, 4) if tally.rate else 0.0,
        "state": figures.health(tally, handed_over=False).value,
        **{f"{name}_ms": value for name, value in lasted.items()},
    }
