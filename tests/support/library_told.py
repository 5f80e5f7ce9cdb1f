"""What the library told its broker, as Postroom would read it: events and letters, gathered from either kind."""

from __future__ import annotations

import json
from typing import Any

import pika
import redis

from tests.support.waiting import until


class Told:
    """Gathers as it is asked; what was gathered stays."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._events: list[dict[str, Any]] = []
        self._letters: list[dict[str, Any]] = []

    def events(self, message_id: str) -> list[dict[str, Any]]:
        """Of one message, in the order in which they were told."""
        self._gather()
        return [event for event in self._events if event["message_id"] == message_id]

    def all_events(self) -> list[dict[str, Any]]:
        self._gather()
        return list(self._events)

    def kinds(self, message_id: str) -> list[str]:
        return [event["kind"] for event in self.events(message_id)]

    def letters(self, message_id: str) -> list[dict[str, Any]]:
        self._gather()
        return [letter for letter in self._letters if letter["message_id"] == message_id]

    def await_kind(self, message_id: str, kind: str, seconds: float = 30) -> dict[str, Any]:
        """The event of this kind, once it is told."""
        until(lambda: kind in self.kinds(message_id), f"{message_id} to be {kind}", seconds)
        return next(event for event in self.events(message_id) if event["kind"] == kind)

    def await_letter(self, message_id: str, seconds: float = 30) -> dict[str, Any]:
        return until(lambda: self.letters(message_id), f"a letter of {message_id}", seconds)[0]

    def _gather(self) -> None:
        (self._from_rabbit if self._url.startswith("amqp") else self._from_redis)()

    def _from_redis(self) -> None:
        with redis.Redis.from_url(self._url) as client:
            for stream, field, kept in (
                ("postroom.events", b"e", self._events),
                ("postroom.letters", b"l", self._letters),
            ):
                found: Any = client.xrange(stream)
                kept[:] = [json.loads(entry[field]) for _, entry in found]

    def _from_rabbit(self) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(self._url))
        try:
            for queue, kept in (("postroom.events", self._events), ("postroom.letters", self._letters)):
                _drain(connection, queue, kept)
        except pika.exceptions.ConnectionClosedByBroker:  # a queue is being made; the next look finds it
            return
        finally:
            if connection.is_open:
                connection.close()


def _drain(connection: Any, queue: str, kept: list[dict[str, Any]]) -> None:
    channel = connection.channel()
    try:
        while (found := channel.basic_get(queue, auto_ack=True))[0]:
            said = json.loads(found[2])
            kept.extend(said if isinstance(said, list) else [said])
    except pika.exceptions.ChannelClosedByBroker:  # nobody told anything yet
        return
    channel.close()
