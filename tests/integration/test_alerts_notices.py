"""Who is told, when, and that it is told once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings

from agents.alerts.api import Envelope, Messenger
from agents.alerts.folding import Link
from agents.alerts.models import Alert, Attempt, Channel, Notice, Silence
from agents.alerts.services import channels, delivering, raising, silences, under
from agents.alerts.services.silences import SilenceError
from agents.alerts.values import Handed, Raised, Severity, Signal, Spot
from core import clock
from core.access.api import PermissionRefusedError, Scope
from core.access.audit.models import Entry
from core.access.grants import subject_of
from core.access.services import Actor
from tests.support.accounts import person
from tests.support.alerts import QUEUE, Measured, admin, rule, service, verified, webhook
from tests.support.answering import Answering, answering

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    return Measured(monkeypatch)


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as running:
        running.says("/hook", b"thanks")
        yield running


@pytest.fixture
def loopback_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "POSTROOM", replace(settings.POSTROOM, outbound_allow=("127.0.0.1",)))


def told() -> list[tuple[str, str]]:
    return [(notice.kind, notice.state) for notice in Notice.objects.order_by("made_at", "pk")]


class Counting:
    """A messenger that says what a test wants, and counts."""

    def __init__(self, *answers: Handed) -> None:
        self.answers, self.seen = list(answers), list[Envelope]()

    def __call__(self, channel: Channel) -> Messenger:
        return self

    def hand_over(self, envelope: Envelope) -> Handed:
        self.seen.append(envelope)
        return self.answers.pop(0) if self.answers else Handed(True, "taken")


# ---- Who is told -------------------------------------------------------------------------------------------------
def test_outage__told_once_that_it_fires_and_once_that_it_is_over(measured: Measured) -> None:
    rule()
    webhook("https://hooks.example/1")
    for value in (12, 13, 14, 3, 3):
        measured.say(value).look()
    assert told() == [("fired", "waiting"), ("cleared", "waiting")]


def test_what_an_agent_raises__told_too() -> None:
    webhook("https://hooks.example/1")
    raised = Raised("production", "extract", Severity.CRITICAL, "An error nobody classified")
    alert, _ = raising.raise_(raised, admin())
    raising.raise_(raised, admin())
    raising.clear(alert, admin())
    assert told() == [("fired", "waiting"), ("cleared", "waiting")]


def test_channel__wants_what_is_bad_enough_and_in_its_scope(measured: Measured) -> None:
    rule()
    webhook("https://hooks.example/1", "critical only", at_least=Severity.CRITICAL)
    webhook("https://hooks.example/2", "mail only", queue="mail.*")
    webhook("https://hooks.example/3", "off", enabled=False)
    measured.say(12).look()
    assert told() == []


def test_channel_that_was_not_told_that_it_fires__is_not_told_that_it_is_over(measured: Measured) -> None:
    rule()
    measured.say(12).look()
    webhook("https://hooks.example/1")
    measured.say(1).look()
    assert told() == []


def test_storm__one_notice(measured: Measured) -> None:
    rule()
    webhook("https://hooks.example/1")
    measured.say_all({QUEUE._replace(queue=f"q{at}"): 50 for at in range(200)}).look()
    notice = Notice.objects.get()
    assert notice.title == "[FIRING] warning: 200 alerts, q0: many wait and others"
    assert (notice.alerts.count(), len(json.loads(bytes(notice.body))["alerts"])) == (200, 200)
    assert "and 190 more" in notice.text


def test_link__leads_to_the_alert(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(settings.POSTROOM, public_url="https://postroom.example")
    monkeypatch.setattr(settings, "POSTROOM", changed)
    rule()
    webhook("https://hooks.example/1")
    measured.say(12).look()
    assert f"https://postroom.example/alerts/{Alert.objects.get().pk}" in Notice.objects.get().text


# ---- Silences ----------------------------------------------------------------------------------------------------
def silence(now: datetime, seconds: float, **facts: object) -> Silence:
    with clock.held(now):
        ends = now + timedelta(seconds=seconds)
        return silences.make(Silence(reason="moving house", ends_at=ends, **facts), admin())


def test_silenced__shown_and_told_when_the_silence_is_over(measured: Measured) -> None:
    rule()
    webhook("https://hooks.example/1")
    silence(measured.now, 60, queue="orders.*")
    measured.say(12).look()
    alert = Alert.objects.get()
    assert (alert.state, alert.silence_id is not None, told()) == ("firing", True, [])
    measured.say(12).look(70)
    assert told() == [("fired", "waiting")]


def test_silenced_until_it_was_over__nobody_is_told(measured: Measured) -> None:
    rule()
    webhook("https://hooks.example/1")
    silence(measured.now, 60)
    measured.say(12).look()
    measured.say(1).look()
    measured.look(70)
    assert told() == []


def test_silence__of_another_queue_or_rule_or_time__does_not_match(measured: Measured) -> None:
    found, other = rule(), rule("other", threshold=1_000)
    webhook("https://hooks.example/1")
    silence(measured.now, 60, queue="mail.*")
    silence(measured.now, 60, rule=other)
    silence(measured.now, 900, begins_at=measured.now + timedelta(minutes=10))
    assert found.enabled
    measured.say(12).look()
    assert told() == [("fired", "waiting")]


def test_silence__needs_a_reason_an_end_and_the_right_and_is_audited() -> None:
    with pytest.raises(SilenceError, match="Say why"):
        silences.make(Silence(reason=" ", ends_at=clock.now() + timedelta(hours=1)), admin())
    with pytest.raises(SilenceError, match="end after it begins"):
        silences.make(Silence(reason="x", ends_at=clock.now() - timedelta(hours=1)), admin())
    staging = Actor(subject_of(person("sam", "admin", scope=Scope("staging"))))
    with pytest.raises(PermissionRefusedError, match="only here: environment staging"):
        silences.make(Silence(reason="x", ends_at=clock.now() + timedelta(hours=1)), staging)
    made = silence(clock.now(), 60)
    silences.end(made, admin())
    entries = Entry.objects.filter(action__startswith="silence.").order_by("sequence")
    assert [entry.action for entry in entries] == ["silence.made", "silence.ended"]


# ---- Folding -----------------------------------------------------------------------------------------------------
def test_queue_of_a_dead_agent__folds_and_only_the_agent_is_told(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under, "links", lambda now: [Link("production", "web", "orders.q", "extract")])
    rule("down", signal=Signal.AGENT_DOWN, threshold=1, severity=Severity.CRITICAL)
    rule(hold_s=10)
    webhook("https://hooks.example/1")
    measured.say(12).look()
    measured.say(1, Spot("production", agent="extract"), Signal.AGENT_DOWN).look()
    measured.look()
    folded = Alert.objects.get(queue="orders.q")
    assert folded.state == "firing"
    assert folded.under == Alert.objects.get(agent="extract")
    assert Notice.objects.get().title == "[FIRING] critical: extract: many wait"
    measured.say_all({}, Signal.AGENT_DOWN).look()
    assert [kind for kind, _ in told()] == ["fired", "cleared"]
    measured.look(200)
    assert [kind for kind, _ in told()] == ["fired", "cleared", "fired"]


# ---- Handing over ------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("loopback_allowed")
def test_webhook__signed_and_taken_once(measured: Measured, server: Answering) -> None:
    rule()
    made = webhook(server.url("/hook"))
    measured.say(12).look()
    assert delivering.due() == [made.channel.pk]
    assert (delivering.deliver(made.channel.pk), delivering.deliver(made.channel.pk)) == (1, 0)
    ((path, headers),), (body,) = server.asked, server.bodies
    notice = Notice.objects.get()
    assert (path, headers["webhook-id"], notice.state) == ("/hook", str(notice.pk), "sent")
    assert verified(made.key, headers, body)
    assert not verified(made.key, headers, body + b" ")
    alert = json.loads(body)["alerts"][0]
    assert (alert["queue"], alert["value"], alert["rule"], alert["state"]) == (
        "orders.q",
        12,
        "deep",
        "firing",
    )


@pytest.mark.usefixtures("loopback_allowed")
def test_apprise__takes_it(measured: Measured, server: Answering) -> None:
    rule()
    made = service(f"json://127.0.0.1:{server.port}/hook")
    measured.say(12).look()
    assert delivering.deliver(made.channel.pk) == 1
    body = json.loads(server.bodies[0])
    assert body["title"] == "[FIRING] warning: orders.q: many wait"
    assert str(Notice.objects.get().pk) in body["message"]


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_address_that_is_not_public__nothing_is_sent(kind: str, server: Answering) -> None:
    make = webhook if kind == "webhook" else service
    scheme = "http" if kind == "webhook" else "json"
    made = make(f"{scheme}://127.0.0.1:{server.port}/hook")
    channels.test(made.channel, admin())
    assert delivering.deliver(made.channel.pk) == 0
    assert (server.asked, Notice.objects.get().state) == ([], "failed")
    if kind == "webhook":
        assert "not a public address" in Attempt.objects.get().says


@pytest.mark.usefixtures("loopback_allowed")
def test_redirect__not_followed(server: Answering) -> None:
    server.says("/hook", status=302, location=server.url("/secret"))
    made = webhook(server.url("/hook"))
    channels.test(made.channel, admin())
    delivering.deliver(made.channel.pk)
    assert [path for path, _ in server.asked] == ["/hook"]
    assert "points elsewhere" in Attempt.objects.get().says


def test_dead_channel__tried_again_with_the_same_bytes_and_in_order(measured: Measured) -> None:
    rule()
    made = webhook("https://hooks.example/1")
    measured.say(12).look()
    measured.say(1).look()
    channel, dead = made.channel.pk, Counting(*[Handed(False, "It answered 503.")] * 3)
    for expected in (2, 4, 8):
        assert delivering.deliver(channel, dead) == 0
        first, attempt = Notice.objects.order_by("made_at", "pk")[0], Attempt.objects.latest("pk")
        assert attempt.ended_at
        assert first.due_at - attempt.ended_at == timedelta(seconds=expected)
        assert delivering.deliver(channel, dead) == 0
        Notice.objects.filter(pk=first.pk).update(due_at=clock.now())
    assert delivering.deliver(channel, dead) == 2
    ids = [each.id for each in dead.seen]
    assert (len(set(ids[:4])), len(set(ids))) == (1, 2)
    assert len({each.body for each in dead.seen[:4]}) == 1
    assert [each.over for each in dead.seen] == [False] * 4 + [True]


def test_its_own_wish__is_heeded(measured: Measured) -> None:
    assert delivering.pause(3, timedelta(seconds=90)) == timedelta(seconds=90)
    assert delivering.pause(30) == timedelta(minutes=1)


def test_worker_that_died__its_lease_runs_out_and_the_same_id_goes_again(measured: Measured) -> None:
    rule()
    made = webhook("https://hooks.example/1")
    measured.say(12).look()
    dying = delivering._claim(made.channel.pk)
    assert dying is not None
    quiet = Counting()
    assert delivering.deliver(made.channel.pk, quiet) == 0
    with clock.held(clock.now() + timedelta(seconds=61)):
        assert delivering.due() == [made.channel.pk]
        assert delivering.deliver(made.channel.pk, quiet) == 1
    assert quiet.seen[0].id == str(dying.notice.pk)
    assert list(Attempt.objects.order_by("number").values_list("number", "ok")) == [(1, None), (2, True)]
    assert "nobody knows" in Attempt.objects.get(number=1).says


def test_late_writer__cannot_settle_what_is_anothers(measured: Measured) -> None:
    rule()
    made = webhook("https://hooks.example/1")
    measured.say(12).look()
    late = delivering._claim(made.channel.pk)
    assert late is not None
    Notice.objects.update(lease=uuid4())
    delivering._settle(late, Handed(True, "taken"))
    assert Notice.objects.get().state == "claimed"


def test_given_up_after_a_day__and_sent_again_by_hand(measured: Measured) -> None:
    rule()
    made = webhook("https://hooks.example/1")
    measured.say(12).look()
    Notice.objects.update(made_at=clock.now() - timedelta(days=2))
    delivering.deliver(made.channel.pk, Counting(Handed(False, "no")))
    notice = Notice.objects.get()
    assert notice.state == "failed"
    channels.send_again(notice, admin())
    assert delivering.deliver(made.channel.pk, Counting()) == 1


def test_test__passes_what_waits_and_is_tried_once(measured: Measured) -> None:
    rule()
    made = webhook("https://hooks.example/1")
    measured.say(12).look()
    channels.test(made.channel, admin())
    tried = Counting(Handed(False, "no"))
    delivering.deliver(made.channel.pk, tried)
    assert tried.seen[0].title == "[TEST] on call"
    assert told() == [("fired", "waiting"), ("test", "failed")] or told() == [
        ("test", "failed"),
        ("fired", "waiting"),
    ]


def test_channel_that_is_switched_off__what_waits_is_not_told_later(measured: Measured) -> None:
    rule()
    made = webhook("https://hooks.example/1")
    measured.say(12).look()
    made.channel.enabled = False
    channels.change(made.channel, admin())
    assert told() == [("fired", "failed")]


# ---- Secrets -----------------------------------------------------------------------------------------------------
def test_secrets__sealed_shown_nowhere_and_audited_without_them() -> None:
    made = webhook("https://hooks.example/very-secret-path?token=hunter2")
    row = Channel.objects.get()
    assert row.shown == "https://hooks.example"
    kept = bytes(row.sealed_address) + bytes(row.sealed_key)
    assert b"very-secret" not in kept
    assert made.key.encode() not in kept
    entry = Entry.objects.get(action="channel.created")
    assert "very-secret" not in json.dumps([entry.before, entry.after])
    assert made.key not in json.dumps([entry.before, entry.after])


def test_chat_service__not_even_its_host_is_shown() -> None:
    assert service("slack://TokenA0000/TokenB0000/TokenC000000000000000000").channel.shown == "slack://…"


@pytest.mark.usefixtures("loopback_allowed")
def test_new_key__the_old_one_is_no_longer_used(server: Answering) -> None:
    made = webhook(server.url("/hook"))
    again = channels.change(made.channel, admin(), new_secret=True)
    channels.test(made.channel, admin())
    delivering.deliver(made.channel.pk)
    ((_, headers),), (body,) = server.asked, server.bodies
    assert again.key != made.key
    assert verified(again.key, headers, body)
    assert not verified(made.key, headers, body)
