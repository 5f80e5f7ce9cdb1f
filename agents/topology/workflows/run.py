"""A run: a trace as far as it is known, folded span by span. The same spans in any order give the same run. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agents.spans.values import Span
from agents.topology import halves
from agents.topology.usage import Tokens, tokens_of
from agents.topology.workflows.values import Key, Piece, Role, Root, UseKey, shape_of

# Of a larger trace the most telling pieces are kept, and whether a parent is missing is no longer judged.
MOST_PIECES = 400
MOST_TAKEN = 400
HOUR_NS, HOUR = 3_600_000_000_000, 60
_NOBODY = 2**63 - 1
# What says nothing of what was done.
VERBS = frozenset({"", "chat", *halves.SENDING, *halves.RECEIVING})


@dataclass(slots=True)
class Run:
    """Everything that is known of a trace. Without spans it only knows that others took what it sent."""

    root: Root | None = None
    start: int = _NOBODY
    end: int = 0
    spans: int = 0
    errors: int = 0
    overfull: bool = False
    noted: int = 0  # when something of it was last taken in another trace
    pieces: dict[bytes, Piece] = field(default_factory=dict)
    # Parents that calls of models name: they are kept as no pieces themselves.
    awaited: set[bytes] = field(default_factory=set)
    # Senders whose message was taken in another trace.
    taken: set[bytes] = field(default_factory=set)
    uses: dict[UseKey, tuple[int, Tokens]] = field(default_factory=dict)

    def take(self, span: Span) -> None:
        """Add a span. Each comes once."""
        self.spans += 1
        self.errors += halves.failed(span)
        self.start, self.end = min(self.start, span.start), max(self.end, span.end)
        origins = _origins(span)
        self._may_be_root(span, has_origin=bool(origins or span.links))
        if span.model:
            self._use(span)
        else:
            self.pieces[span.span_id] = _piece(span, origins)
        if len(self.pieces) > MOST_PIECES or len(self.awaited) > MOST_PIECES:
            self._bound()

    def note_taken(self, span_id: bytes, at: int) -> None:
        """Another trace took what this span sent."""
        self.noted = max(self.noted, at)
        self.taken.add(span_id)
        if len(self.taken) > MOST_TAKEN:
            self.taken.remove(max(self.taken))

    def _may_be_root(self, span: Span, *, has_origin: bool) -> None:
        """Most are not: then what they would call the workflow need not be worked out."""
        rank = (has_origin, span.start, span.span_id)
        if self.root is None or rank < self.root[:3]:
            self.root = Root(*rank, _key(span))

    def _use(self, span: Span) -> None:
        hour = span.start // HOUR_NS * HOUR
        key = UseKey(hour, span.environment, span.agent, span.system, span.model)
        calls, tokens = self.uses.get(key, (0, Tokens()))
        self.uses[key] = (calls + 1, tokens.plus(tokens_of(span)))
        if span.parent_id and not self.overfull:
            self.awaited.add(span.parent_id)

    def _bound(self) -> None:
        self.overfull = True
        self.awaited = set()
        kept = sorted(self.pieces.values(), key=lambda piece: (-piece.role, piece.start, piece.span_id))
        self.pieces = {piece.span_id: piece for piece in kept[:MOST_PIECES]}

    @property
    def headless(self) -> bool:
        """Does its first span name an origin that is not there?"""
        return bool(self.root and self.root.has_origin)

    @property
    def tokens(self) -> Tokens:
        whole = Tokens()
        for _, tokens in self.uses.values():
            whole = whole.plus(tokens)
        return whole

    def dump(self) -> bytes:
        """As it lies in the database."""
        names: dict[str, int] = {}
        body = (
            self.root,
            (self.start, self.end, self.spans, self.errors, self.overfull, self.noted),
            [_packed(piece, names) for piece in self.pieces.values()],
            list(self.awaited),
            list(self.taken),
            [(*key, calls, *tokens) for key, (calls, tokens) in self.uses.items()],
        )
        return msgspec.msgpack.encode((list(names), body))

    @classmethod
    def load(cls, stored: bytes | memoryview) -> Run:
        names, (root, counts, pieces, awaited, taken, uses) = msgspec.msgpack.decode(bytes(stored))
        run = cls(_root(root), *counts)
        run.pieces = {piece.span_id: piece for piece in (_unpacked(each, names) for each in pieces)}
        run.awaited, run.taken = set(awaited), set(taken)
        run.uses = {UseKey(*each[:5]): (each[5], Tokens(*each[6:])) for each in uses}
        return run


def taken_elsewhere(span: Span) -> Iterable[tuple[bytes, bytes, int]]:
    """Trace id and span id of whatever this span took over from another trace, and when."""
    if not (span.links and (halves.is_receiving(span) or halves.incoming(span))):
        return ()
    return [
        (key[:16], key[16:], span.start)
        for key in halves.origins(span)
        if len(key) == 24 and key[:16] != span.trace_id
    ]


def _key(span: Span) -> Key:
    return Key(span.environment, span.workflow, span.agent, shape_of(_operation(span)))


def _operation(span: Span) -> str:
    """What was done: a model's or a queue's verb alone says less than the span's name."""
    return span.name if span.operation in VERBS else span.operation


def _origins(span: Span) -> tuple[bytes, ...]:
    """Span ids in the same trace that it names as its parent or in links."""
    if not span.links:
        return (span.parent_id,) if span.parent_id else ()
    keys = halves.origins(span)
    return tuple(key[16:] for key in keys if key[:16] == span.trace_id and len(key) == 24)


def _piece(span: Span, origins: tuple[bytes, ...]) -> Piece:
    role = _role(span)
    # An inner span passes on its agent only; its queue would say nothing.
    queue = span.queue if role != Role.INSIDE else ""
    return Piece(
        span.span_id, origins, role, span.environment, span.agent, queue, span.start, span.end,
        halves.failed(span),
    )  # fmt: skip


def _role(span: Span) -> int:
    if halves.is_sending(span):
        return Role.SEND
    if halves.is_receiving(span):
        return Role.RECEIVE if span.step == "receive" else Role.PROCESS
    if halves.is_entry(span):
        return Role.WORK
    return Role.CALL if halves.outgoing(span) else Role.INSIDE


def _root(stored: Any) -> Root | None:
    if not stored:
        return None
    has_origin, start, span_id, key = stored
    return Root(has_origin, start, span_id, Key(*key))


def _packed(piece: Piece, names: dict[str, int]) -> tuple[Any, ...]:
    """Names once, ids as they are."""
    number = [names.setdefault(name, len(names)) for name in (piece.environment, piece.agent, piece.queue)]
    return (
        piece.span_id, b"".join(piece.origins), int(piece.role), *number, piece.start, piece.end - piece.start,
        piece.failed,
    )  # fmt: skip


def _unpacked(stored: list[Any], names: list[str]) -> Piece:
    span_id, joined, role, environment, agent, queue, start, took, failed = stored
    origins = tuple(joined[at : at + 8] for at in range(0, len(joined), 8))
    return Piece(
        span_id, origins, role, names[environment], names[agent], names[queue], start, start + took, failed
    )
