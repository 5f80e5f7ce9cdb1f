"""What the redrive's bench does in a process of its own: `python -m tests.bench.redrive_runs WHAT LETTERS` prints JSON.

Everything goes through the front door of operations and through the executor, in the house that the environment names.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import django

django.setup()

# ruff: noqa: E402
from agents.deadletters.models import Letter
from agents.operations import api
from agents.operations.models import Operation, Plan
from agents.operations.options import parse
from agents.operations.services import composing, executing
from agents.operations.services.claiming import Taken, outgoing
from agents.operations.services.hands import WORKERS
from agents.operations.values import Action, Selection, State
from core import clock
from core.access import grants
from core.access.models import User
from core.access.services import Actor
from core.brokers.redis_publisher import written
from tests.bench import redrive_data, redrive_floor, redrive_rate
from tests.bench.redrive_floor import Ready
from tests.bench.redrive_workers import Worker, workers
from tests.support.accounts import person
from tests.support.waiting import until

BROKER = os.environ["POSTROOM_REDIS_URL"]
ROUNDS, ONE_BY_ONE = 4, 500
PORTION = executing.PORTION["redis"]
RATE, RUNS_SECONDS, RESTS_SECONDS = 400, 3, 1


def throughput(letters: int) -> dict[str, float]:
    """Messages a second, by each way, in rounds so that a busy moment is everybody's."""
    each, few = letters // ROUNDS, min(ONE_BY_ONE, letters // ROUNDS)
    for number in range(ROUNDS):
        redrive_data.fill(f"floor-{number}", number * each, each)
        redrive_data.fill(f"redriven-{number}", number * each, each)
        redrive_data.fill(f"script-{number}", number * few, few)
    redrive_data.analysed()
    who, seconds = operator(), dict.fromkeys(("floor", "executor", "script", "kombu"), 0.0)
    bodies = [redrive_data.body(number) for number in range(few)]
    with workers(WORKERS) as hands:
        for number in range(ROUNDS):
            prepared, queue = ready(f"floor-{number}"), f"redriven-{number}"
            seconds["floor"] += redrive_floor.bare(BROKER, f"floor-{number}", prepared, PORTION)
            seconds["executor"] += timed(hands, started(who, queue, rate="full"))
            some = zip(letters_of(f"script-{number}"), bodies, strict=True)
            seconds["script"] += redrive_floor.script(BROKER, f"script-{number}", some)
            seconds["kombu"] += redrive_floor.one_by_one(BROKER, "kombu", bodies)
    sent = dict.fromkeys(("floor", "executor"), each) | dict.fromkeys(("script", "kombu"), few)
    return {name: sent[name] * ROUNDS / spent for name, spent in seconds.items()}


def letters_of(queue: str) -> list[UUID]:
    return list(Letter.objects.filter(queue=queue).order_by("pk").values_list("pk", flat=True))


def ready(queue: str) -> list[Ready]:
    """The messages that the executor would publish, made beforehand."""
    letters = list(outgoing(Letter.objects.filter(queue=queue).order_by("pk")).values())
    found = []
    for start in range(0, len(letters), PORTION):
        taken = [Taken(0, letter, 1, str(letter.pk)) for letter in letters[start : start + PORTION]]
        posts = composing.posts(taken, parse(Action.REDRIVE, {}))
        found += [Ready(each.letter.pk, written(post)) for each, post in zip(taken, posts, strict=True)]
    return found


def started(who: Actor, queue: str, **options: Any) -> Operation:
    """Sealed and running; nothing is sent yet."""
    made, _ = planned(who, queue, **options)
    with workers(1) as [hand]:
        hand.ask("seal", made.pk)
        hand.answer()
    made.refresh_from_db()
    return api.start(made, "a measurement", who)


def planned(who: Actor, queue: str, **options: Any) -> tuple[Plan, float]:
    """And in how many seconds whoever asked had an answer."""
    began = time.perf_counter()
    chosen = parse(Action.REDRIVE, {"canary": "off"} | options)
    made = api.plan(Action.REDRIVE, Selection(filter={"queue": queue}), chosen, who)
    return made, time.perf_counter() - began


def timed(hands: Sequence[Worker], operation: Operation) -> float:
    """Seconds until these workers have sent everything."""
    began = time.perf_counter()
    for hand in hands:
        hand.ask("work", operation.pk)
    for hand in hands:
        hand.answer()
    seconds = time.perf_counter() - began
    operation.refresh_from_db()
    assert operation.tally.adds_up
    assert operation.dispatched == operation.selected, operation.tally
    return seconds


def rate(_: int) -> dict[str, float]:
    """The fullest and the emptiest second of an operation with a rate, paused and resumed in the middle."""
    letters = RATE * 2 * RUNS_SECONDS
    redrive_data.fill("paced", 0, letters)
    who = operator()
    operation = started(who, "paced", rate=RATE)
    with redrive_rate.Watch(BROKER, "paced") as watch, workers(WORKERS) as hands:
        for hand in hands:
            hand.ask("work", operation.pk)
        until(lambda: len(watch.moments) >= RATE * RUNS_SECONDS, "the first half to be sent")
        api.pause(operation, who)
        paused = clock.unix()
        until(lambda: clock.unix() > paused + RESTS_SECONDS, "the pause to be over")
        before = len(watch.moments)
        api.resume(operation, who)
        for hand in hands:
            hand.answer()
    stretches = [watch.moments[:before], watch.moments[before:]]
    found = redrive_rate.seconds(stretches)
    late = sum(moment > paused for moment in stretches[0])
    return {"rate": RATE, "sent": len(watch.moments), "most": found.most, "least": found.least, "late": late}


def million(letters: int) -> dict[str, float]:
    """All of them from plan to outcome, and what it took."""
    redrive_data.fill("all", 0, letters)
    redrive_data.analysed()
    who = operator()
    with workers(WORKERS + 1) as [consumer, *hands]:
        made, asked = planned(who, "all", rate="full")
        hands[0].ask("seal", made.pk)
        sealing = hands[0].answer()
        made.refresh_from_db()
        assert made.count == letters
        operation, began = api.start(made, "a measurement", who), time.perf_counter()
        consumer.ask("consume", operation.pk)
        for hand in hands:
            hand.ask("work", operation.pk)
        answers = [hand.answer() for hand in hands]
        sent = time.perf_counter() - began
        consumer.answer()
    operation.refresh_from_db()
    assert (operation.state, operation.processed) == (State.DONE, letters), operation.tally
    return {
        "asked": asked, "sealing": sealing.seconds, "sent": sent, "ended": time.perf_counter() - began,
        "peak": max(each.peak for each in answers),
    }  # fmt: skip


def operator() -> Actor:
    found = User.objects.filter(username="ana").first() or person("ana", "admin")
    return Actor(grants.subject_of(found), "bench")


RUNS: Mapping[str, Callable[[int], object]] = {"throughput": throughput, "rate": rate, "million": million}


if __name__ == "__main__":
    print(json.dumps(RUNS[sys.argv[1]](int(sys.argv[2]))))
