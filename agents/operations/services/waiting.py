"""Plans about messages that wait on a queue: their members are what waited when the plan was sealed."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.db import transaction

from agents.operations.errors import SelectionRefusedError
from agents.operations.models import Item, Plan, PlanPart
from agents.operations.services import steps
from agents.operations.values import PERMISSIONS, Action, PlanState, Selection
from agents.queues.names import is_queue
from core import clock
from core.access.api import Place, Subject, require
from core.brokers import waiting
from core.brokers.api import BrokerError, BrokerUrl, find
from core.brokers.waiting import Waits

ACTIONS = (Action.MOVE, Action.PURGE)
# A plan names each of its members; more than this waits for the next plan.
MOST = 10_000
BULK = 1_000


class Queue(NamedTuple):
    """A queue by its broker and name."""

    broker: BrokerUrl
    name: str

    @property
    def place(self) -> Place:
        return Place(settings.POSTROOM.environment, self.name, "")


def checked(action: Action, selection: Selection, subject: Subject, target: str = "") -> Queue:
    """Is it clear, and may they? Raises SelectionRefusedError, PermissionRefusedError."""
    if selection.ways != ["queue"]:
        raise SelectionRefusedError(
            "select", f"a {action} of waiting messages names their queue and nothing else"
        )
    if action not in ACTIONS:
        raise SelectionRefusedError("select.queue", f"they can be moved or purged; a {action} takes letters")
    queue = of(selection)
    if action is Action.MOVE and (target == queue.name or not is_queue(target)):
        raise SelectionRefusedError("options.target_queue", "it must be another queue of agents")
    require(subject, PERMISSIONS[action], queue.place)
    return queue


def of(selection: Selection) -> Queue:
    """The queue that is named. Raises SelectionRefusedError."""
    broker, _, name = selection.queue.partition("/")
    found = find(broker)
    if found is None or not is_queue(name):
        raise SelectionRefusedError("select.queue", "it must be broker/name, with one of POSTROOM_BROKERS")
    return Queue(found, name)


def seal(plan: Plan) -> None:
    """Look at what waits, and close the plan over it. Raises BrokerError, StaleStateError."""
    queue, wanted = of(plan.selection), set(plan.selection.messages)
    with waiting.shifter(queue.broker) as there:
        seen = there.waits(queue.name, MOST)
    members = [each for each in seen if not wanted or wanted & {each.message_id, each.key}]
    with transaction.atomic():
        rows = [_item(plan, place, each) for place, each in enumerate(members, 1)]
        Item.objects.bulk_create(rows, batch_size=BULK)
        _part(plan, queue, len(members))
        now = clock.now()
        changes = {"sha256": digest(plan, members), "count": len(members), "sealed_at": now, "active_at": now}
        steps.move_plan(plan, PlanState.SEALING, PlanState.SEALED, plan.by_name, changes)


def seal_or_say(plan: Plan) -> None:
    """Seal it, or note why that does not go now: its broker is away."""
    try:
        seal(plan)
    except BrokerError as problem:
        Plan.objects.filter(pk=plan.pk, state=PlanState.SEALING).update(trouble=f"{problem}"[:2_000])


def digest(plan: Plan, members: list[Waits]) -> str:
    """As of letters: the action and the options on a line of JSON, then each member's key on a line of its own."""
    head = msgspec.json.encode({"action": plan.action, "options": plan.options}, order="sorted")
    whole = hashlib.sha256(head + b"\n")
    for each in members:
        whole.update(f"{each.key}\n".encode())
    return whole.hexdigest()


def _item(plan: Plan, ordinal: int, message: Waits) -> Item:
    return Item(plan=plan, ordinal=ordinal, message=message.key)


def _part(plan: Plan, queue: Queue, count: int) -> None:
    environment, broker = settings.POSTROOM.environment, queue.broker.name
    PlanPart.objects.create(plan=plan, environment=environment, queue=queue.name, broker=broker, count=count)
