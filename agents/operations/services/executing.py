"""A worker carries an operation out: claim, check, note the attempt, publish with confirmation, note what came of it.

A turn of a worker is bounded, so that one large operation does not keep the others waiting: it goes to the end of the
queue. It ends early when nothing may be sent now; whoever changes that tells a worker again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from agents.deadletters.seal import SealError
from agents.operations.celery import execute_soon
from agents.operations.ladder import room
from agents.operations.models import Operation
from agents.operations.services import (
    applying,
    claiming,
    composing,
    controlling,
    judging,
    pace,
    recording,
    shifting,
)
from agents.operations.services.claiming import NotAllowedError, Portion, Taken
from agents.operations.services.composing import UneditableError, UnreadableError
from agents.operations.services.hands import share, standing_of
from agents.operations.services.publishers import NoSuchBrokerError, Publishers
from agents.operations.services.recording import Fate
from agents.operations.values import State
from core import clock, crash
from core.brokers.api import BrokerError, Post, Publisher, Sent
from core.crash import Point
from core.transitions import StaleStateError

log = structlog.get_logger(__name__)

TURN_SECONDS = 15.0
PORTION = {"redis": 2_000, "rabbitmq": 100}
# A moment that is further away than this is not waited for with letters in hand.
PATIENCE_SECONDS = 2.0
# A worker that loses races goes on for so many of them.
RACES = 50


class HeldUpError(Exception):
    """The operation cannot send now; the sentence says why, and somebody has to look."""


def go_on(id: UUID) -> None:
    """Work on this operation for a while."""
    until, races = clock.monotonic() + TURN_SECONDS, 0
    with Publishers() as publishers:
        while clock.monotonic() < until:
            operation = Operation.objects.select_related("plan").filter(pk=id).first()
            if operation is None or operation.state != State.RUNNING:
                break
            try:
                if not _turn(operation, publishers):
                    break
            except StaleStateError:
                races += 1
                if races > RACES:
                    break
        else:
            execute_soon(id)
    _sweep(id)


def _turn(operation: Operation, publishers: Publishers) -> bool:
    """One portion; False when nothing can be done now."""
    try:
        return _portion_of(operation, publishers)
    except (NotAllowedError, HeldUpError) as problem:
        controlling.halt(operation, str(problem))
    except BrokerError as problem:
        log.warning("an operation waits for its broker", operation=operation.number, problem=str(problem))
    return False


def _portion_of(operation: Operation, publishers: Publishers) -> bool:
    if operation.sends:
        return _redrive(operation, publishers)
    if operation.plan.selection.queue:
        return shifting.apply(operation)
    return applying.apply(operation)


def _redrive(operation: Operation, publishers: Publishers) -> bool:
    seen = judging.judge(operation)
    if seen is None:
        return False
    standing = standing_of(operation)
    most = min(room(standing, seen), _portion(operation, publishers))
    if most <= 0 or pace.ahead(operation) > PATIENCE_SECONDS:
        controlling.finish(operation)
        return False
    portion = claiming.claim(operation, most, standing.bound)
    if portion is None:
        return True
    crash.here(Point.CLAIM)
    _send(portion, publishers)
    return True


def _portion(operation: Operation, publishers: Publishers) -> int:
    """How many at once. With a rate, what goes in half a second."""
    rate = operation.plan.how.rate
    kinds = {broker.kind for broker in publishers.brokers(operation)}
    size = min((PORTION.get(kind, 100) for kind in kinds), default=100)
    return share(operation, size) if rate is None else min(size, max(1, int(rate / 2)))


def _send(portion: Portion, publishers: Publishers) -> None:
    """Publish what is in hand, and note what came of it, whatever comes in between."""
    fates: dict[int, Fate] = {}
    try:
        posts = composing.posts(portion.taken, portion.operation.plan.how)
        recording.attempt(portion, publishers.lives(each.letter.broker for each in portion.taken))
        _publish(portion, posts, publishers, fates)
        crash.here(Point.RECORD)
    except (SealError, UnreadableError, UneditableError, NoSuchBrokerError) as problem:
        recording.record(portion, fates)
        raise HeldUpError(str(problem)) from problem
    except BrokerError:
        recording.record(portion, fates)
        raise
    recording.record(portion, fates)
    _complain(portion.operation, fates)


def _publish(portion: Portion, posts: Sequence[Post], publishers: Publishers, fates: dict[int, Fate]) -> None:
    """In bursts at their moments where there is a rate, each broker with its own. What is left when the operation is
    held up in the middle was not sent."""
    operation, rate = portion.operation, portion.operation.plan.how.rate
    pairs = list(zip(portion.taken, posts, strict=True))
    if rate is None:
        _burst(portion, pairs, publishers, fates)
        return
    for burst in pace.bursts(pairs, rate, lambda number: pace.reserve(operation, number, rate)):
        if not portion.held or not Operation.objects.filter(pk=operation.pk, state=State.RUNNING).exists():
            return
        _burst(portion, burst, publishers, fates)


def _burst(
    portion: Portion, pairs: Sequence[tuple[Taken, Post]], publishers: Publishers, fates: dict[int, Fate]
) -> None:
    if not portion.held:
        raise StaleStateError("The claim ran out before anything was sent.")
    by_broker: Mapping[str, list[tuple[Taken, Post]]] = defaultdict(list)
    for taken, post in pairs:
        by_broker[taken.letter.broker].append((taken, post))
    for broker, some in by_broker.items():
        fates |= _sent(portion, publishers.of(broker), some)
        crash.here(Point.PUBLISH)


def _sent(portion: Portion, publisher: Publisher, pairs: Sequence[tuple[Taken, Post]]) -> dict[int, Fate]:
    try:
        answers = publisher.publish([post for _, post in pairs])
    except BrokerError:
        if publisher.remembers:
            portion.doubted |= {taken.item for taken, _ in pairs}
        raise
    return {taken.item: sent for (taken, _), sent in zip(pairs, answers, strict=True)}


def _complain(operation: Operation, fates: Mapping[int, Fate]) -> None:
    """Nothing was lost: those letters are held again. But somebody has to look."""
    where = operation.plan.how.target_queue or "its queue"
    found = fates.values()
    if Sent.UNROUTABLE in found:
        raise HeldUpError(f"no queue takes the messages: {where} is not there")
    if Sent.REFUSED in found:
        raise HeldUpError(f"the broker refuses the messages: {where} is full")


def _sweep(id: UUID) -> None:
    """What a cancel or a failure left waiting; and what was under way at a cancel, and is noted by now, ends it."""
    over = Operation.objects.filter(pk=id, state__in=controlling.OVER)
    operation = over.select_related("plan").first()
    if operation:
        _look_after(operation)
    while operation and not controlling.untouch(operation):
        pass
    if operation:
        controlling.finish(operation)


def _look_after(operation: Operation) -> None:
    """It is looked after again by whoever comes next."""
    try:
        shifting.look_after(operation)
    except (BrokerError, StaleStateError) as problem:
        log.warning("a cancelled operation waits", operation=operation.number, problem=str(problem))
