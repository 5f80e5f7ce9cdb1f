"""Instances come and go with every release: those that are long gone are forgotten, agents are not."""

from __future__ import annotations

from django.conf import settings

from agents.registry.models import Instance, InstanceChange
from agents.registry.services import signing
from agents.registry.values import State
from core import clock


def drop_expired() -> int:
    """Instances that nobody has seen for as long as spans are kept, and changes of state as old as that."""
    before = clock.now() - settings.POSTROOM.retention_spans
    gone = Instance.objects.exclude(state=State.UP).filter(last_seen__lt=before)
    removed = gone.count()
    gone.delete()
    removed += signing.drop_expired()
    return removed + InstanceChange.objects.filter(at__lt=before).delete()[0]
