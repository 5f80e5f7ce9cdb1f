"""Joins the two halves of an edge, in whatever order they come.

The window keeps senders, which may have no, one or many receivers, and receivers that wait for their sender.
Everything found is added to tallies, and adding knows no order: the same spans in any order and any batches give
the same tallies. The window is bounded in number and age; what falls out of it is looked up in the span store.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from agents.spans.values import Span
from agents.topology import halves
from agents.topology.halves import Incoming, Outgoing
from agents.topology.usage import tokens_of
from agents.topology.values import MINUTE, Cell, Edge, EdgeKind, Tally
from agents.topology.values import edge as edge_of

# Looked up once: members of an enumeration are slow to reach.
SEND, MESSAGE, CALL, WORK = EdgeKind.SEND, EdgeKind.MESSAGE, EdgeKind.CALL, EdgeKind.WORK

Tallies = dict[Cell, Tally]
# Finds spans by trace id + span id. It must know every span that the window was fed, and no other: what it finds
# is counted at once, and must not be counted again when it comes.
Lookup = Callable[[Iterable[bytes]], Mapping[bytes, Span]]


class Window:
    """The halves that may still find their other half. Not for two threads at once."""

    def __init__(self, lookup: Lookup, *, limit: int = 200_000) -> None:
        self.limit = limit
        self.lookup = lookup
        # Only senders are kept. That a plain span ran another agent is rare enough to be looked up.
        self._senders: OrderedDict[bytes, Outgoing] = OrderedDict()
        self._matched: OrderedDict[bytes, None] = OrderedDict()
        self._waiting: OrderedDict[bytes, list[Incoming]] = OrderedDict()
        self._around: OrderedDict[bytes, Edge] = OrderedDict()
        self._folded: OrderedDict[bytes, None] = OrderedDict()
        self.overflowed = 0

    def feed(self, spans: Iterable[Span], into: Tallies) -> None:
        """Take a batch in and add what it tells to `into`."""
        orphans: dict[bytes, list[Incoming]] = {}
        for span in spans:
            self._take(span, into, orphans)
        self._look_up(orphans, into)
        self._bound()

    def _take(self, span: Span, into: Tallies, orphans: dict[bytes, list[Incoming]]) -> None:
        _own_work(span, into)
        sent = halves.outgoing(span)
        key = halves.key_of(span)
        if sent:
            _tally(into, sent.edge, sent.end).calls += 1
            self._senders[key] = sent
            self._fold(key, span, sent, into)
        if key in self._waiting or key in orphans:
            for receiver in (*self._waiting.pop(key, ()), *orphans.pop(key, ())):
                self._join(key, sent or _plain(span), receiver, into)
        if received := halves.incoming(span):
            self._receive(received, into, orphans)

    def _receive(self, received: Incoming, into: Tallies, orphans: dict[bytes, list[Incoming]]) -> None:
        for origin in received.origins:
            sender = self._senders.get(origin)
            if sender:
                self._join(origin, sender, received, into)
            else:
                orphans.setdefault(origin, []).append(received)

    def _fold(self, key: bytes, span: Span, sent: Outgoing, into: Tallies) -> None:
        """Some libraries trace one sending as two spans, one around the other, and batches have a span around all
        their messages: whatever is sent within a sending to the same queue is what counts."""
        if sent.edge.kind is not SEND or not span.parent_id:
            around = b""
        else:
            around = span.trace_id + span.parent_id
            self._around[around] = sent.edge
        for outer in (around, key):
            sender = self._senders.get(outer)
            if sender and self._around.get(outer) == sender.edge and outer not in self._folded:
                self._folded[outer] = None
                _tally(into, sender.edge, sender.end).calls -= 1

    def _look_up(self, orphans: dict[bytes, list[Incoming]], into: Tallies) -> None:
        """Receivers whose sender is in no batch yet: it came long ago, or it is still to come."""
        found = self.lookup(orphans) if orphans else {}
        for key, receivers in orphans.items():
            origin = found.get(key)
            if origin is None:
                self._waiting.setdefault(key, []).extend(receivers)
                continue
            for receiver in receivers:
                self._join(key, halves.outgoing(origin) or _plain(origin), receiver, into)

    def _join(self, key: bytes, sender: Outgoing, receiver: Incoming, into: Tallies) -> None:
        if sender.edge.kind is not CALL:
            self._mark(key, sender, into)
        is_message = sender.edge.kind is SEND
        if not is_message and sender.agent == receiver.agent:
            return
        edge = _joined(sender, receiver, is_message)
        tally = _tally(into, edge, receiver.start)
        _count(tally, receiver)
        if is_message:
            _measure_wait(tally, sender, receiver)

    def _mark(self, key: bytes, sender: Outgoing, into: Tallies) -> None:
        """The first receiver settles that what was sent has arrived; further ones change nothing of that."""
        if key not in self._matched:
            self._matched[key] = None
            _tally(into, sender.edge, sender.end).matched += 1

    def _bound(self) -> None:
        for kept in (self._senders, self._matched, self._waiting, self._around, self._folded):
            while len(kept) > self.limit:
                kept.popitem(last=False)
                self.overflowed += 1


def _own_work(span: Span, into: Tallies) -> None:
    """What a span says without any other: the agent's own work, and calls to models and tools."""
    if halves.is_entry(span):
        _whole(into, edge_of(span.environment, WORK, "", "", span.agent), span)
    leaf = halves.leaf_edge(span)
    if leaf:
        tally, tokens = _whole(into, leaf, span), tokens_of(span)
        tally.input_tokens += tokens.input
        tally.output_tokens += tokens.output
        tally.cached_tokens += tokens.cached


def _whole(into: Tallies, edge: Edge, span: Span) -> Tally:
    tally = _tally(into, edge, span.start)
    tally.calls += 1
    tally.errors += halves.failed(span)
    tally.duration.add(span.duration)
    return tally


def _count(tally: Tally, receiver: Incoming) -> None:
    if receiver.step == "receive":
        tally.received += 1
        return
    tally.calls += 1
    tally.errors += receiver.failed
    tally.duration.add(receiver.duration)


def _measure_wait(tally: Tally, sender: Outgoing, receiver: Incoming) -> None:
    wait = receiver.start - sender.end
    if wait < 0:
        tally.skewed += 1
    elif receiver.step == "receive":
        tally.fetch.add(wait)
    else:
        tally.wait.add(wait)


def _joined(sender: Outgoing, receiver: Incoming, is_message: bool) -> Edge:
    if is_message:
        queue = receiver.queue or sender.queue
        return edge_of(receiver.environment, MESSAGE, sender.agent, queue, receiver.agent)
    return edge_of(receiver.environment, CALL, sender.agent, "", receiver.agent)


def _plain(span: Span) -> Outgoing:
    """A parent that is no sender: an agent that runs another inside its own process."""
    edge = edge_of(span.environment, CALL, span.agent, "", "")
    return Outgoing(edge, span.agent, span.queue, span.start, span.end)


def _tally(into: Tallies, edge: Edge, moment: int) -> Tally:
    cell = Cell(edge, moment // MINUTE)
    tally = into.get(cell)
    if tally is None:
        tally = into[cell] = Tally()
    tally.last_seen = max(tally.last_seen, moment)
    return tally
