"""Events → message. Pure, and blind to order: any permutation with repeats comes to the same.

Events are put in the order of their marks, and each then says what it knows: the last one to name a thing is
believed. So an event later than all known can be taken by itself (`follow`), and only what arrives late needs the
whole history again (`fold`); both come to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from operator import attrgetter

import msgspec

from agents.ledger.values import (
    BIT,
    LAST,
    ONLOOKERS,
    RANK,
    Event,
    Fault,
    Kind,
    Mark,
    Message,
    Settled,
    Source,
    Told,
    micros,
    rank,
    told,
)

# What any event may say of its message.
OF_MESSAGE = ("broker", "queue", "sender", "task", "workflow", "trace_id", "conversation_id", "parent_id")
# What an event says of who handles the message.
OF_HANDLER = ("agent", "instance", "version", "host", "span_id")
_of_message, _of_handler = attrgetter(*OF_MESSAGE), attrgetter(*OF_HANDLER)
ONLOOKING = (Source.CELERY, Source.SPAN)
# By how much a handler's clock may be behind ours, in microseconds.
SKEW = 2_000_000
_BITS = {source: int(BIT[source]) for source in Source}


def mark_of(message: Message) -> Mark:
    """Where the event that gave the message its state stands, where that is its own place."""
    place = rank(message.state, message.waits_for)
    return (message.redrive, message.attempt, place, message.since, message.last_event)


def fold(events: Iterable[Told]) -> Message:
    """The message of at least one event, all of one message."""
    return begin(in_order(events))


def begin(ordered: Sequence[Told]) -> Message:
    """The same, of events that are in order."""
    first = ordered[0].event
    found = Message(first.environment, first.message_id)
    for each in ordered:
        _take(found, each)
    return found


def follow(message: Message, later: Iterable[Told]) -> Message:
    """The message with events taken that are later than all it knows, in order."""
    found = copy(message)
    for each in later:
        _take(found, each)
    return found


def in_order(events: Iterable[Told]) -> list[Told]:
    """Each event once, as it first arrived, in the order of its mark."""
    some = list(events)
    if len(some) == 1 and not of_postroom(some[0].event):
        return some
    first: dict[str, Told] = {}
    for each in some:
        known = first.get(each.event.id)
        if known is None or each.arrived < known.arrived:
            first[each.event.id] = each
    found = list(first.values())
    if any(each.event.source is Source.POSTROOM for each in found):
        found = _at_their_places(_of_their_redrives(found))
    return sorted(found, key=_mark)


def _of_their_redrives(events: list[Told]) -> list[Told]:
    """Onlookers know of no redrives: what they saw after one went out is of that one."""
    sent = [(each.at, each.event.redrive) for each in events if _is_redrive(each.event)]
    return [_of_its_redrive(each, sent) for each in events] if sent else events


def _is_redrive(event: Event) -> bool:
    """Postroom sent it again; or may have, and cannot tell."""
    return event.redrive > 0 and event.kind is Kind.SENT and event.source is Source.POSTROOM


def _of_its_redrive(each: Told, sent: list[tuple[int, int]]) -> Told:
    event = each.event
    if event.redrive or event.source not in ONLOOKING:
        return each
    # A message that was dead is a success by a redrive alone, even if its handler's clock is behind ours.
    by = each.at + (SKEW if event.kind is Kind.SUCCEEDED else 0)
    redrive = max((number for at, number in sent if at <= by), default=0)
    return told(msgspec.structs.replace(event, redrive=redrive), each.arrived) if redrive else each


def of_postroom(event: Event) -> bool:
    """Does its place depend on what others told? Postroom makes no attempts, and has no number of one."""
    return event.settles or (event.kind is Kind.PURGED and event.source is Source.POSTROOM)


def needs_history(message: Message, more: Sequence[Told]) -> bool:
    """Whether these, in their order, cannot be taken by themselves: something came after what follows it, or a place
    depends on the others."""
    if more[0].mark <= mark_of(message) or message.settled or message.state == Kind.PURGED:
        return True
    seen = bool(message.sources & ONLOOKERS)
    ours = [each.event for each in more if each.event.source is Source.POSTROOM]
    return any(of_postroom(each) or (seen and _is_redrive(each)) for each in ours)


def _at_their_places(events: list[Told]) -> list[Told]:
    """A purge is the last of its redrive. What Postroom only concluded follows all that was under way (that nothing is
    known before what somebody decided), and counts for nothing where who was there tells how it ended, whenever that
    comes."""
    if not any(of_postroom(each.event) for each in events):
        return events
    attempts: dict[int, int] = {}
    for redrive, attempt, *_ in map(_mark, events):
        attempts[redrive] = max(attempts.get(redrive, 0), attempt)
    ended = {each.event.redrive for each in events if each.mark[2] == LAST and not each.event.settles}
    return [_at_its_place(each, attempts, ended) if of_postroom(each.event) else each for each in events]


def _at_its_place(each: Told, attempts: dict[int, int], ended: set[int]) -> Told:
    redrive, _, _, at, id = each.mark
    if each.event.settles and redrive in ended:
        return each._replace(mark=(redrive, 0, RANK[Kind.SENT], at, id))
    place = LAST + (0 if each.event.settled == Settled.UNKNOWN else 1 if each.event.settles else 2)
    return each._replace(mark=(redrive, attempts[redrive], place, at, id))


def _mark(each: Told) -> Mark:
    return each.mark


def _take(message: Message, each: Told) -> None:
    mark, event = each.mark, each.event
    at = mark[3]
    message.sources |= _BITS[event.source]
    message.first_seen = min(message.first_seen or at, at)
    message.last_seen = max(message.last_seen, at)
    message.heard = max(message.heard, each.arrived)
    message.ahead = max(message.ahead, at - each.arrived)
    if event.settled or message.settled:
        message.settled = event.settled if event.settles else ""
        if message.settled == Settled.UNKNOWN and message.state:
            # Nothing is known beyond what was known before.
            return
    message.redrive, message.attempt, message.since, message.last_event = mark[0], mark[1], at, mark[4]
    message.state = event.kind.value
    message.waits_for = event.waits_for
    message.due = micros(event.due) if event.due else 0
    message.error = error_text(event.error)
    _names(message, event)
    if event.deadline:
        message.deadline = micros(event.deadline)


def _names(message: Message, event: Event) -> None:
    said = _of_message(event)
    # Most events say what the ones before them said.
    if said != _of_message(message):
        _set(message, OF_MESSAGE, said)
    if event.kind == Kind.SENT and event.agent in {"", event.sender}:
        # Its own instance and version are the sender's.
        return
    said = _of_handler(event)
    if said != _of_handler(message):
        _set(message, OF_HANDLER, said)


def _set(message: Message, names: tuple[str, ...], values: tuple[str, ...]) -> None:
    for name, value in zip(names, values, strict=True):
        if value:
            setattr(message, name, value)


def error_text(error: Fault | None) -> str:
    return msgspec.json.encode(error).decode() if error else ""
