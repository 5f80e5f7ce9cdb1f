"""Channels: made, changed, tried out, deleted, each with its entry in the audit trail. Their secrets are sealed, told
once where Postroom made them, and never again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from agents.alerts.api import Messenger
from agents.alerts.apprise_channel import Service
from agents.alerts.models import Attempt, Channel, Notice
from agents.alerts.services.managing import must_manage
from agents.alerts.values import ChannelKind, NoticeKind, NoticeState, Severity
from agents.alerts.webhook import Webhook, new_key
from core import clock, hints, ids
from core.access.api import Place
from core.access.audit.api import Action, Target
from core.access.scope_text import checked
from core.access.services import Actor
from core.sealing import seal, unseal
from core.transitions import advance

TOPIC = "channels"
PURPOSE = "channels"
FIELDS = ("name", "environment", "queue", "agent", "at_least", "when_cleared", "enabled")
WEB = frozenset({"http", "https"})
SAYS_TEST = "This is a test. If you can read it, the channel works."


class ChannelError(Exception):
    """The channel cannot be as it was asked for. `field` names what to correct, and the text says how."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


@dataclass(frozen=True, slots=True)
class Made:
    """A channel, and the key that its webhook's receiver needs: shown this once."""

    channel: Channel
    key: str = ""


def messenger(channel: Channel) -> Messenger:
    """Who hands over to it. Raises UnsealError."""
    address = unseal(bytes(channel.sealed_address), PURPOSE)
    if channel.kind == ChannelKind.WEBHOOK:
        return Webhook(address, unseal(bytes(channel.sealed_key), PURPOSE))
    return Service(address)


@transaction.atomic
def create(channel: Channel, address: str, actor: Actor) -> Made:
    """Raises ChannelError and PermissionRefusedError."""
    must_manage(actor.subject, channel.scope)
    key = new_key() if channel.kind == ChannelKind.WEBHOOK else ""
    channel.made_at = clock.now()
    channel.sealed_key = seal(key, PURPOSE) if key else b""
    _take_address(channel, address)
    _save(channel, force_insert=True)
    actor.record(Action.CHANNEL_CREATED, target(channel), after=shown(channel))
    hints.hint(TOPIC)
    return Made(channel, key)


@transaction.atomic
def change(channel: Channel, actor: Actor, address: str = "", *, new_secret: bool = False) -> Made:
    """To what the value says; with an address: to that one. Whoever gives no address does not learn the old one."""
    before = Channel.objects.select_for_update().get(pk=channel.pk)
    for scope in (before.scope, channel.scope):
        must_manage(actor.subject, scope)
    old = shown(before)
    if address:
        _take_address(channel, address)
    key = new_key() if new_secret and channel.kind == ChannelKind.WEBHOOK else ""
    if key:
        channel.sealed_key = seal(key, PURPOSE)
    _save(channel)
    if before.enabled and not channel.enabled:
        _drop_waiting(channel)
    new = shown(channel) | ({"address": "changed"} if address else {}) | ({"key": "made anew"} if key else {})
    changed = {name: value for name, value in new.items() if old.get(name) != value}
    if changed:
        seen = {name: old.get(name) for name in changed}
        actor.record(Action.CHANNEL_CHANGED, target(channel), before=seen, after=changed)
    hints.hint(TOPIC)
    return Made(channel, key)


@transaction.atomic
def delete(channel: Channel, actor: Actor) -> None:
    """With everything that went or waits to go through it."""
    must_manage(actor.subject, channel.scope)
    about, old = target(channel), shown(channel)
    channel.delete()
    actor.record(Action.CHANNEL_DELETED, about, before=old)
    hints.hint(TOPIC)


