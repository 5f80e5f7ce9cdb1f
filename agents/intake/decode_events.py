"""A request of lifecycle events → what may be kept of it. Pure: a bad one is refused alone."""

from __future__ import annotations

import msgspec

from agents.intake.decode_heartbeats import MOST, Wrong
from agents.intake.refusals import TooManyError, UnreadableError
from agents.intake.writers import Writer
from agents.ledger import reading
from agents.ledger.reading import Fault, NoEventsError
from agents.ledger.values import Event, Kind, Source, Told, told


def events(body: bytes, writer: Writer, arrived: int) -> tuple[list[Told], list[Wrong]]:
    """One event or a list of them. Raises a RefusalError when the body is neither."""
    try:
        pieces = reading.pieces(body)
    except NoEventsError as problem:
        raise UnreadableError(f"{problem} Send an event or a list of them.") from None
    if len(pieces) > MOST:
        raise TooManyError(MOST)
    good: list[Told] = []
    wrong: list[Wrong] = []
    for index, piece in enumerate(pieces):
        found = _one(index, reading.read(piece), writer)
        if isinstance(found, Wrong):
            wrong.append(found)
        else:
            good.append(told(found, arrived))
    return good, wrong


def _one(index: int, event: Event | Fault, writer: Writer) -> Event | Wrong:
    if isinstance(event, Fault):
        what = event.field or "it"
        return Wrong(index, event.field, event.detail, f"Correct {what} and send this event again.")
    environment = writer.environment(event.environment)
    if why := writer.why_not(environment, _teller(event)):
        remedy = "Send it with a token for this environment and agent."
        return Wrong(index, "environment", why, remedy, forbidden=True)
    if environment == event.environment and event.source is not Source.POSTROOM:
        return event
    source = Source.HTTP if event.source is Source.POSTROOM else event.source
    return msgspec.structs.replace(event, environment=environment, source=source)


def _teller(event: Event) -> str:
    """Who says so: a sender tells of its sending, the handler of the rest."""
    if event.kind is Kind.SENT:
        return event.sender or event.agent
    return event.agent or event.sender
