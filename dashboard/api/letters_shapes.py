"""What travels about letters: the shapes of requests and answers."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from agents.deadletters.models import Death, Letter
from agents.deadletters.values import Contents, FailureClass, Reason, State
from core import clock
from dashboard.api import query

STATES = [str(state) for state in State]
CLASSES = [str(each) for each in FailureClass]
REASONS = [str(each) for each in Reason]


# ---- Asking ----------------------------------------------------------------------------------------------------
class LetterFilters(query.Filters):
    """Which letters; those that died last come first."""

    state = serializers.ChoiceField(STATES, required=False)
    queue = serializers.CharField(required=False)
    broker = serializers.CharField(required=False)
    agent = serializers.CharField(required=False)
    group = serializers.UUIDField(required=False, help_text="A failure group's id.")
    environment = serializers.CharField(required=False)
    error = serializers.CharField(required=False, help_text="A part of the error's type.")
    since = query.UtcTime(required=False, help_text="Died last at this time or later.")
    until = query.UtcTime(required=False)
    q = serializers.CharField(
        required=False,
        max_length=300,
        help_text="A search, as docs/guides/letters.md explains it, or a whole id: message, trace, letter.",
    )


class LetterFailureShape(serializers.Serializer[Any]):
    """Why it died."""

    vars()["class"] = serializers.ChoiceField(CLASSES, required=False)
    reason = serializers.ChoiceField(REASONS)
    type = serializers.CharField(required=False, allow_blank=True)
    message = serializers.CharField(required=False, allow_blank=True)


class LetterAttemptShape(serializers.Serializer[Any]):
    """One try. In lists it has no traceback."""

    number = serializers.IntegerField(required=False)
    started_at = serializers.CharField(required=False, allow_null=True)
    duration_ms = serializers.FloatField(required=False, allow_null=True)
    instance = serializers.CharField(required=False)
    host = serializers.CharField(required=False)
    version = serializers.CharField(required=False)
    vars()["class"] = serializers.CharField(required=False)
    type = serializers.CharField(required=False)
    message = serializers.CharField(required=False)
    traceback = serializers.CharField(required=False)
    retry_at = serializers.CharField(required=False, allow_null=True)


class RedriveShape(serializers.Serializer[Any]):
    letter_id = serializers.UUIDField()
    number = serializers.IntegerField()


class LetterGiven(serializers.Serializer[Any]):
    """A message that an agent gave up on, whole. Sent again with the same `death_id`, it changes nothing."""

    format = serializers.IntegerField(required=False)
    death_id = serializers.UUIDField()
    redelivered = serializers.BooleanField(
        required=False,
        help_text="Who makes death ids out of message ids says false in a first delivery, true in a repeated one.",
    )
    died_at = query.UtcTime()
    queue = serializers.CharField()
    failure = LetterFailureShape()
    body = serializers.CharField(help_text="The bytes as they came, in base64.")
    environment = serializers.CharField(
        required=False, help_text="Left out: the one that the token is bound to."
    )
    broker = serializers.CharField(required=False)
    message_id = serializers.CharField(required=False)
    task = serializers.CharField(required=False)
    agent = serializers.CharField(required=False)
    instance = serializers.CharField(required=False)
    version = serializers.CharField(required=False)
    sender = serializers.CharField(required=False)
    exchange = serializers.CharField(required=False)
    routing_key = serializers.CharField(required=False)
    workflow = serializers.CharField(required=False)
    trace_id = serializers.CharField(required=False)
    span_id = serializers.CharField(required=False)
    conversation_id = serializers.CharField(required=False)
    redrive = RedriveShape(required=False, help_text="What the message's postroom-redrive-id said.")
    attempts = LetterAttemptShape(many=True, required=False)
    headers = serializers.DictField(required=False)
    properties = serializers.DictField(required=False)
    content_type = serializers.CharField(required=False)
    content_encoding = serializers.CharField(required=False)
    body_size = serializers.IntegerField(required=False)


# ---- Answers ---------------------------------------------------------------------------------------------------
class LetterKept(serializers.Serializer[Any]):
    """Committed. 201: a death that was not known; 200: it was."""

    id = serializers.UUIDField(help_text="The letter's.")
    state = serializers.ChoiceField(STATES)


class DeathShape(serializers.Serializer[Any]):
    """One time that the message died."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    died_at = query.UtcTime()
    redrive = serializers.IntegerField(help_text="After which redrive; 0: before any.")
    agent = serializers.CharField()
    instance = serializers.CharField()
    version = serializers.CharField()
    failure = LetterFailureShape()


class LetterChangeShape(serializers.Serializer[Any]):
    before = serializers.CharField()
    after = serializers.ChoiceField(STATES)
    at = query.UtcTime()
    by = serializers.CharField()
    reason = serializers.CharField()


