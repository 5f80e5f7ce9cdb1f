"""What a run says of its workflow: marks on edges, which are added when it is known and taken away when it changes.

Pure. Marks are counted one by one, so that what a run says twice in the same way cancels out at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from agents.topology.sketch import bucket_of
from agents.topology.values import MINUTE, Edge, EdgeKind, Tally
from agents.topology.values import edge as edge_of
from agents.topology.workflows.run import HOUR, Run
from agents.topology.workflows.values import HEADLESS, WHOLE, Key, Open, Piece, Role

# (minute, edge, what of its tally, bucket of a sketch or -1 for a count)
Mark = tuple[int, Edge, str, int]
Marks = dict[Mark, int]
COUNT = -1
NO_MARKS: Mapping[Mark, int] = {}
# Looked up once: members of an enumeration are slow to reach.
SEND, PROCESS, RECEIVE = int(Role.SEND), int(Role.PROCESS), int(Role.RECEIVE)
SENT, CARRIED, CALLED, WORKED = EdgeKind.SEND, EdgeKind.MESSAGE, EdgeKind.CALL, EdgeKind.WORK


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
    marks: Marks = Counter(walk.marks())
    _add_whole(marks, run, walk.minute, failed=failed, missing=missing)
    _add_uses(marks, run, walk.minute)
    return Said(run.root.key, marks, failed, missing)


class _Walk:
    """A run's pieces and how they hang together. Thousands are walked each second, and each of them several times:
    so lists are filled, where generators in generators would read better."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pieces = run.pieces
        self._received = set(run.taken)
        for piece in run.pieces.values():
            if RECEIVE <= piece.role <= PROCESS:
                self._received.update(piece.origins)
        self.minute = run.start // MINUTE

    def marks(self) -> list[Mark]:
        found: list[Mark] = []
        for piece in self._pieces.values():
            if piece.role == SEND:
                self._sent(found, piece)
            elif piece.role >= RECEIVE:
                self._taken_over(found, piece)
                if piece.role != RECEIVE:
                    edge = edge_of(piece.environment, WORKED, "", "", piece.agent)
                    _worked(found, self.minute, edge, piece)
        return found

    def _sent(self, into: list[Mark], piece: Piece) -> None:
        edge = edge_of(piece.environment, SENT, piece.agent, piece.queue, "")
        into.append((self.minute, edge, "calls", COUNT))
        if piece.span_id in self._received:
            into.append((self.minute, edge, "matched", COUNT))

    def _taken_over(self, into: list[Mark], piece: Piece) -> None:
        for origin in piece.origins:
            sender = self._pieces.get(origin)
            if sender is None:
                continue
            if sender.role == SEND:
                queue = piece.queue or sender.queue
                edge = edge_of(piece.environment, CARRIED, sender.agent, queue, piece.agent)
                _carried(into, self.minute, edge, sender, piece)
            elif sender.agent != piece.agent and piece.role != RECEIVE:
                edge = edge_of(piece.environment, CALLED, sender.agent, "", piece.agent)
                _worked(into, self.minute, edge, piece)

    def failed(self) -> bool:
        """The first work failed, or the last attempt at some message did and did not send it back."""
        root = self._pieces.get(self._run.root.span_id) if self._run.root else None
        if root and root.failed:
            return True
        attempts = [piece for piece in self._pieces.values() if piece.role == PROCESS]
        return any(piece.failed for piece in attempts) and self._one_failed(attempts)

    def _one_failed(self, attempts: list[Piece]) -> bool:
        last: dict[tuple[object, ...], Piece] = {}
        for piece in attempts:
            key = (piece.agent, self._message_of(piece))
            if key not in last or (last[key].start, last[key].span_id) < (piece.start, piece.span_id):
                last[key] = piece
        again = self._sent_again()
        return any(piece.failed and piece.span_id not in again for piece in last.values())

    def _message_of(self, piece: Piece) -> tuple[bytes, ...]:
        """What a piece worked on: attempts at one message come from the same sender."""
        senders = [
            origin for origin in piece.origins if self._role(origin) == SEND or origin in self._run.taken
        ]
        return tuple(sorted(senders)) or (piece.span_id,)

    def _sent_again(self) -> set[bytes]:
        """Whoever sent its message back to the queue that it came from."""
        return {
            origin
            for piece in self._pieces.values()
            if piece.role == SEND and piece.queue
            for origin in piece.origins
            if (worked := self._pieces.get(origin)) and worked.queue == piece.queue
        }

    def _role(self, span_id: bytes) -> int:
        piece = self._pieces.get(span_id)
        return piece.role if piece else Role.INSIDE

    def missing(self) -> int:
        sent = [piece.span_id for piece in self._pieces.values() if piece.role == SEND]
        if not self._received.issuperset(sent):
            return Open.RECEIVER
        if self._run.overfull:
            return Open.NOTHING
        named = [piece.origins[0] for piece in self._pieces.values() if piece.origins]
        there = self._pieces.keys()
        return Open.NOTHING if there >= {*named, *self._run.awaited} else Open.PARENT


def _worked(into: list[Mark], minute: int, edge: Edge, piece: Piece) -> None:
    into.append((minute, edge, "calls", COUNT))
    into.append((minute, edge, "duration", bucket_of(piece.end - piece.start)))
    if piece.failed:
        into.append((minute, edge, "errors", COUNT))


def _carried(into: list[Mark], minute: int, edge: Edge, sender: Piece, piece: Piece) -> None:
    """Through a queue: how long it waited there apart from how long it was worked on."""
    wait, is_fetch = piece.start - sender.end, piece.role == RECEIVE
    if is_fetch:
        into.append((minute, edge, "received", COUNT))
    else:
        _worked(into, minute, edge, piece)
    if wait < 0:
        into.append((minute, edge, "skewed", COUNT))
    else:
        into.append((minute, edge, "fetch" if is_fetch else "wait", bucket_of(wait)))


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
        edge = edge_of(use.environment, EdgeKind.MODEL, use.agent, use.provider, use.model)
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
