"""Channels and what goes through them, for programs. An address goes in and never comes out; a key comes out once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.alerts import selectors
from agents.alerts.models import Attempt, Channel, Notice
from agents.alerts.models.rules import NAME
from agents.alerts.services import channels
from agents.alerts.services.channels import ChannelError, Made
from agents.alerts.values import ChannelKind, NoticeKind, NoticeState
from core import clock
from core.access.api import Permission
from dashboard.api import paging, query
from dashboard.api.alert_rules import SEVERITIES, ManagedView, pattern
from dashboard.api.idempotency import idempotent
from dashboard.api.problems import invalid
from dashboard.api.schema_parts import IDEMPOTENCY_KEY, PAGING, listed

CHANNELS = [str(each) for each in ChannelKind]
NOTICE_KINDS = [str(each) for each in NoticeKind]
NOTICE_STATES = [str(each) for each in NoticeState]


class ChannelChange(serializers.Serializer[Any]):
    """What is to change. `new_key` makes a webhook's key anew; the answer shows it, this once."""

    name = serializers.CharField(max_length=NAME, required=False)
    address = serializers.CharField(max_length=2_000, required=False, write_only=True)
    environment = pattern()
    queue = pattern()
    agent = pattern()
    at_least = serializers.ChoiceField(SEVERITIES, required=False)
    when_cleared = serializers.BooleanField(required=False)
    enabled = serializers.BooleanField(required=False)
    new_key = serializers.BooleanField(required=False, write_only=True)


class ChannelGiven(ChannelChange):
    """`address`: a webhook's URL, or what Apprise understands (`mailto://…`, `slack://…`). It is kept sealed."""

    name = serializers.CharField(max_length=NAME)
    kind = serializers.ChoiceField(CHANNELS)
    address = serializers.CharField(max_length=2_000, write_only=True)


class ChannelShape(serializers.Serializer[Any]):
    """A channel. `shown` is what of its address is no secret; `key` is there only in the answer that made it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(CHANNELS)
    shown = serializers.CharField()
    environment = serializers.CharField()
    queue = serializers.CharField()
    agent = serializers.CharField()
    at_least = serializers.ChoiceField(SEVERITIES)
    when_cleared = serializers.BooleanField()
    enabled = serializers.BooleanField()
    made_at = query.UtcTime()
    key = serializers.CharField(required=False)


class NoticeAttemptShape(serializers.Serializer[Any]):
    """One try. `ok` null: it was not seen to end."""

    number = serializers.IntegerField()
    began_at = query.UtcTime()
    ended_at = query.UtcTime(allow_null=True)
    ok = serializers.BooleanField(allow_null=True)
    says = serializers.CharField()


class NoticeShape(serializers.Serializer[Any]):
    """What a channel is told, with every attempt. Its id is the webhook's `webhook-id`."""

    id = serializers.UUIDField()
    channel = serializers.UUIDField()
    kind = serializers.ChoiceField(NOTICE_KINDS)
    state = serializers.ChoiceField(NOTICE_STATES)
    title = serializers.CharField()
    made_at = query.UtcTime()
    due_at = query.UtcTime()
    tries = serializers.IntegerField()
    attempts = NoticeAttemptShape(many=True)


class NoticeFilters(query.Filters):
    channel = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(NOTICE_STATES, required=False)


def shape(channel: Channel, key: str = "") -> dict[str, Any]:
    plain = {"id": str(channel.pk), **channels.shown(channel), "made_at": clock.rfc3339(channel.made_at)}
    return plain | ({"key": key} if key else {})


