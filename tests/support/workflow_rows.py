"""Workflows of a test, written as the watcher writes them: beside the edges, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents.spans.values import Span
from agents.topology import places
from agents.topology.models import EdgeRow, RunRow, WorkflowCell, WorkflowRow
from agents.topology.places import Place, Reads
from agents.topology.rollups import COUNTS, SKETCHES, Rollups, edge_of, tally_of
from agents.topology.workflows.values import EDGE_IDS
from agents.topology.workflows.writer import Writer, key_of

SAID = ("workflow_id", "start", "end", "failed", "missing", "headless", "spans", "errors", "input_tokens")


def write(*batches: Iterable[Span]) -> None:
    """One writer, a batch at a time."""
    writer = Writer(Rollups())
    for batch in batches:
        before = places.place(Reads.WORKFLOWS)
        after = Place("", "", before.revision + 1)
        writer.write(list(batch), before=before, after=after, token=1)


def clear() -> None:
    for model in (RunRow, WorkflowCell, WorkflowRow):
        model.objects.all().delete()


def everything() -> dict[Any, Any]:
    """All that the tables say, by names instead of ids, so that two stories can be compared."""
    keys = {row.pk: key_of(row) for row in WorkflowRow.objects.all()}
    edges = {row.pk: edge_of(row) for row in EdgeRow.objects.all()} | {
        number: edge for edge, number in EDGE_IDS.items()
    }
    found: dict[Any, Any] = {}
    for cell in WorkflowCell.objects.all():
        tally = tally_of(cell)
        figures = [getattr(tally, name) for name in (*COUNTS, *SKETCHES)]
        found[keys[cell.workflow_id], edges[cell.edge_id], cell.level, cell.start] = figures
    for run in RunRow.objects.all():
        found[run.trace_id] = [
            keys.get(run.workflow_id), *(getattr(run, name) for name in SAID[1:])
        ]  # fmt: skip
    return found
