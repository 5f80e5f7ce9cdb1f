"""Letter sources: added, changed and removed, each with an entry in the trail; the watcher follows within seconds."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from agents.deadletters.models import LetterSource
from core import clock, hints
from core.access.api import Permission, Place, require
from core.access.audit.api import Action, Target
from core.access.services import AccessError, Actor
from core.brokers.api import find

TOPIC = "letter_sources"
FIELDS = ("broker", "queue", "environment", "agent", "enabled", "note")
OURS = "postroom."
AT_MOST_ONCE = (
    "A classic queue dead-letters at most once: what it drops while its dead-letter queue cannot take it is gone "
    "before anybody sees it. Quorum queues with x-dead-letter-strategy at-least-once do not lose it."
)


class SourceError(AccessError):
    """The source cannot be as it was asked for. `field` names what to correct, and the text says how."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


def save(source: LetterSource, actor: Actor) -> LetterSource:
    """Add it, or change it to what the value says. Raises SourceError and PermissionRefusedError."""
    try:
        with transaction.atomic():
            return _save(source, actor)
    except IntegrityError:
        raise SourceError("queue", "This queue is a source already. Change that one.") from None


@transaction.atomic
def remove(source: LetterSource, actor: Actor) -> None:
    """It is not emptied any more; its letters stay, and what is on the queue stays there."""
    require(actor.subject, Permission.MANAGE_LETTERS, place(source))
    before, on = _shown(source), _target(source)
    source.delete()
    actor.record(Action.LETTER_SOURCE_REMOVED, on, before=before)
    hints.hint(TOPIC)


def place(source: LetterSource) -> Place:
    return Place(source.environment or settings.POSTROOM.environment, source.queue, source.agent)


def _save(source: LetterSource, actor: Actor) -> LetterSource:
    before = LetterSource.objects.select_for_update().filter(pk=source.pk).first()
    for each in filter(None, (before, source)):
        require(actor.subject, Permission.MANAGE_LETTERS, place(each))
    _check(source)
    if before is None:
        source.added_at, source.added_by = clock.now(), actor.subject.name
    source.save()
    action = Action.LETTER_SOURCE_CHANGED if before else Action.LETTER_SOURCE_ADDED
    actor.record(action, _target(source), before=_shown(before) if before else None, after=_shown(source))
    hints.hint(TOPIC)
    return source


def _check(source: LetterSource) -> None:
    broker = find(source.broker)
    if broker is None:
        raise SourceError("broker", f"There is no broker {source.broker!r}. POSTROOM_BROKERS names them.")
    if broker.kind != "rabbitmq":
        raise SourceError(
            "broker", "Only RabbitMQ has dead-letter queues; on Redis nothing is dead-lettered."
        )
    if not source.queue or len(source.queue.encode()) > 255:
        raise SourceError("queue", "A queue's name has 1 to 255 bytes.")
    if source.queue.startswith(OURS):
        raise SourceError("queue", "Postroom empties its own queues already.")


def _shown(source: LetterSource) -> dict[str, Any]:
    return {name: getattr(source, name) for name in FIELDS}


def _target(source: LetterSource) -> Target:
    return Target("letter source", str(source.pk), str(source), place(source))
