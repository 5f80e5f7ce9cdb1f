"""Sent and told in one step: the `sent` events of a message go to the broker with the message itself.

    with telling(event) as told:
        task.apply_async(...)
    if not told:
        settler.tell([event])

On `postroom+redis://` one script pushes the message and writes its events. Any other transport leaves them to the
caller, who tells them once the message is confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Telling:
    """Events that wait for the next message to go out. True once a transport has written them."""

    def __init__(self, events: tuple[bytes, ...]) -> None:
        self.events, self._told = events, False

    def __bool__(self) -> bool:
        return self._told

    def done(self) -> None:
        self._told = True


_current: ContextVar[Telling | None] = ContextVar("postroom_telling", default=None)


@contextmanager
def telling(*events: bytes) -> Iterator[Telling]:
    """Have the next message that is sent in here carry these events to the broker."""
    tells = begin(*events)
    try:
        yield tells
    finally:
        end()


def begin(*events: bytes) -> Telling:
    """For a pair of signal handlers: what `telling` does on entry."""
    tells = Telling(events)
    _current.set(tells)
    return tells


def end() -> Telling | None:
    """What `telling` does on exit; answers what `begin` began."""
    tells = _current.get()
    _current.set(None)
    return tells


def pending() -> Telling | None:
    """What a transport has still to write along with the message it sends."""
    tells = _current.get()
    return None if tells is None or tells else tells