class LetterRowShape(serializers.Serializer[Any]):
    """A letter in a list. What only one letter's answer carries is null here."""

    id = serializers.UUIDField()
    environment = serializers.CharField()
    broker = serializers.CharField()
    queue = serializers.CharField()
    message_id = serializers.CharField()
    task = serializers.CharField()
    agent = serializers.CharField()
    instance = serializers.CharField()
    version = serializers.CharField()
    sender = serializers.CharField()
    workflow = serializers.CharField()
    trace_id = serializers.CharField()
    span_id = serializers.CharField()
    conversation_id = serializers.CharField()
    source = serializers.CharField(help_text="Where it was taken from.")  # type: ignore[assignment]
    state = serializers.ChoiceField(STATES)
    since = query.UtcTime(help_text="When it came into this state.")
    failure = LetterFailureShape()
    group = serializers.UUIDField(allow_null=True)
    deaths = serializers.IntegerField()
    redrives = serializers.IntegerField()
    first_died_at = query.UtcTime()
    last_died_at = query.UtcTime()
    captured_at = query.UtcTime()
    attempt_count = serializers.IntegerField()
    attempts = LetterAttemptShape(many=True, allow_null=True)
    headers = serializers.DictField(allow_null=True)
    body_size = serializers.IntegerField()
    content_type = serializers.CharField()
    content_encoding = serializers.CharField()


class LetterShape(LetterRowShape):
    """A letter whole. `masked`: headers and properties are as those see them who may not read payloads here;
    null where that cannot be told."""

    masked = serializers.BooleanField()
    properties = serializers.DictField(allow_null=True)
    died = DeathShape(many=True)
    changes = LetterChangeShape(many=True)


class BodyShape(serializers.Serializer[Any]):
    """The bytes as they came, or masked. `text` is there when they are UTF-8."""

    masked = serializers.BooleanField()

    id = serializers.UUIDField()
    content_type = serializers.CharField()
    content_encoding = serializers.CharField()
    size = serializers.IntegerField()
    text = serializers.CharField(allow_null=True)
    base64 = serializers.CharField()


PLAIN = (
    *(
        "environment",
        "broker",
        "queue",
        "message_id",
        "task",
        "agent",
        "instance",
        "version",
        "sender",
        "workflow",
    ),
    *("trace_id", "span_id", "conversation_id", "source", "state", "deaths", "redrives", "body_size"),
    *("content_type", "content_encoding"),
)
MOMENTS = ("since", "first_died_at", "last_died_at", "captured_at")


def row(letter: Letter) -> dict[str, Any]:
    """In a list."""
    return {
        "id": str(letter.pk),
        **{name: getattr(letter, name) for name in PLAIN},
        **{name: clock.rfc3339(getattr(letter, name)) for name in MOMENTS},
        "failure": failure(letter),
        "group": str(letter.group_id) if letter.group_id else None,
        "attempt_count": letter.attempts,
        "attempts": None,
        "headers": None,
    }


def whole(
    letter: Letter,
    deaths: Sequence[Death],
    changes: Sequence[Any],
    contents: Contents | None,
    shown: Contents | None,
    *,
    masked: bool,
) -> dict[str, Any]:
    """One letter; without contents it was erased."""
    return row(letter) | {
        "masked": masked,
        "attempts": list(contents.attempts) if contents else [],
        "headers": shown.headers if shown else None,
        "properties": shown.properties if shown else None,
        "died": [death(each) for each in deaths],
        "changes": [change(each) for each in changes],
    }


def failure(row: Letter | Death) -> Mapping[str, str]:
    return {
        "class": row.failure_class,
        "reason": row.failure_reason,
        "type": row.failure_type,
        "message": row.failure_message,
    }


def death(row: Death) -> dict[str, Any]:
    names = ("number", "redrive", "agent", "instance", "version")
    return {
        "id": str(row.pk),
        **{name: getattr(row, name) for name in names},
        "died_at": clock.rfc3339(row.died_at),
        "failure": failure(row),
    }


def change(row: Any) -> dict[str, Any]:
    names = ("before", "after", "by", "reason")
    return {name: getattr(row, name) for name in names} | {"at": clock.rfc3339(row.at)}


def body(letter: Letter, raw: bytes) -> dict[str, Any]:
    return {
        "id": str(letter.pk),
        "content_type": letter.content_type,
        "content_encoding": letter.content_encoding,
        "size": len(raw),
        "text": text_of(raw),
        "base64": base64.b64encode(raw).decode(),
    }


def text_of(raw: bytes) -> str | None:
    """The body as text, when it is UTF-8 without control characters that are no white space."""
    try:
        found = raw.decode()
    except UnicodeDecodeError:
        return None
    return found if all(each >= " " or each in "\n\r\t" for each in found) else None
