"""The graph of a stretch of time, for programs: nodes and edges with their figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.topology import figures, selectors
from agents.topology.graph import Graph, Line, NodeKind
from agents.topology.levels import LEVELS
from agents.topology.values import Tally
from core import clock
from core.access.api import Permission
from dashboard.api import query
from dashboard.api.problems import invalid
from dashboard.api.views import ApiView

MINUTE = timedelta(minutes=1)
USUALLY = timedelta(minutes=5)
# Past a day, minutes at the rims are left out: what is asked for grows to whole hours.
LONG = timedelta(days=1)


class TopologyFilters(query.Filters):
    """Which stretch of time; without any, the last five minutes."""

    environment = serializers.CharField(required=False)
    since = query.UtcTime(required=False, help_text="Taken back to its full minute.")
    until = query.UtcTime(required=False, help_text="Now, when it is not given. Taken on to its full minute.")
    queues = serializers.BooleanField(
        required=False,
        help_text="true (usual): queues are nodes, edges are `send` and `take`. "
        "false: edges lead from agent to agent, as `message`.",
    )


HEALTH = [health.value for health in figures.Health]


class FiguresShape(serializers.Serializer[Any]):
    """What nodes and edges have in common."""

    id = serializers.CharField()
    environment = serializers.CharField()
    state = serializers.ChoiceField(
        HEALTH,
        help_text="`unknown`: most of what was sent was not seen to arrive. `idle`: known, but nothing in this time.",
    )
    rate = serializers.FloatField(help_text="A minute.")
    errors = serializers.IntegerField()  # type: ignore[assignment]
    error_ratio = serializers.FloatField()
    p50_ms = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)
    p99_ms = serializers.FloatField(allow_null=True)
    wait_p50_ms = serializers.FloatField(allow_null=True, help_text="In the queue, apart from processing.")
    wait_p95_ms = serializers.FloatField(allow_null=True)
    missing = serializers.IntegerField(help_text="Sent, and nobody was seen to take it.")
    skewed = serializers.IntegerField(help_text="Waits not known, since the clocks are apart.")
    last_seen = query.UtcTime(allow_null=True)


class NodeShape(FiguresShape):
    kind = serializers.ChoiceField([kind.value for kind in NodeKind])
    name = serializers.CharField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()


class EdgeShape(FiguresShape):
    source = serializers.CharField(help_text="A node's id.")  # type: ignore[assignment]
    target = serializers.CharField(help_text="A node's id.")
    kind = serializers.ChoiceField(["send", "take", "message", "call", "model", "tool", "service"])
    queued = serializers.BooleanField(help_text="A message that went through a queue.")


class TopologyShape(serializers.Serializer[Any]):
    """The graph of the minutes from `since` to `until`."""

    revision = serializers.IntegerField(help_text="Rises with every change of the topology.")
    since = query.UtcTime()
    until = query.UtcTime()
    nodes = NodeShape(many=True)
    edges = EdgeShape(many=True)


class Topology(ApiView):
    """The graph."""

    permission = Permission.SEE

    @extend_schema(
        operation_id="topology_get",
        summary="Who talks to whom, how often, how fast and how well, in any stretch of time that is kept",
        parameters=[TopologyFilters],
        responses=TopologyShape,
    )
    def get(self, request: Request) -> Response:
        asked = query.read(request, TopologyFilters)
        span = stretch(asked.get("since"), asked.get("until"))
        # Before the rows: what comes between is shown, and the next revision shows it again.
        revision = selectors.revision()
        graph = selectors.graph(self.subject, span.since, span.until, asked.get("environment", ""))
        return Response({"revision": revision, **span.as_data(), **as_rows(graph, asked.get("queues", True))})


class Span(NamedTuple):
    """Whole minutes since 1970, `until` not included."""

    since: int
    until: int

    def as_data(self) -> dict[str, str]:
        return {"since": clock.rfc3339(moment(self.since)), "until": clock.rfc3339(moment(self.until))}


def stretch(since: datetime | None, until: datetime | None) -> Span:
    """The minutes that are asked for, or a problem that names the field."""
    end = until or (since + USUALLY if since else clock.now())
    last = -int(-end.timestamp() // 60)
    first = int(since.timestamp() // 60) if since else last - USUALLY // MINUTE
    if first >= last:
        raise invalid(
            "until", "The end must come after the beginning.", "Swap since and until, or leave one out."
        )
    step = LEVELS[-1] if last - first > LONG // MINUTE else 1
    return Span(first - first % step, -(-last // step) * step)


def as_rows(graph: Graph, queues: bool) -> dict[str, Any]:
    """The graph as plain rows, nodes and edges by id."""
    lines = {line: tally for line, tally in graph.lines.items() if is_drawn(line, tally, queues)}
    shown = {node for line in lines for node in (line.source, line.target)}
    nodes = (
        figures.of_node(node, tally, graph.minutes)
        for node, tally in sorted(graph.nodes.items())
        if node in shown or node.kind is not NodeKind.QUEUE
    )
    edges = (figures.of_line(line, tally, graph.minutes) for line, tally in sorted(lines.items()))
    return {"nodes": list(nodes), "edges": list(edges)}


def is_drawn(line: Line, tally: Tally, queues: bool) -> bool:
    """Is the line part of the graph with queues, or of the one without? What never arrived is part of both."""
    if line.kind in {"send", "take"}:
        return queues or (line.kind == "send" and tally.missing >= figures.FEW)
    return not (queues and line.queued)


def moment(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
