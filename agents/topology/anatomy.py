"""What a trace looks like when it is read: its tree, its lanes, what held it up, and what is missing. Pure.

The way back from the last thing that ended to the first that began is the critical path. It goes through queues:
where a receiver's sender had long ended, the time between the two is a wait of its own, and the path goes on in
the sender. The end of the root span is never taken for the end of the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agents.spans.values import Span
from agents.topology import halves

# A pause is folded when it is this share of the whole, and never when it is shorter than the least.
FOLD_SHARE = 0.08
FOLD_LEAST = 200_000_000


class Bar(NamedTuple):
    """A span in its place: how deep, and in which agent's lane."""

    span: Span
    depth: int
    lane: int
    orphan: bool  # it names a parent that is not there


class Segment(NamedTuple):
    """A piece of the critical path, forwards in time. Without a span: a wait in a queue."""

    span_id: bytes
    queue: str
    start: int
    end: int


class Pause(NamedTuple):
    """A time in which nothing ran."""

    start: int
    end: int


class Ghost(NamedTuple):
    """Something sent that nobody was seen to take: a bar that grows to now."""

    span_id: bytes
    queue: str
    since: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A trace, read. No spans: everything is empty."""

    bars: tuple[Bar, ...]
    lanes: tuple[str, ...]
    path: tuple[Segment, ...]
    pauses: tuple[Pause, ...]
    ghosts: tuple[Ghost, ...]
    start: int
    end: int


class _Tree:
    """Who caused whom, by span id; a link counts where there is no parent in the trace."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.by_id = {span.span_id: span for span in spans}
        self.cause: dict[bytes, bytes] = {}
        self.children: dict[bytes, list[Span]] = {}
        for span in spans:
            cause = self._cause_of(span)
            if cause:
                self.cause[span.span_id] = cause
                self.children.setdefault(cause, []).append(span)
        self._cut_rings(spans)

    def _cause_of(self, span: Span) -> bytes:
        if span.parent_id in self.by_id and span.parent_id != span.span_id:
            return span.parent_id
        linked = (key[16:] for key in halves.origins(span) if key[:16] == span.trace_id)
        return next((key for key in linked if key in self.by_id and key != span.span_id), b"")

    def _cut_rings(self, spans: Sequence[Span]) -> None:
        """Senders can claim what they like: of spans that cause each other, the first by start is a root."""
        safe: set[bytes] = set()
        for span in spans:
            trail: dict[bytes, None] = {}
            at = span.span_id
            while at and at not in safe and at not in trail:
                trail[at] = None
                at = self.cause.get(at, b"")
            if at in trail:
                self._cut(min(_ring(trail, at), key=lambda key: self.by_id[key].start))
            safe.update(trail)

    def _cut(self, key: bytes) -> None:
        self.children[self.cause.pop(key)].remove(self.by_id[key])

    def roots(self) -> list[Span]:
        return [span for key, span in self.by_id.items() if key not in self.cause]

    def is_handed_over(self, span: Span) -> bool:
        """Did the span begin after its cause had ended, through a queue? A sending within a sending did not."""
        cause = self.by_id.get(self.cause.get(span.span_id, b""))
        if cause is None or span.start >= cause.end:
            return cause is not None
        return halves.is_sending(cause) and not halves.is_sending(span)


def read(spans: Iterable[Span], received: frozenset[bytes] = frozenset()) -> Anatomy:
    """A trace's anatomy. `received`: ids of senders whose receivers are known from elsewhere (another trace)."""
    ordered = sorted(
        {span.span_id: span for span in spans}.values(), key=lambda span: (span.start, span.span_id)
    )
    if not ordered:
        return Anatomy((), (), (), (), (), 0, 0)
    tree = _Tree(ordered)
    lanes = {agent: lane for lane, agent in enumerate(dict.fromkeys(span.agent for span in ordered))}
    start, end = ordered[0].start, max(span.end for span in ordered)
    return Anatomy(
        tuple(_bars(tree, lanes)),
        tuple(lanes),
        tuple(_critical_path(tree)),
        tuple(_pauses(ordered, end - start)),
        tuple(_ghosts(tree, received)),
        start,
        end,
    )


def _bars(tree: _Tree, lanes: dict[str, int]) -> Iterable[Bar]:
    """Depth first, each span's children by start: the order in which a waterfall is read."""
    stack = [(span, 0) for span in reversed(tree.roots())]
    while stack:
        span, depth = stack.pop()
        orphan = bool(span.parent_id) and span.parent_id not in tree.by_id
        yield Bar(span, depth, lanes[span.agent], orphan)
        stack += [(child, depth + 1) for child in reversed(tree.children.get(span.span_id, ()))]


def _critical_path(tree: _Tree) -> list[Segment]:
    """Backwards from the last end: through the children that ended last, then to whoever handed the work over."""
    path: list[Segment] = []
    last = max(tree.by_id.values(), key=lambda span: (span.end, span.span_id))
    unit, at = _unit_of(tree, last), last.end
    at = _within(tree, unit, at, path)
    while sender := tree.by_id.get(tree.cause.get(unit.span_id, b"")):
        # Clocks that are apart can put a sender after its receiver; the path never turns round for that.
        sent = min(sender.end, at)
        path.append(Segment(b"", unit.queue or sender.queue, sent, at))
        unit = _unit_of(tree, sender)
        at = _within(tree, unit, sent, path)
    return [segment for segment in reversed(path) if segment.end > segment.start]


def _unit_of(tree: _Tree, span: Span) -> Span:
    """The topmost span that works on the same thing, this side of any queue."""
    while span.span_id in tree.cause and not tree.is_handed_over(span):
        span = tree.by_id[tree.cause[span.span_id]]
    return span


def _within(tree: _Tree, unit: Span, at: int, path: list[Segment]) -> int:
    """Add the path inside one unit of work, backwards from `at`; returns where it began."""
    stack = [(unit, _last_ended_first(tree, unit))]
    while stack:
        span, children = stack[-1]
        child = _next_before(children, at)
        until = min(at, child.end if child else span.start)
        path.append(Segment(span.span_id, "", until, at))
        at = until
        if child:
            stack.append((child, _last_ended_first(tree, child)))
        else:
            stack.pop()
    return at


def _last_ended_first(tree: _Tree, span: Span) -> list[Span]:
    """A stack of the children that worked inside the span, the last to end on top."""
    inside = (child for child in tree.children.get(span.span_id, ()) if not tree.is_handed_over(child))
    return sorted(inside, key=lambda child: child.end)


def _next_before(children: list[Span], at: int) -> Span | None:
    """Takes the last child that had begun by then off the stack."""
    while children:
        child = children.pop()
        if child.start < at:
            return child
    return None


def _pauses(ordered: Sequence[Span], whole: int) -> Iterable[Pause]:
    least, reached = max(FOLD_LEAST, int(whole * FOLD_SHARE)), ordered[0].end
    for span in ordered[1:]:
        if span.start - reached >= least:
            yield Pause(reached, span.start)
        reached = max(reached, span.end)


def _ghosts(tree: _Tree, received: frozenset[bytes]) -> Iterable[Ghost]:
    for key, span in tree.by_id.items():
        if halves.is_sending(span) and key not in received and not tree.children.get(key):
            yield Ghost(key, span.queue, span.end)


def _ring(trail: dict[bytes, None], at: bytes) -> list[bytes]:
    keys = list(trail)
    return keys[keys.index(at) :]
