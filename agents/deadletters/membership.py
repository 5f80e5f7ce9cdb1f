"""Which letters belong to a group, as a condition."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from agents.deadletters.models import FailureGroup


def in_group(id: str | UUID) -> Q:
    """The letters of a group, or of the one that it was merged into; of no group where there is none."""
    try:
        group = FailureGroup.objects.filter(pk=UUID(str(id))).first()
    except ValueError:
        group = None
    return Q(group=group.merged_into_id or group.pk) if group else Q(pk__in=())
