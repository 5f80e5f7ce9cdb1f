"""Everything that one look takes in, read in a bounded number of questions and made into facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from agents.ledger import selectors as ledger
from agents.ledger.absence import absence
from agents.ledger.models import MessageRow
from agents.ledger.services.ears import WayKind
from agents.ledger.values import HELD_BY_AGENT, LOST, Kind, Sources, micros
from agents.queues import selectors
from agents.queues.models import QueueRow
from agents.queues.stuck import candidates, staff
from agents.queues.stuck.candidates import Flow, Group, Where
from agents.queues.stuck.graph import Node
from agents.queues.stuck.in_hand import InHand
from agents.queues.stuck.memory import Memory
from agents.queues.stuck.rows import age_s, error_of, in_hand, room_of, waits, where_of
from agents.queues.stuck.sources import broker_facts, ledger_facts
from agents.queues.stuck.staff import Staff
from agents.queues.stuck.values import BrokerFacts, Facts, InstanceFacts, LedgerFacts, Patience, QueueFacts
from agents.queues.values import QueueKey, QueueState

THROUGH_IT = int(Sources.LIBRARY | Sources.CELERY)
# A child that was sent a moment ago holds nobody up.
CHILD_S = 2.0


@dataclass(slots=True)
class Scene:
    """What there is to judge: nodes by id, and what they are of."""

    now: datetime
    nodes: dict[str, Node] = field(default_factory=dict)
    rows: dict[str, MessageRow] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    wheres: dict[str, Where] = field(default_factory=dict)
    queues: dict[QueueKey, QueueState] = field(default_factory=dict)


def of_message(row: MessageRow) -> str:
    return f"m{row.pk}"


def of_queue(where: Where) -> str:
    return "q" + "\n".join(where)


class Reader:
    """Reads scenes. For one thread."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory, self._in_hand = memory or Memory(), InHand()

    def close(self) -> None:
        """Let go of connections to brokers."""
        self._in_hand.close()

    def read(self, now: datetime, also: Sequence[MessageRow] = ()) -> Scene:
        """Whatever is beyond its time, and `also` these messages."""
        stamp = micros(now)
        groups = {each.where: each for each in candidates.waiting(stamp)}
        held = _by_pk([*candidates.held(stamp), *(row for row in also if not waits(row))])
        for row in also:
            if waits(row):
                where = where_of(row)
                groups.setdefault(where, Group(where, 1, row.since))
        if not groups and not held:
            self._memory.forget_all_but(())
            return Scene(now)
        reading = _Reading(now, groups, _not_lost(held, now), self._memory, self._in_hand)
        return reading.scene([row for row in also if waits(row)])


