"""Who waits for whom: rings are found, chains followed to their end, and each node judged once. Pure.

A node is one message in somebody's hands, or all that wait in one queue. A message waits for what it sent, as long as
that is under way; a queue waits for those that fill its hands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agents.queues.stuck.judging import judge
from agents.queues.stuck.values import ORDER, Elsewhere, Facts, Judgement, Verdict


@dataclass(slots=True)
class Node:
    """`sent`: what it sent that is under way (messages). `hands`: who has messages of its queue in hand (queues).
    `slots`: how many hands the queue has; None: nobody tells. `in_hand`: how many of them are full."""

    facts: Facts
    messages: int = 1
    sent: tuple[str, ...] = ()
    hands: tuple[str, ...] = ()
    slots: int | None = None
    in_hand: int = 0

    @property
    def agent(self) -> str:
        facts = self.facts
        return facts.agent or next((each.agent for each in facts.takers), "") or facts.queue

    @property
    def full(self) -> bool:
        """Every hand of the queue holds a message."""
        if self.slots:
            return self.in_hand >= self.slots
        return self.in_hand > 0 and not (self.facts.figures and self.facts.figures.moves)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of a node. `root`: the node at the end of its chain; itself, where the cause is its own."""

    judgement: Judgement
    root: str


@dataclass(slots=True)
class _Graph:
    nodes: Mapping[str, Node]
    rings: dict[str, tuple[str, ...]]
    done: dict[str, Judged] = field(default_factory=dict)

    def judged(self, id: str, path: tuple[str, ...] = ()) -> Judged:
        if id not in self.done:
            self.done[id] = self._judge(id, path)
        return self.done[id]

    def _judge(self, id: str, path: tuple[str, ...]) -> Judged:
        node = self.nodes[id]
        if id in self.rings:
            return Judged(judge(replace(node.facts, ring=self.rings[id])), id)
        if id in path or len(path) > 200:
            return Judged(judge(node.facts), id)
        further = (*path, id)
        return self._behind_child(id, node, further) or self._behind_hands(id, node, further)

    def _behind_child(self, id: str, node: Node, path: tuple[str, ...]) -> Judged | None:
        found = [(each, self.judged(each, path)) for each in node.sent if each in self.nodes]
        stuck = [(each, judged) for each, judged in found if judged.judgement.verdict is not None]
        if node.facts.room:
            found = [(each, judged) for each, judged in found if _is_open(judged.judgement)]
        if not found:
            return None
        child, judged = min(stuck or found, key=lambda pair: _order(pair[1].judgement))
        behind = self._elsewhere(child, judged, early=not stuck, room=node.facts.room)
        root = judged.root if stuck else id
        found_here = judge(replace(node.facts, child=behind))
        return Judged(found_here, root if found_here.verdict is Verdict.BLOCKED_DOWNSTREAM else id)

    def _behind_hands(self, id: str, node: Node, path: tuple[str, ...]) -> Judged:
        facts = replace(node.facts, hands_full=node.full)
        held = [self.judged(each, path) for each in node.hands]
        stuck = [(each, one) for each, one in zip(node.hands, held, strict=True) if _holds(one.judgement)]
        if not stuck or len(stuck) < (node.slots or 1) or not node.full:
            return Judged(judge(facts), id)
        hand, judged = min(stuck, key=lambda pair: _order(pair[1].judgement))
        verdict = judged.judgement.verdict
        assert verdict is not None
        says = f"every hand of {node.facts.queue} is full: {judged.judgement.because}"
        agent = judged.judgement.agent or self.nodes[hand].agent
        behind = Elsewhere(verdict, agent, self.nodes[judged.root].facts.queue, says)
        found = judge(replace(facts, hands=behind))
        follows = found.verdict in {Verdict.BLOCKED_DOWNSTREAM, verdict}
        return Judged(found, judged.root if follows else id)

    def _elsewhere(self, id: str, judged: Judged, *, early: bool, room: str) -> Elsewhere:
        end = self.nodes[judged.root]
        verdict = judged.judgement.verdict or Verdict.UNKNOWN
        agent = judged.judgement.agent or end.agent
        reason = (
            self.done[judged.root].judgement.because if judged.root in self.done else judged.judgement.because
        )
        does = "it waits for room in" if room else "it waits for what it sent to"
        says = f"{does} {self.nodes[id].facts.queue}: {reason}"
        return Elsewhere(verdict, agent, end.facts.queue, says, early=early)


def resolve(nodes: Mapping[str, Node]) -> dict[str, Judged]:
    """Every node, judged with what it waits for."""
    graph = _Graph(nodes, rings(nodes))
    return {id: graph.judged(id) for id in nodes}


def rings(nodes: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    """The nodes that wait for each other in a ring, with the ring's agents in order."""
    waits = {id: _waits_for(node, nodes) for id, node in nodes.items()}
    left = _trimmed(waits)
    found: dict[str, tuple[str, ...]] = {}
    for id in left:
        if id not in found:
            ring = _walk(id, left)
            agents = _agents(ring, nodes)
            for each in ring:
                found.setdefault(each, agents)
    return {id: agents for id, agents in found.items() if len(agents) > 1}


def _waits_for(node: Node, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    if node.sent:
        return tuple(each for each in node.sent if each in nodes)
    return node.hands if node.full and len(node.hands) >= (node.slots or 1) else ()


def _trimmed(waits: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What is left when those who wait for nobody, and then those who waited for them, are taken away."""
    left = dict(waits)
    while gone := {id for id, targets in left.items() if not any(each in left for each in targets)}:
        left = {id: targets for id, targets in left.items() if id not in gone}
    return {id: tuple(each for each in targets if each in left) for id, targets in left.items()}


def _walk(start: str, waits: Mapping[str, tuple[str, ...]]) -> list[str]:
    """From a node on until one comes again: the ring that it leads into."""
    met: list[str] = []
    here = start
    while here not in met:
        met.append(here)
        here = waits[here][0]
    return met[met.index(here) :]


def _agents(ring: list[str], nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """Each agent once, beginning with the first by name, so that a ring reads the same wherever one begins."""
    names = list(dict.fromkeys(nodes[id].agent for id in ring))
    first = names.index(min(names))
    return tuple(names[first:] + names[:first])


def _holds(judgement: Judgement) -> bool:
    """Whoever is down fills no hand."""
    return judgement.verdict not in {None, Verdict.AGENT_DOWN}


def _is_open(judgement: Judgement) -> bool:
    """Stuck, or nothing can be said yet."""
    return judgement.verdict is not None or bool(judgement.missing)


def _order(judgement: Judgement) -> int:
    return ORDER[judgement.verdict] if judgement.verdict else len(ORDER)