def notice_shape(notice: Notice) -> dict[str, Any]:
    return {
        "id": str(notice.pk),
        "channel": str(notice.channel_id),
        **{name: getattr(notice, name) for name in ("kind", "state", "title", "tries")},
        **{name: clock.rfc3339(getattr(notice, name)) for name in ("made_at", "due_at")},
        "attempts": [_attempt(each) for each in notice.attempts.order_by("number")],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    ended = clock.rfc3339(attempt.ended_at) if attempt.ended_at else None
    plain = {"number": attempt.number, "ok": attempt.ok, "says": attempt.says}
    return plain | {"began_at": clock.rfc3339(attempt.began_at), "ended_at": ended}


class ChannelView(ManagedView):
    """A view of channels: only for who manages the whole of what a channel reaches."""

    permission = Permission.MANAGE_ALERTS

    def found(self, id: UUID) -> Channel:
        channel = selectors.channel(self.subject, id)
        if channel is None:
            raise self.missing(f"channel {id} that you may manage", "channels")
        return channel

    def notice(self, id: UUID) -> Notice:
        notice = Notice.objects.filter(pk=id).select_related("channel").first()
        if notice is None or selectors.channel(self.subject, notice.channel_id) is None:
            raise self.missing(f"notice {id} that you may see", "notices")
        return notice


class Channels(ChannelView):
    """The list, and making one."""

    @extend_schema(
        operation_id="channels_list",
        summary="Channels that you may manage, by name",
        parameters=[*PAGING],
        responses=listed(ChannelShape),
    )
    def get(self, request: Request) -> Response:
        query.read(request, query.Filters)
        rows = selectors.channels(self.subject)
        return paging.response(
            request, paging.page_of(request, rows, lambda row: (row.name, str(row.pk))), shape
        )

    @extend_schema(
        operation_id="channels_create",
        summary="Make a channel; a webhook's key is in this answer and in no other",
        request=ChannelGiven,
        responses={201: ChannelShape},
    )
    def post(self, request: Request) -> Response:
        said = query.body(request, ChannelGiven)
        address = said.pop("address")
        said.pop("new_key", None)
        try:
            made = channels.create(Channel(**said), address, self.actor)
        except ChannelError as problem:
            raise invalid(problem.field, str(problem)) from None
        return Response(shape(made.channel, made.key), status=201)


class OneChannel(ChannelView):
    """One channel."""

    @extend_schema(operation_id="channels_get", summary="One channel", responses=ChannelShape)
    def get(self, request: Request, id: UUID) -> Response:
        return Response(shape(self.found(id)))

    @extend_schema(
        operation_id="channels_change",
        summary="Change a channel",
        request=ChannelChange,
        responses=ChannelShape,
    )
    def patch(self, request: Request, id: UUID) -> Response:
        made = self._changed(self.found(id), query.body(request, ChannelChange))
        return Response(shape(made.channel, made.key))

    @extend_schema(
        operation_id="channels_delete",
        summary="Delete a channel with all that went through it",
        responses={204: None},
    )
    def delete(self, request: Request, id: UUID) -> Response:
        channels.delete(self.found(id), self.actor)
        return Response(status=204)

    def _changed(self, channel: Channel, said: dict[str, Any]) -> Made:
        address, new_key = said.pop("address", ""), said.pop("new_key", False)
        for name, value in said.items():
            setattr(channel, name, value)
        try:
            return channels.change(channel, self.actor, address, new_secret=new_key)
        except ChannelError as problem:
            raise invalid(problem.field, str(problem)) from None


class TestChannel(ChannelView):
    """Try it out."""

    @extend_schema(
        operation_id="channels_test",
        summary="Send a test; GET on the notice says what became of it",
        request=None,
        responses={202: NoticeShape},
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> Response:
        return Response(notice_shape(channels.test(self.found(id), self.actor)), status=202)


class Notices(ChannelView):
    """What went out."""

    @extend_schema(
        operation_id="notices_list",
        summary="Notices of channels that you may manage, those made last first",
        parameters=[NoticeFilters, *PAGING],
        responses=listed(NoticeShape),
    )
    def get(self, request: Request) -> Response:
        rows = Notice.objects.filter(channel__in=selectors.channels(self.subject))
        rows = rows.filter(**query.read(request, NoticeFilters)).prefetch_related("attempts")
        return paging.response(request, paging.page(request, rows, ("-made_at", "-id")), notice_shape)


class OneNotice(ChannelView):
    """One notice."""

    @extend_schema(operation_id="notices_get", summary="One notice with its attempts", responses=NoticeShape)
    def get(self, request: Request, id: UUID) -> Response:
        return Response(notice_shape(self.notice(id)))


class SendNoticeAgain(ChannelView):
    """One that was given up."""

    @extend_schema(
        operation_id="notices_send_again",
        summary="Send one again that was given up",
        request=None,
        responses=NoticeShape,
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request, id: UUID) -> Response:
        return Response(notice_shape(channels.send_again(self.notice(id), self.actor)))