class _Reading:
    """One scene, being read."""

    def __init__(
        self,
        now: datetime,
        groups: dict[Where, Group],
        held: dict[int, MessageRow],
        memory: Memory,
        asked: InHand,
    ) -> None:
        self._asked = asked
        self._now, self._groups, self._memory = now, groups, memory
        self._held = held
        children = candidates.children([row for row in held.values() if in_hand(row)])
        self._children = [row for row in children if age_s(row.since, now) > CHILD_S]
        for row in self._children:
            if waits(row):
                groups.setdefault(where_of(row), Group(where_of(row), 1, row.since))
            elif row.state in HELD_BY_AGENT and age_s(row.since, now) > candidates.YOUNGEST_S:
                self._held.setdefault(row.pk, row)
        self._wheres = {*groups, *(where_of(row) for row in self._held.values())}
        self._brokers = {each.name: each for each in selectors.brokers()}
        self._staff = self._read_staff()
        self._queues = self._read_queues()
        self._flows = candidates.flows(self._wheres, micros(now))
        self._in_hand = candidates.in_hand(self._groups.keys())
        self._ears = {(ear.broker, ear.way): ear for ear in ledger.ears()}
        self._away: dict[str, BrokerFacts] = {}
        memory.learn(self._queues, now)

    # ---- What is read once -------------------------------------------------------------------------------------
    def _read_staff(self) -> Staff:
        environments = {each.environment for each in self._wheres}
        return staff.read(environments, self._brokers, selectors.workers(), self._now)

    def _read_queues(self) -> dict[QueueKey, QueueState]:
        rows = QueueRow.objects.filter(name__in={each.queue for each in self._wheres})
        return {state.key: state for state in selectors.states(rows)}

    # ---- Nodes -------------------------------------------------------------------------------------------------
    def scene(self, alone: Sequence[MessageRow] = ()) -> Scene:
        """`alone`: messages that wait, each as a node of its own beside its queue's."""
        scene = Scene(self._now, queues=self._queues)
        sent = self._sent()
        for row in self._held.values():
            id = of_message(row)
            scene.rows[id] = row
            scene.wheres[id] = self._named(where_of(row))
            waits_for = self._room(row) or sent.get((row.environment, row.message_id), ())
            scene.nodes[id] = Node(self._of_held(row), sent=waits_for)
        for where, group in self._groups.items():
            id = of_queue(where)
            scene.groups[id] = group
            scene.wheres[id] = self._named(where)
            scene.nodes[id] = self._of_group(where, group)
        for row in alone:
            group_node = scene.nodes[of_queue(where_of(row))]
            scene.rows[of_message(row)] = row
            scene.wheres[of_message(row)] = self._named(where_of(row))
            scene.nodes[of_message(row)] = replace(
                group_node, facts=self._alone(group_node.facts, row), messages=1
            )
        return scene

    def _alone(self, facts: Facts, row: MessageRow) -> Facts:
        age, heard = age_s(row.since, self._now), age_s(row.heard, self._now)
        link = f"/messages/one/{row.message_id}"
        heard_of = self._heard(self._named(where_of(row)).broker, row.sources)
        return replace(facts, age_s=age, life_s=age, heard_s=heard, link=link, ledger=heard_of)

    def _room(self, row: MessageRow) -> tuple[str, ...]:
        """The nodes that hold up a sender which waits for room in a queue: what waits there, else what is in hand."""
        queue = room_of(row)
        if not queue:
            return ()
        where = where_of(row)._replace(queue=queue)
        if group := next((each for each in self._groups if self._same(each, where)), None):
            return (of_queue(group),)
        others = (each for each in self._held.values() if each.pk != row.pk)
        return tuple(of_message(each) for each in others if self._same(where_of(each), where))

    def _sent(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Message → the nodes of what it sent."""
        found: dict[tuple[str, str], list[str]] = {}
        for row in self._children:
            id = of_queue(where_of(row)) if waits(row) else of_message(row)
            found.setdefault((row.environment, row.parent_id), []).append(id)
        return {key: tuple(dict.fromkeys(ids)) for key, ids in found.items()}

    def _of_group(self, where: Where, group: Group) -> Node:
        row = candidates.first_of(group)
        hands = [each for each in self._held.values() if in_hand(each) and self._same(where_of(each), where)]
        takers = self._takers(where, {each.instance for each in hands})
        alive = [each.slots for each in takers if each.answers and each.consumes]
        facts = replace(
            self._facts(where, group.since, row),
            state="waiting",
            takers=takers,
            heard_s=age_s(row.heard, self._now) if row else 0.0,
            link=f"/messages/one/{row.message_id}" if row else "",
        )
        known = [each for each in alive if each]
        slots = sum(known) if known and len(known) == len(alive) else None
        facts = replace(facts, in_hands=self._in_hands(where, facts.figures))
        if facts.figures is not None and slots:
            facts = replace(facts, figures=self._with_pace(where, facts.figures, slots))
        return Node(
            facts,
            messages=group.messages,
            hands=tuple(of_message(each) for each in hands),
            slots=slots,
            in_hand=max(
                sum(number for each, number in self._in_hand.items() if self._same(each, where)),
                sum(each.running or 0 for each in takers if each.answers),
            ),
        )

    def _in_hands(self, where: Where, figures: QueueFacts | None) -> tuple[InstanceFacts, ...]:
        """By the broker's word, where what waits can only be in somebody's hands."""
        named = self._named(where)
        if (
            figures is None
            or not figures.fresh
            or figures.moves
            or figures.depth
            or not figures.unacknowledged
        ):
            return ()
        names = {each.instance for each in self._asked.of(named.broker, named.queue)}
        found = [
            self._staff.holder(where.environment, named.broker, each, where.queue) for each in sorted(names)
        ]
        return tuple(each for each in found if each) if all(found) else ()

    def _with_pace(self, where: Where, figures: QueueFacts, slots: int) -> QueueFacts:
        """How long a message takes its hands now; asked of a queue in which one has waited for as long already."""
        leaving = self._flow(where).leaving
        state = self._queues.get(QueueKey(self._named(where).broker, where.queue))
        usual = self._memory.work.get(state.id) if state else None
        return replace(figures, work_s=slots / leaving if leaving else None, usual_work_s=usual)

    def _of_held(self, row: MessageRow) -> Facts:
        where = where_of(row)
        holder = (
            self._staff.holder(row.environment, self._named(where).broker, row.instance, row.queue)
            if row.instance
            else None
        )
        return replace(
            self._facts(where, row.since, row),
            state=str(Kind.RUNNING) if room_of(row) else row.state,
            life_s=age_s(row.first_seen, self._now),
            agent=row.agent,
            instance=row.instance,
            attempt=row.attempt,
            heard_s=age_s(row.heard, self._now),
            waits_for="" if room_of(row) else row.waits_for,
            room=room_of(row),
            due_s=-age_s(row.due, self._now) if row.due else None,
            error=error_of(row),
            takers=self._takers(where, {row.instance} - {""}),
            holder=holder,
            link=f"/messages/one/{row.message_id}",
        )

    def _facts(self, where: Where, since: int, row: MessageRow | None) -> Facts:
        flow = self._flow(where)
        where = self._named(where)
        age, state = age_s(since, self._now), self._queues.get(QueueKey(where.broker, where.queue))
        return Facts(
            state="waiting",
            age_s=age,
            life_s=age,
            agent="",
            instance="",
            queue=where.queue,
            attempt=row.attempt if row else 0,
            heard_s=age,
            broker=self._broker(where),
            ledger=self._heard(where.broker, row.sources if row else THROUGH_IT),
            figures=self._figures(state, flow),
            beats_age_s=self._staff.beats_age_s,
            beats_heard=self._staff.beats_heard,
            patience=self._memory.patience.get(state.id, Patience()) if state else Patience(),
        )

    def _takers(self, where: Where, handlers: Iterable[str]) -> tuple[InstanceFacts, ...]:
        """RabbitMQ knows at once that a connection is gone, whatever its worker would answer."""
        where = self._named(where)
        found = self._staff.takers(where, set(handlers))
        state = self._queues.get(QueueKey(where.broker, where.queue))
        broker = self._brokers.get(where.broker)
        none = state is not None and state.is_fresh(self._now) and state.consumers == 0
        if not (none and broker and broker.kind == "rabbitmq"):
            return found
        return tuple(replace(each, answers=False) if each.answers is None else each for each in found)

    def _figures(self, state: QueueState | None, flow: Flow) -> QueueFacts | None:
        if state is None:
            return None
        growing, sunk = self._memory.growing.get(state.key), self._memory.sunk_since(state, flow, self._now)
        return QueueFacts(
            name=state.name,
            there=state.there,
            depth=state.depth,
            unacknowledged=state.unacknowledged,
            delayed=state.delayed,
            consumers=state.consumers,
            age_s=state.age_s(self._now),
            fresh=state.is_fresh(self._now),
            oldest_s=state.oldest_age_s,
            entering=flow.entered / candidates.FLOW_S,
            leaving=flow.left / candidates.FLOW_S,
            usual_entering=self._memory.usual.get(state.id),
            growth=state.growth,
            growing_s=(self._now - growing).total_seconds() if growing else 0.0,
            sunk_s=(self._now - sunk).total_seconds() if sunk else 0.0,
            moved_s=age_s(flow.moved, self._now) if flow.moved else None,
            link=f"/queues/{state.broker}/{state.name}",
        )

    def _named(self, where: Where) -> Where:
        """By a broker that is configured. Whoever names none, or one that nobody knows here, means the only one, or
        the only one that has such a queue."""
        if where.broker in self._brokers:
            return where
        having = [key.broker for key in self._queues if key.name == where.queue]
        names = list(self._brokers) if len(self._brokers) == 1 else having
        return where._replace(broker=names[0]) if len(names) == 1 else where

    def _same(self, one: Where, other: Where) -> bool:
        return self._named(one) == self._named(other)

    def _flow(self, where: Where) -> Flow:
        """Under whatever name of its broker."""
        named = self._named(where)
        wheres = {key: self._named(Where(where.environment, *key)) for key in self._flows}
        mine = [flow for key, flow in self._flows.items() if wheres[key] == named]
        return Flow(
            sum(each.entered for each in mine),
            sum(each.left for each in mine),
            max((each.moved for each in mine), default=0),
            sum(each.left_lately for each in mine),
        )

    def _broker(self, where: Where) -> BrokerFacts | None:
        state = self._brokers.get(where.broker)
        if state is None:
            return None
        if where.broker not in self._away:
            self._away[where.broker] = broker_facts(state, self._now)
        return self._away[where.broker]

    def _heard(self, broker: str, sources: int) -> LedgerFacts:
        """Whether news of a message of these sources would be heard now."""
        if sources and not sources & THROUGH_IT:
            return LedgerFacts(True, None)
        kind = WayKind.EVENTS if sources & int(Sources.LIBRARY) else WayKind.CELERY
        return ledger_facts(self._ears.get((broker, kind)), broker, kind, self._now)


def _not_lost(rows: Mapping[int, MessageRow], now: datetime) -> dict[int, MessageRow]:
    """What is lost is not stuck: nobody has it any more."""
    missing = absence(now)
    return {
        pk: row
        for pk, row in rows.items()
        if missing.state(row.state, row.environment, row.instance, row.due, row.heard) != LOST
    }


def _by_pk(rows: Iterable[MessageRow]) -> dict[int, MessageRow]:
    return {row.pk: row for row in rows}
