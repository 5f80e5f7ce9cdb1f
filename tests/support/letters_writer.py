"""Fills custody of a test's own console: `python -m tests.support.letters_writer STORY`."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from agents.deadletters.api import keep  # noqa: E402
from agents.operations import api  # noqa: E402
from agents.operations.models import Item, Operation, Plan, Sample  # noqa: E402
from agents.operations.values import Flag, Guard, GuardKind, Reach, Selection, Standing  # noqa: E402
from core import clock  # noqa: E402
from core.access import grants, scope_text, services  # noqa: E402
from core.access.models import Role  # noqa: E402
from core.access.services import Actor, of_command  # noqa: E402
from dashboard.live.sender import sender  # noqa: E402
from tests.support import ledger_stories  # noqa: E402
from tests.support.letters import arrival  # noqa: E402

MACHINE = of_command("letters_writer")
BODY = {
    "order": 4711,
    "customer": {"name": "Ada Byron", "mail": "ada@example.org", "tier": None},
    "lines": [{"sku": "A-1", "count": 2, "price": 12.5}, {"sku": "B-7", "count": 1, "price": 99.0}],
    "note": "leave it at the door",
}
TRACEBACK = """Traceback (most recent call last):
  File "/app/venv/lib/python3.11/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/app/venv/lib/python3.11/site-packages/celery/app/trace.py", line 736, in __protected_call__
    return self.run(*args, **kwargs)
  File "/app/shop/payments.py", line 41, in charge
    gateway.charge(order)
  File "/app/venv/lib/python3.11/site-packages/httpx/_client.py", line 914, in send
    raise exc
httpx.ConnectTimeout: the gateway did not answer within 5 s"""


def ben() -> Actor:
    """Somebody with the right to redrive."""
    user = services.create_person("ben", "a long enough password", MACHINE)
    services.give(user, Role.objects.get(name="operator"), scope_text.parse("*"), MACHINE)
    return Actor(grants.subject_of(user), "letters_writer")


def tried(number: int, **changes: Any) -> dict[str, Any]:
    began = clock.now() - timedelta(minutes=12 - number)
    return {
        "number": number,
        "started_at": clock.rfc3339(began),
        "duration_ms": 5_003.0 + number,
        "instance": "payments-0",
        "host": "node-3",
        "version": "1.8.2",
        "class": "transient",
        "type": "ConnectTimeout",
        "message": "the gateway did not answer within 5 s",
        "traceback": TRACEBACK,
        "retry_at": clock.rfc3339(began + timedelta(seconds=30)) if number < 3 else None,
    } | changes


def refused(number: int) -> None:
    """Letters of a gateway that does not answer, each tried three times."""
    attempts = [
        tried(1),
        tried(2, host="node-4", instance="payments-1"),
        tried(3, message="connection refused"),
    ]
    failure = {"class": "transient", "reason": "exception", "type": "ConnectTimeout"}
    failure["message"] = "the gateway did not answer within 5 s"
    keep(
        [
            arrival(
                queue="pay", agent="payments", instance="payments-0", task="shop.charge",
                message_id=f"pay-{place}", failure=failure, attempts=attempts, died_at=clock.rfc3339(clock.now()),
                body=json.dumps(BODY | {"order": 4711 + place}).encode(),
            )
            for place in range(number)
        ]
    )  # fmt: skip


def deaths() -> None:
    ledger_stories.journey()
    refused(60)
    keep([arrival(queue="extract", died_at=clock.rfc3339(clock.now())) for _ in range(5)])


def guarded(actor: Actor) -> Plan:
    """A plan with everything that a plan can say."""
    plan = api.plan(
        api.Action.REDRIVE,
        Selection(filter={"queue": "pay"}),
        api.parse(api.Action.REDRIVE, {}),
        actor,
    )
    guards = [
        Guard(GuardKind.VERSION_RUNS, Standing.WARN, "payments still runs 1.8.2, the version that failed", 60, 60,
              [{"says": "payments-0 said so", "age_s": 4, "link": "/agents"}]),
        Guard(GuardKind.NO_CONSUMER, Standing.OK, "2 consumers live"),
        Guard(GuardKind.QUEUE_FULL, Standing.OK, "queue 3 of 1,000"),
        Guard(GuardKind.TOOL_SUCCEEDED, Standing.WARN, "4 letters: a tool call succeeded before the failure", 4, 60,
              [{"says": "charge_card succeeded in 4 traces", "age_s": 700, "link": ""}]),
        Guard(GuardKind.OVER_LIMIT, Standing.UNKNOWN, "nobody has told of this agent's tokens for an hour"),
    ]  # fmt: skip
    reach = Reach(("payments", "ledger", "mail"), ("charge_card",), 40.0, 18_000)
    Plan.objects.filter(pk=plan.pk).update(
        guards=[each.dump() for each in guards],
        reach=reach.dump(),
        flagged={str(int(Flag.TOOL_SUCCEEDED)): 4},
    )
    return Plan.objects.get(pk=plan.pk)


def begun(actor: Actor) -> Operation:
    return api.start(guarded(actor), "gateway repaired", actor, leave_out=[GuardKind.TOOL_SUCCEEDED])


def put(operation: Operation, step: int, **counts: int) -> None:
    """Where its members are: one by one, in its figures, and over time."""
    ids = iter(Item.objects.filter(plan=operation.plan_id).order_by("ordinal").values_list("pk", flat=True))
    now = clock.now()
    for state, number in counts.items():
        chosen = [next(ids) for _ in range(number)]
        why = {"failed_same": "died again of ConnectTimeout", "unknown": "no outcome within 10 min"}.get(
            state, ""
        )
        Item.objects.filter(pk__in=chosen).update(state=state, since=now, why=why, step=step)
    rest = operation.selected - sum(counts.values())
    processed = counts.get("processed", 0)
    Operation.objects.filter(pk=operation.pk).update(
        **{"waiting": rest} | counts, step=step, grade_event=processed
    )
    Sample.objects.bulk_create(
        Sample(
            operation=operation, at=now - timedelta(seconds=40 - 2 * place), spent=place * 2,
            processed=place, failed=0, depth=max(0, 12 - place),
        )
        for place in range(20)
    )  # fmt: skip


def way() -> None:
    """All stages beside one another: held, planned, running, halted, over with an unknown one."""
    deaths()
    actor = ben()
    running = begun(actor)
    put(running, 1, processed=6, left_out=4, dispatched=5)
    halted = begun(actor)
    put(halted, 0, failed_same=1, left_out=4)
    Operation.objects.filter(pk=halted.pk).update(
        state="halted", why="1 of 1 failed the same way: ConnectTimeout"
    )
    over = begun(actor)
    put(over, 3, processed=53, left_out=4, failed_new=1, unknown=2)
    Operation.objects.filter(pk=over.pk).update(state="done_with_unknown", ended_at=clock.now())
    guarded(actor)


STORIES = {"deaths": deaths, "way": way}

if __name__ == "__main__":
    STORIES[sys.argv[1]]()
    # The hint leaves with us.
    sender.drain()
