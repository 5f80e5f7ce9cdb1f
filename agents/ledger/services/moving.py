"""Messages that were only looked at have no environment of their own: they follow whoever had them in hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from django.conf import settings

from agents.ledger import table
from agents.ledger.models import EventRow, MessageRow
from agents.ledger.table import Row
from agents.ledger.values import ONLOOKERS, Message, Told, told


def to_their_environment(rows: Iterable[Row], events: Sequence[Told]) -> list[Told]:
    """Of the rows of these events' messages: the events of those that move, as they are told now. Their rows go."""
    default = settings.POSTROOM.environment
    stays = {each.event.message_id for each in events if each.event.environment == default}
    belongs = {
        each.event.message_id: each.event.environment for each in events if each.event.message_id not in stays
    }
    away = {
        id: belongs[row.message_id] for id, row in rows if row.message_id in belongs and _strays(row, default)
    }
    if not away:
        return []
    found = table.events_of(away)
    EventRow.objects.filter(message__in=away).delete()
    MessageRow.objects.filter(pk__in=away).delete()
    return [_there(each, away[id]) for id, some in found.items() for each in some]


def _strays(row: Message, default: str) -> bool:
    return row.environment == default and not row.sources & ~int(ONLOOKERS)


def _there(each: Told, environment: str) -> Told:
    return told(msgspec.structs.replace(each.event, environment=environment), each.arrived)
