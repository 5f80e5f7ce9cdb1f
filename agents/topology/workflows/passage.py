"""What a run says of its workflow: marks on edges, which are added when it is known and taken away when it changes.

Pure. Marks are counted one by one, so that what a run says twice in the same way cancels out at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from agents.topology.sketch import bucket_of
from agents.topology.values import MINUTE, Edge, EdgeKind, Tally
from agents.topology.workflows.run import HOUR, Run
from agents.topology.workflows.values import HEADLESS, WHOLE, Key, Open, Piece, Role

# (minute, edge, what of its tally, bucket of a sketch or -1 for a count)
Mark = tuple[int, Edge, str, int]
Marks = dict[Mark, int]
COUNT = -1
NO_MARKS: Mapping[Mark, int] = {}


class Said(NamedTuple):
    """What a run says now. Without a key it says nothing: it has no span yet."""

    key: Key | None
    marks: Mapping[Mark, int]
    failed: bool
    missing: int


NOTHING = Said(None, NO_MARKS, failed=False, missing=Open.NOTHING)


def say(run: Run) -> Said:
    """All that a run adds to its workflow."""
    if run.root is None:
        return NOTHING
    walk = _Walk(run)
    failed, missing = walk.failed(), walk.missing()
    marks: Marks = {}
    minute = run.start // MINUTE
    for edge, what, bucket in walk.marks():
        mark = (minute, edge, what, bucket)
        marks[mark] = marks.get(mark, 0) + 1
    _add_whole(marks, run, minute, failed=failed, missing=missing)
    _add_uses(marks, run, minute)
    return Said(run.root.key, marks, failed, missing)


class _Walk:
    """A run's pieces and how they hang together."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pieces = run.pieces
        self._received = {
            origin
            for piece in run.pieces.values()
            if piece.role in (Role.PROCESS, Role.RECEIVE, Role.WORK)
            for origin in piece.origins
        } | run.taken

    def marks(self) -> Iterator[tuple[Edge, str, int]]:
        for piece in self._pieces.values():
            if piece.role == Role.SEND:
                yield from self._sent(piece)
            elif piece.role >= Role.RECEIVE:
                yield from self._taken_over(piece)
            if piece.role in (Role.WORK, Role.PROCESS):
                yield from _worked(Edge(piece.environment, EdgeKind.WORK, "", "", piece.agent), piece)

    def _sent(self, piece: Piece) -> Iterator[tuple[Edge, str, int]]:
        edge = Edge(piece.environment, EdgeKind.SEND, piece.agent, piece.queue, "")
        yield edge, "calls", COUNT
        if piece.span_id in self._received:
            yield edge, "matched", COUNT

    def _taken_over(self, piece: Piece) -> Iterator[tuple[Edge, str, int]]:
        for origin in piece.origins:
            sender = self._pieces.get(origin)
            if sender and sender.role == Role.SEND:
                queue = piece.queue or sender.queue
                edge = Edge(piece.environment, EdgeKind.MESSAGE, sender.agent, queue, piece.agent)
                yield from _carried(edge, sender, piece)
            elif sender and sender.agent != piece.agent and piece.role != Role.RECEIVE:
                yield from _worked(
                    Edge(piece.environment, EdgeKind.CALL, sender.agent, "", piece.agent), piece
                )

    def failed(self) -> bool:
        """The first work failed, or the last attempt at some message did and did not send it back."""
        root = self._pieces.get(self._run.root.span_id) if self._run.root else None
        if root and root.failed:
            return True
        last: dict[tuple[object, ...], Piece] = {}
        for piece in self._pieces.values():
            if piece.role == Role.PROCESS:
                key = (piece.agent, self._message_of(piece))
                if key not in last or (last[key].start, last[key].span_id) < (piece.start, piece.span_id):
                    last[key] = piece
        again = self._sent_again()
        return any(piece.failed and piece.span_id not in again for piece in last.values())

    def _message_of(self, piece: Piece) -> tuple[bytes, ...]:
        """What a piece worked on: attempts at one message come from the same sender."""
        senders = [
            origin for origin in piece.origins if self._role(origin) == Role.SEND or origin in self._run.taken
        ]
        return tuple(sorted(senders)) or (piece.span_id,)

    def _sent_again(self) -> set[bytes]:
        """Whoever sent its message back to the queue that it came from."""
        return {
            origin
            for piece in self._pieces.values()
            if piece.role == Role.SEND and piece.queue
            for origin in piece.origins
            if (worked := self._pieces.get(origin)) and worked.queue == piece.queue
        }

    def _role(self, span_id: bytes) -> int:
        piece = self._pieces.get(span_id)
        return piece.role if piece else Role.INSIDE

    def missing(self) -> int:
        if any(
            piece.role == Role.SEND and piece.span_id not in self._received for piece in self._pieces.values()
        ):
            return Open.RECEIVER
        if self._run.overfull:
            return Open.NOTHING
        named = {origin for piece in self._pieces.values() for origin in piece.origins[:1]}
        return Open.PARENT if (named | self._run.awaited) - self._pieces.keys() else Open.NOTHING


def _worked(edge: Edge, piece: Piece) -> Iterator[tuple[Edge, str, int]]:
    yield edge, "calls", COUNT
    yield edge, "duration", bucket_of(piece.end - piece.start)
    if piece.failed:
        yield edge, "errors", COUNT


def _carried(edge: Edge, sender: Piece, piece: Piece) -> Iterator[tuple[Edge, str, int]]:
    """Through a queue: how long it waited there apart from how long it was worked on."""
    wait, is_fetch = piece.start - sender.end, piece.role == Role.RECEIVE
    if is_fetch:
        yield edge, "received", COUNT
    else:
        yield from _worked(edge, piece)
    if wait < 0:
        yield edge, "skewed", COUNT
    else:
        yield edge, "fetch" if is_fetch else "wait", bucket_of(wait)


def _add_whole(marks: Marks, run: Run, minute: int, *, failed: bool, missing: int) -> None:
    edge = HEADLESS if run.headless else WHOLE
    tokens = run.tokens
    counts = {
        "calls": 1,
        "errors": int(failed),
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cached_tokens": tokens.cached,
    }
    marks.update({(minute, edge, what, COUNT): count for what, count in counts.items() if count})
    if missing != Open.RECEIVER:
        marks[minute, edge, "duration", bucket_of(run.end - run.start)] = 1


def _add_uses(marks: Marks, run: Run, minute: int) -> None:
    """At the run's minute where that is in the hour of the call, else at the hour's first."""
    for use, (calls, tokens) in run.uses.items():
        at = minute if minute - minute % HOUR == use.hour else use.hour
        edge = Edge(use.environment, EdgeKind.MODEL, use.agent, use.provider, use.model)
        counts = {
            "calls": calls,
            "input_tokens": tokens.input,
            "output_tokens": tokens.output,
            "cached_tokens": tokens.cached,
        }
        for what, count in counts.items():
            if count:
                mark = (at, edge, what, COUNT)
                marks[mark] = marks.get(mark, 0) + count


def put(tally: Tally, what: str, bucket: int, count: int) -> None:
    """Add a mark to a tally, or take one away (a negative count)."""
    if bucket == COUNT:
        setattr(tally, what, getattr(tally, what) + count)
    else:
        buckets = getattr(tally, what).buckets
        buckets[bucket] = buckets.get(bucket, 0) + count
