"""What others ask of workflows: the list with its figures, one with its path, its runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Q, QuerySet

from agents.topology.levels import Stretch, cover, start_of
from agents.topology.models import EdgeRow, RunRow, WorkflowCell, WorkflowRow
from agents.topology.rollups import COUNTS, SKETCHES, edge_of, tally_of
from agents.topology.selectors import places
from agents.topology.usage import Tokens
from agents.topology.values import MINUTE, Edge, EdgeKind, Tally
from agents.topology.workflows.run import Run
from agents.topology.workflows.values import (
    EDGE_IDS,
    SILENT,
    Key,
    Open,
    RunState,
    UseKey,
    patience_of,
    state_of,
)
from agents.topology.workflows.writer import key_of
from core import clock
from core.access.api import Permission, Place, Subject, may

WHOLE_ID, HEADLESS_ID = sorted(EDGE_IDS.values(), reverse=True)
MINUTES_SILENT = SILENT // MINUTE
# Of so many workflows only their own rows are read; of more, all of the time's.
FEW = 20


@dataclass(slots=True)
class Workflow:
    """A workflow in a stretch of time. `tally`: calls are runs that began in it, errors those that failed."""

    row: WorkflowRow
    tally: Tally = field(default_factory=Tally)
    # By the minute at which each stretch begins.
    parts: dict[int, Tally] = field(default_factory=dict)
    running: int = 0
    unfinished: int = 0

    @property
    def key(self) -> Key:
        return key_of(self.row)

    @property
    def title(self) -> str:
        return title_of(self.row)

    @property
    def done(self) -> int:
        """Runs that ended well."""
        return max(0, self.tally.calls - self.tally.errors - self.running - self.unfinished)

    @property
    def success(self) -> float | None:
        """Of the runs that ended, how many ended well; None when none did."""
        ended = self.done + self.tally.errors
        return self.done / ended if ended else None

    @property
    def patience(self) -> int:
        """How long a run may be silent before it is called unfinished, in nanoseconds."""
        return patience_of(self.tally.duration.quantile(0.99))


@dataclass(frozen=True, slots=True)
class OneRun:
    """A run as a list shows it."""

    id: str
    start: int
    duration: int
    state: RunState
    spans: int
    errors: int
    tokens: Tokens
    uses: Mapping[UseKey, tuple[int, Tokens]]


def title_of(row: WorkflowRow) -> str:
    """What its root span calls it, or else who did what first."""
    return row.name or f"{row.agent}: {row.operation}"


def seen_by(subject: Subject, environment: str = "") -> list[WorkflowRow]:
    """Every workflow whose root agent the subject may see."""
    rows = WorkflowRow.objects.order_by("pk")
    if environment:
        rows = rows.filter(environment=environment)
    return [row for row in rows if may(subject, Permission.SEE, place_of(row))]


def find(subject: Subject, uid: UUID) -> WorkflowRow | None:
    row = WorkflowRow.objects.filter(uid=uid).first()
    return row if row and may(subject, Permission.SEE, place_of(row)) else None


def place_of(row: WorkflowRow) -> Place:
    return Place(row.environment, None, row.agent)


def in_time(rows: Iterable[WorkflowRow], since: int, until: int, level: int | None = None) -> list[Workflow]:
    """These workflows in the minutes [since, until), without those that had no run. `until` is now. With a level,
    everything is read at it, for charts; else from as few cells as can be.
    """
    found = {row.pk: Workflow(row) for row in rows}
    narrowed = Q(workflow_id__in=list(found)) if len(found) <= FEW else Q()
    settled = until - MINUTES_SILENT
    for edge_id, end in ((WHOLE_ID, until), (HEADLESS_ID, settled)):
        stretches = [Stretch(level, start_of(level, since), end)] if level else cover(since, end)
        for cell in _cells(stretches, narrowed & Q(edge_id=edge_id)):
            if cell.workflow_id in found:
                _add(found[cell.workflow_id], cell.start, tally_of(cell))
    ran = {pk: each for pk, each in found.items() if each.tally.calls > 0}
    _add_open(ran, since, narrowed)
    return list(ran.values())


def _add(workflow: Workflow, start: int, tally: Tally) -> None:
    workflow.tally.add(tally)
    workflow.parts.setdefault(start, Tally()).add(tally)


def _add_open(found: Mapping[int, Workflow], since: int, narrowed: Q) -> None:
    """Which of the runs are not over. What misses only a parent is over when it is silent for long."""
    now = round(clock.unix() * 1e9)
    recent = Q(
        missing=Open.PARENT, headless=False, end__gte=now - max([0, *(w.patience for w in found.values())])
    )
    silent = ExpressionWrapper((now - F("end")) / MINUTE, output_field=BigIntegerField())
    rows = (
        RunRow.objects.filter(
            narrowed, Q(missing=Open.RECEIVER) | recent, failed=False, start__gte=since * MINUTE
        )
        .exclude(headless=True, end__gte=now - SILENT)
        .annotate(silent=silent)
        .values("workflow_id", "missing", "silent")
        .annotate(runs=Count("trace_id"))
    )
    for row in rows:
        workflow = found.get(row["workflow_id"])
        if workflow is None:
            continue
        silent_for = max(0, row["silent"]) * MINUTE
        state = state_of(failed=False, missing=row["missing"], silent=silent_for, patience=workflow.patience)
        workflow.running += row["runs"] if state is RunState.RUNNING else 0
        workflow.unfinished += row["runs"] if state is RunState.UNFINISHED else 0


def hops(subject: Subject, row: WorkflowRow, since: int, until: int) -> dict[Edge, Tally]:
    """What the runs that began in [since, until) did on each edge that the subject may see."""
    found: dict[int, Tally] = {}
    for cell in _cells(cover(since, until), Q(workflow_id=row.pk, edge_id__gt=0)):
        found.setdefault(cell.edge_id, Tally()).add(tally_of(cell))
    edges = {each.pk: edge_of(each) for each in EdgeRow.objects.filter(pk__in=found)}
    return {edges[pk]: tally for pk, tally in found.items() if pk in edges and _visible(subject, edges[pk])}


def members(subject: Subject, since: int, until: int, environment: str = "") -> dict[Edge, set[int]]:
    """Which workflows go over which edge."""
    rows = {row.pk for row in seen_by(subject, environment)}
    found: dict[int, set[int]] = {}
    for cell in _cells(cover(since, until), Q(edge_id__gt=0)):
        if cell.workflow_id in rows:
            found.setdefault(cell.edge_id, set()).add(cell.workflow_id)
    edges = {each.pk: edge_of(each) for each in EdgeRow.objects.filter(pk__in=found)}
    return {edges[pk]: ids for pk, ids in found.items() if pk in edges and _visible(subject, edges[pk])}


def uses(row: WorkflowRow, since: int, until: int) -> list[tuple[int, Edge, Tally]]:
    """The models that its runs called, by the minute (since 1970) at which each stretch begins."""
    found = list(_cells(cover(since, until), Q(workflow_id=row.pk, edge_id__gt=0, calls__gt=0)))
    rows = EdgeRow.objects.filter(pk__in={cell.edge_id for cell in found}, kind=EdgeKind.MODEL)
    models = {each.pk: edge_of(each) for each in rows}
    return [(cell.start, models[cell.edge_id], tally_of(cell)) for cell in found if cell.edge_id in models]


# ---- Runs ------------------------------------------------------------------------------------------------------
def runs(row: WorkflowRow, since: int, until: int, state: RunState | None, patience: int) -> QuerySet[RunRow]:
    """Its runs that began in the minutes [since, until); a state narrows them."""
    rows = RunRow.objects.filter(workflow_id=row.pk, start__gte=since * MINUTE, start__lt=until * MINUTE)
    return rows.filter(_in_state(state, patience)) if state else rows


def _in_state(state: RunState, patience: int) -> Q:
    silent = Q(end__lt=round(clock.unix() * 1e9) - patience)
    if state is RunState.FAILED:
        return Q(failed=True)
    if state is RunState.UNFINISHED:
        return Q(failed=False, missing=Open.RECEIVER) & silent
    if state is RunState.RUNNING:
        return Q(failed=False, missing__gt=Open.NOTHING) & ~silent
    return Q(failed=False) & (Q(missing=Open.NOTHING) | (Q(missing=Open.PARENT) & silent))


def as_run(row: RunRow, patience: int) -> OneRun:
    silent = round(clock.unix() * 1e9) - row.end
    run = Run.load(row.body)
    return OneRun(
        row.trace_id,
        row.start,
        row.end - row.start,
        state_of(failed=row.failed, missing=row.missing, silent=silent, patience=patience),
        row.spans,
        row.errors,
        run.tokens,
        run.uses,
    )


def run_of(trace_id: bytes) -> RunRow | None:
    """The run that a trace is; None while its spans are not counted yet."""
    return RunRow.objects.filter(trace_id=trace_id.hex(), workflow_id__gt=0).first()


def workflow_of(run: RunRow) -> WorkflowRow | None:
    return WorkflowRow.objects.filter(pk=run.workflow_id).first()


def usual(row: WorkflowRow, but: bytes, since: int, p50: int) -> bytes | None:
    """A run that went as usual: it ended well and took about as long as half of them; None when there is none."""
    well = RunRow.objects.filter(
        workflow_id=row.pk, failed=False, missing=Open.NOTHING, start__gte=since * MINUTE, errors=0
    ).exclude(trace_id=but.hex())
    rows = well.order_by("-start").values_list("trace_id", "start", "end")[:MOST_LOOKED_AT]
    near = min(rows, key=lambda each: abs(each[2] - each[1] - p50), default=None)
    return bytes.fromhex(near[0]) if near else None


# Of the latest runs, so many are looked at for a usual one.
MOST_LOOKED_AT = 500


def _visible(subject: Subject, edge: Edge) -> bool:
    return any(may(subject, Permission.SEE, place) for place in places(edge))


def _cells(stretches: Iterable[Stretch], more: Q) -> Iterator[Any]:
    wanted = Q()
    for each in stretches:
        wanted |= Q(level=each.level, start__gte=each.start, start__lt=each.end)
    if not wanted:
        return
    cells = WorkflowCell.objects.filter(wanted & more)
    names = ("workflow_id", "edge_id", "start", *COUNTS, *SKETCHES)
    yield from cells.values_list(*names, named=True).iterator(5_000)
