"""Consumption is paused and resumed: first written down, then asked of the workers, again and again until it holds."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from agents.queues.celery import Workers
from agents.queues.control.models import Pause, PauseChange
from agents.queues.control.selectors import open_of
from agents.queues.control.values import HOLDS, OPEN, PauseState
from agents.queues.selectors import place_of
from agents.queues.values import QueueState
from agents.queues.workers import queues_of
from core import clock, hints
from core.access.api import Permission, require
from core.access.audit.api import Action, Target
from core.access.services import Actor
from core.brokers.api import BrokerError, find
from core.transitions import StaleStateError, advance

TOPIC = "queues"
NOBODY = "no worker that answers consumes it"
ITSELF = "postroom"


class AlreadyPausedError(Exception):
    """Consumption of this queue is paused already. Resume it first, or look at who paused it and why."""


class NotPausedError(Exception):
    """Consumption of this queue is not paused, so there is nothing to resume."""


def pause(queue: QueueState, actor: Actor) -> Pause:
    """Write down that nobody is to take from it; `carry_out` then asks the workers."""
    require(actor.subject, Permission.CONTROL_AGENTS, place_of(queue))
    made = Pause(
        broker=queue.broker,
        queue=queue.name,
        environment=queue.environment,
        state=PauseState.PAUSING,
        since=clock.now(),
        by=actor.subject.name,
        reason=actor.why[:300],
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
            _change(made, "", PauseState.PAUSING, actor.subject.name, actor.why)
            _record(made, Action.CONSUMPTION_PAUSED, actor)
            hints.hint(TOPIC)
    except IntegrityError:
        raise AlreadyPausedError(AlreadyPausedError.__doc__) from None
    return made


def resume(queue: QueueState, actor: Actor) -> Pause:
    """Write down that they may take again. Raises NotPausedError, StaleStateError."""
    require(actor.subject, Permission.CONTROL_AGENTS, place_of(queue))
    found = open_of(queue.key)
    if found is None or found.state not in HOLDS:
        raise NotPausedError(NotPausedError.__doc__)
    with transaction.atomic():
        _advance(found, HOLDS, PauseState.RESUMING, actor.subject.name, actor.why)
        _record(found, Action.CONSUMPTION_RESUMED, actor)
        hints.hint(TOPIC)
    return found


def carry_out(found: Pause) -> Pause:
    """Ask the workers for what is written down. Repeating it changes nothing; a broker that is away is noted, and
    it is asked again later."""
    url = find(found.broker)
    if url is None:
        return _note(found, f"{found.broker} is not among POSTROOM_BROKERS any more.")
    workers = Workers(url)
    try:
        return _resume(found, workers) if found.state == PauseState.RESUMING else _hold(found, workers)
    except BrokerError as problem:
        return _note(found, str(problem))
    except StaleStateError:
        # Somebody decided otherwise in between; what is written down now is carried out with the next turn.
        found.refresh_from_db()
        return found
    finally:
        workers.close()


def carry_out_all() -> None:
    """What is asked for and not done, and what a worker that started again has undone."""
    for each in Pause.objects.filter(state__in=OPEN):
        carry_out(each)


def _hold(found: Pause, workers: Workers) -> Pause:
    names = [name for name, said in workers.queues().items() if found.queue in queues_of(said)]
    answers = workers.stop_consuming(names, found.queue)
    said = found.said | {name: _answer(answers.get(name)) for name in names}
    if found.state == PauseState.PAUSED:
        # Every one of these came, or came back, after the pause.
        return _keep(found, said) if names else found
    reason = "" if names else NOBODY
    _advance(found, (PauseState.PAUSING,), PauseState.PAUSED, ITSELF, reason, said=said, problem=reason)
    return found


def _resume(found: Pause, workers: Workers) -> Pause:
    """Those that were told to stop; one that is gone answers nothing, and one that started again takes by itself."""
    answers = workers.consume(sorted(found.said), found.queue)
    said = {name: _answer(answers.get(name)) for name in found.said}
    _advance(found, (PauseState.RESUMING,), PauseState.RESUMED, ITSELF, "", said=said, problem="")
    return found


def _answer(said: object) -> str:
    """What a worker answered, in its own words."""
    if isinstance(said, dict):
        return str(said.get("ok") or said.get("error") or said)[:300]
    return "did not answer"


def _advance(
    found: Pause, before: tuple[PauseState, ...], after: PauseState, by: str, reason: str, **facts: object
) -> None:
    old = found.state
    advance(
        Pause.objects.all(),
        pk=found.pk,
        from_states=before,
        to=after,
        history=lambda: _change(found, old, after, by, reason),
        changes={"since": clock.now(), **facts},
    )
    found.refresh_from_db()
    hints.hint(TOPIC)


def _keep(found: Pause, said: dict[str, str]) -> Pause:
    Pause.objects.filter(pk=found.pk, state=found.state).update(said=said, problem="")
    found.refresh_from_db()
    return found


def _note(found: Pause, problem: str) -> Pause:
    Pause.objects.filter(pk=found.pk).update(problem=problem[:500])
    found.refresh_from_db()
    return found


def _change(found: Pause, before: str, after: PauseState, by: str, reason: str) -> None:
    PauseChange.objects.create(
        pause=found, before=before, after=after, at=clock.now(), by=by, reason=reason[:300]
    )


def _record(found: Pause, action: Action, actor: Actor) -> None:
    target = Target("queue", f"{found.broker}/{found.queue}", found.queue, found.place)
    actor.record(action, target, after={"pause": str(found.pk)})
