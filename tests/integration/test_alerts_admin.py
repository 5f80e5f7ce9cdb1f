"""Alerts in the admin, and their figures for Prometheus."""

from __future__ import annotations

import pytest
from django.test import Client

from agents.alerts.models import Rule, Silence
from core.access.audit.models import Entry
from tests.support import queue_rows
from tests.support.accounts import bearer, machine, person, signed_in, token
from tests.support.alerts import Measured, rule, webhook

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])
RULE = {
    "name": "orders-deep",
    "title": "orders wait",
    "signal": "queue_depth",
    "threshold": "500",
    "hold_s": "0",
    "rest_s": "30",
    "window_s": "300",
    "severity": "critical",
    "environment": "*",
    "queue": "orders.*",
    "agent": "*",
    "begins": "00:00",
    "ends": "00:00",
    "zone": "UTC",
    "enabled": "on",
}


@pytest.fixture
def ana() -> Client:
    return signed_in(person("ana", "admin"))


def test_rule__made_and_changed_with_an_entry_each(ana: Client) -> None:
    assert ana.post("/admin/alerts/rule/add/", RULE).status_code == 302
    found = Rule.objects.get(name="orders-deep")
    ana.post(f"/admin/alerts/rule/{found.pk}/change/", RULE | {"threshold": "900"})
    assert Rule.objects.get(pk=found.pk).threshold == 900
    actions = Entry.objects.filter(action__startswith="alert_rule.").order_by("sequence")
    assert [entry.action for entry in actions] == ["alert_rule.created", "alert_rule.changed"]


def test_rule_that_cannot_be__said_above_the_form(ana: Client) -> None:
    answer = ana.post("/admin/alerts/rule/add/", RULE | {"zone": "Mars/Base"}, follow=True)
    assert "There is no time zone &#x27;Mars/Base&#x27;" in answer.content.decode()
    assert not Rule.objects.filter(name="orders-deep").exists()


def test_rule_of_ours__has_no_delete(ana: Client) -> None:
    found = Rule.objects.get(name="queue-depth")
    assert ana.post(f"/admin/alerts/rule/{found.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Rule.objects.filter(pk=found.pk).exists()


def test_silence__deleting_it_ends_it(ana: Client) -> None:
    made = {"reason": "x", "kind": "silence", "environment": "*", "queue": "*", "agent": "*", "rule": ""}
    times = {
        "begins_at_0": "2030-01-01",
        "begins_at_1": "00:00",
        "ends_at_0": "2030-01-02",
        "ends_at_1": "00:00",
    }
    ana.post("/admin/alerts/silence/add/", made | times)
    found = Silence.objects.get()
    ana.post(f"/admin/alerts/silence/{found.pk}/delete/", {"post": "yes"})
    assert Silence.objects.get().ends_at < found.ends_at


def test_channel__its_secrets_are_on_no_page(ana: Client) -> None:
    made = webhook("https://hooks.example/very-secret")
    for path in ("", f"{made.channel.pk}/change/"):
        shown = ana.get(f"/admin/alerts/channel/{path}").content.decode()
        assert "on call" in shown
        assert "very-secret" not in shown
        assert made.key not in shown


def test_everything_opens_and_only_for_who_manages_alerts(
    ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Measured(monkeypatch)
    rule()
    webhook("https://hooks.example/1")
    measured.say(12).look()
    vera = signed_in(person("vera", "viewer"))
    for name in ("rule", "silence", "channel", "alert", "notice"):
        assert ana.get(f"/admin/alerts/{name}/").status_code == 200
        assert vera.get(f"/admin/alerts/{name}/").status_code == 403


# ---- /metrics ----------------------------------------------------------------------------------------------------
def test_metrics__of_queues_letters_alerts_and_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured(monkeypatch)
    rule()
    webhook("https://hooks.example/1")
    measured.say(12).look()
    queue_rows.queue("orders.q", 40, growth=2.5, consumers=None)
    observer = bearer(token(machine("prometheus", "security")))
    said = Client(headers=observer).get("/metrics").content.decode()
    assert 'postroom_queue_depth{broker="main",environment="production",queue="orders.q"} 40.0' in said
    assert 'postroom_queue_growth{broker="main",environment="production",queue="orders.q"} 2.5' in said
    assert "postroom_queue_consumers{" not in said
    assert 'postroom_alerts{rule="deep",severity="warning",state="firing"} 1.0' in said
    assert 'postroom_alert_notices{channel="on call",state="waiting"} 1.0' in said
