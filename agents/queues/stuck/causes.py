"""From what is said of each message to causes: what holds many up is named once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from agents.queues.stuck.graph import Judged, Node
from agents.queues.stuck.values import Evidence, Judgement, RuledOut, Verdict

MOST_NAMED = 20


@dataclass(slots=True)
class Cause:
    """Messages with one verdict for one reason in one queue. `frees`: all that move when it is repaired."""

    key: str
    verdict: Verdict
    environment: str
    broker: str
    queue: str
    agent: str
    sentence: str
    oldest_at: datetime
    evidence: tuple[Evidence, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    missing: tuple[str, ...] = ()
    messages: int = 0
    frees: int = 0
    behind: str = ""
    in_hand: bool = False  # whether a message in somebody's hands explains it
    nodes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a node is: what the facts themselves do not name."""

    environment: str
    broker: str
    queue: str


def of(
    nodes: Mapping[str, Node], judged: Mapping[str, Judged], spots: Mapping[str, Spot], now: datetime
) -> list[Cause]:
    """Every cause, that first whose repair frees the most."""
    found: dict[str, Cause] = {}
    keys: dict[str, str] = {}
    for id, each in judged.items():
        if each.judgement.verdict is None:
            continue
        cause = _cause(nodes[id], each.judgement, spots[id], now)
        known = found.setdefault(cause.key, cause)
        keys[id] = cause.key
        _join(known, cause, nodes[id], id)
    for id, key in keys.items():
        root = keys.get(judged[id].root, "")
        found[key].behind = root if root != key else found[key].behind
    _count(found, nodes)
    return sorted(found.values(), key=lambda cause: (bool(cause.behind), -cause.frees, cause.oldest_at))


def _cause(node: Node, judgement: Judgement, spot: Spot, now: datetime) -> Cause:
    assert judgement.verdict is not None
    agent = judgement.agent or node.agent
    return Cause(
        _key(judgement.verdict, spot, agent),
        judgement.verdict,
        spot.environment,
        spot.broker,
        spot.queue,
        agent,
        judgement.because,
        now - timedelta(seconds=node.facts.age_s),
        judgement.evidence,
        judgement.ruled_out,
        judgement.missing,
        in_hand=bool(node.facts.instance),
    )


def _join(known: Cause, cause: Cause, node: Node, id: str) -> None:
    """The message in hand explains more than those that wait behind it; of equals, the one that waits longest."""
    known.messages += node.messages
    known.nodes.append(id)
    if known is cause:
        return
    if (cause.in_hand, known.oldest_at) > (known.in_hand, cause.oldest_at):
        known.sentence, known.evidence = cause.sentence, cause.evidence
        known.ruled_out, known.missing = cause.ruled_out, cause.missing
        known.in_hand = cause.in_hand
    known.oldest_at = min(known.oldest_at, cause.oldest_at)


def _count(found: Mapping[str, Cause], nodes: Mapping[str, Node]) -> None:
    """All of a queue moves, not only what is beyond its time already; and all that waits behind that."""
    own = {key: _own(cause, nodes) for key, cause in found.items()}
    for key, cause in found.items():
        cause.frees += own[key]
        met, behind = {key}, cause.behind
        while behind and behind not in met and behind in found:
            found[behind].frees += own[key]
            met.add(behind)
            behind = found[behind].behind


def _own(cause: Cause, nodes: Mapping[str, Node]) -> int:
    waiting = [nodes[id] for id in cause.nodes if not nodes[id].facts.instance]
    held = sum(nodes[id].messages for id in cause.nodes if nodes[id].facts.instance)
    return held + sum(max(node.messages, _depth(node)) for node in waiting)


def _depth(node: Node) -> int:
    figures = node.facts.figures
    return figures.depth if figures and figures.fresh else 0


def _key(verdict: Verdict, spot: Spot, agent: str) -> str:
    parts = "\0".join((verdict, spot.environment, spot.broker, spot.queue, agent))
    return blake2b(parts.encode(), digest_size=16).hexdigest()