@transaction.atomic
def test(channel: Channel, actor: Actor) -> Notice:
    """Send a test through it, past what waits. Its attempts say what became of it."""
    must_manage(actor.subject, channel.scope)
    id, now = ids.new(), clock.now()
    body = {"id": str(id), "kind": NoticeKind.TEST, "at": clock.rfc3339(now), "alerts": []}
    notice = Notice.objects.create(
        id=id,
        channel=channel,
        kind=NoticeKind.TEST,
        title=f"[TEST] {channel.name}",
        text=f"{SAYS_TEST} {actor.subject.name} sent it.",
        body=json.dumps(body, separators=(",", ":")).encode(),
        severity=Severity.NOTICE,
        made_at=now,
        due_at=now,
    )
    actor.record(Action.CHANNEL_TESTED, target(channel), after={"notice": str(id)})
    hints.hint(TOPIC)
    return notice


@transaction.atomic
def send_again(notice: Notice, actor: Actor) -> Notice:
    """One that was given up. Raises StaleStateError when it was not."""
    must_manage(actor.subject, notice.channel.scope)
    now = clock.now()
    changes = {"due_at": now, "made_at": now, "settled_at": None}
    _step(notice, NoticeState.FAILED, NoticeState.WAITING, f"{actor.subject.name} sends it again", changes)
    actor.record(Action.NOTICE_SENT_AGAIN, target(notice.channel), after={"notice": str(notice.pk)})
    hints.hint(TOPIC)
    return notice


def shown(channel: Channel) -> dict[str, Any]:
    """As the audit trail and programs see it: nothing secret."""
    return {"kind": channel.kind, "shown": channel.shown, **{name: getattr(channel, name) for name in FIELDS}}


def target(channel: Channel) -> Target:
    exact = channel.environment if not set(channel.environment) & set("*?[") else None
    return Target("channel", str(channel.pk), channel.name, Place(exact))


def _drop_waiting(channel: Channel) -> None:
    """What waits for a channel that is switched off is not told later, when it is no longer true."""
    for notice in Notice.objects.filter(channel=channel, state=NoticeState.WAITING):
        facts = {"settled_at": clock.now()}
        _step(notice, NoticeState.WAITING, NoticeState.FAILED, "the channel was switched off", facts)


def _step(
    notice: Notice, before: NoticeState, after: NoticeState, says: str, changes: dict[str, Any]
) -> None:
    now, number = clock.now(), notice.tries + 1
    row = Attempt(
        notice=notice, number=number, began_at=now, ended_at=now, says=says, before=before, after=after
    )
    advance(
        Notice.objects.filter(tries=notice.tries),
        pk=notice.pk,
        from_states=(before,),
        to=after,
        history=row.save,
        changes=changes | {"tries": number},
    )
    notice.refresh_from_db()


def _take_address(channel: Channel, address: str) -> None:
    address = address.strip()
    parts = _parts(address)
    if channel.kind == ChannelKind.WEBHOOK and parts[0] not in WEB:
        raise ChannelError("address", "A webhook's address begins with https:// or http://.")
    if channel.kind == ChannelKind.APPRISE and not _known_to_apprise(address):
        raise ChannelError(
            "address", "Apprise does not know such an address; its pages list them by service."
        )
    channel.sealed_address = seal(address, PURPOSE)
    channel.shown = f"{parts[0]}://{parts[1]}" if channel.kind == ChannelKind.WEBHOOK else f"{parts[0]}://…"


def _parts(address: str) -> tuple[str, str]:
    """Scheme and host: what may be shown. Of a chat service's address the host is often the secret itself."""
    try:
        parts = urlsplit(address)
        return parts.scheme.lower(), (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    except ValueError:
        raise ChannelError("address", "This is no address.") from None


def _known_to_apprise(address: str) -> bool:
    # Takes a while to import, and most requests have no use for it.
    import apprise

    return bool(apprise.Apprise.instantiate(address, suppress_exceptions=True))


def _save(channel: Channel, *, force_insert: bool = False) -> None:
    if not channel.name.strip():
        raise ChannelError("name", "Give it a name, such as `on call`.")
    for name in ("environment", "queue", "agent"):
        try:
            checked(getattr(channel, name))
        except ValueError as problem:
            raise ChannelError(name, str(problem)) from None
    try:
        with transaction.atomic():
            channel.save(force_insert=force_insert)
    except IntegrityError:
        raise ChannelError("name", f"There is a channel {channel.name} already.") from None
