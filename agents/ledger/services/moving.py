"""Messages that were only looked at have no environment of their own: they follow whoever had them in hand."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from django.conf import settings

from agents.ledger import table
from agents.ledger.models import EventRow, MessageRow
from agents.ledger.values import ONLOOKERS, Key, Told, told


def to_their_environment(events: Sequence[Told]) -> list[Told]:
    """The events of such messages as they are told now, in the environment that these name; their rows are gone."""
    default = settings.POSTROOM.environment
    belongs = {each.event.message_id: each.event.environment for each in events}
    away = {Key(default, id) for id, environment in belongs.items() if environment != default}
    rows = table.find(away) if away else {}
    ids = {id: key for key, (id, row) in rows.items() if not row.sources & ~int(ONLOOKERS)}
    if not ids:
        return []
    found = table.events_of(ids)
    EventRow.objects.filter(message__in=ids).delete()
    MessageRow.objects.filter(pk__in=ids).delete()
    return [_there(each, belongs[ids[id].message_id]) for id, some in found.items() for each in some]


def _there(each: Told, environment: str) -> Told:
    return told(msgspec.structs.replace(each.event, environment=environment), each.arrived)
