"""Token use as prices are asked about it: by model, provider and day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agents.prices.values import Use, day_of
from agents.spans.values import Span
from agents.topology.levels import cover
from agents.topology.models import EdgeCell, EdgeRow
from agents.topology.rollups import edge_of
from agents.topology.usage import Tokens, tokens_of
from agents.topology.values import MINUTE, Edge, EdgeKind, Tally
from agents.topology.workflows.values import UseKey

TOKENS = ("calls", "input_tokens", "output_tokens", "cached_tokens")


def of_spans(spans: Iterable[Span]) -> list[Use]:
    """What these spans used; spans that call no model are left out."""
    return [of_span(span) for span in spans if span.model]


def of_span(span: Span) -> Use:
    tokens = tokens_of(span)
    return Use(span.model, span.system, day_of(span.start), *tokens, calls=1)


def of_run(uses: Mapping[UseKey, tuple[int, Tokens]]) -> list[Use]:
    return [
        Use(key.model, key.provider, day_of(key.hour * MINUTE), *tokens, calls=calls)
        for key, (calls, tokens) in uses.items()
    ]


def of_cells(cells: Iterable[tuple[int, Edge, Tally]]) -> list[Use]:
    """Of edges to models, each with the minute at which its stretch begins: none is longer than a day."""
    return [
        Use(
            edge.target, edge.via, day_of(start * MINUTE), tally.input_tokens, tally.output_tokens,
            tally.cached_tokens, tally.calls,
        )
        for start, edge, tally in cells
    ]  # fmt: skip


def of_edges(environment: str, since: int, until: int, *, agent: str = "", model: str = "") -> list[Use]:
    """What an agent used, or what was used of a model, in the minutes [since, until). Who asks may see it."""
    rows = EdgeRow.objects.filter(kind=EdgeKind.MODEL, environment=environment, last_seen__gte=since * MINUTE)
    rows = rows.filter(source=agent) if agent else rows.filter(target=model)
    edges = {row.pk: edge_of(row) for row in rows}
    found: list[tuple[int, Edge, Tally]] = []
    for stretch in cover(since, until):
        cells = EdgeCell.objects.filter(
            edge_id__in=edges, level=stretch.level, start__gte=stretch.start, start__lt=stretch.end
        )
        for edge_id, start, *counts in cells.values_list("edge_id", "start", *TOKENS):
            found.append((start, edges[edge_id], Tally(**dict(zip(TOKENS, counts, strict=True)))))
    return of_cells(found)
