"""Alerts, rules, silences and channels for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.alerts import built_in_rules
from agents.alerts.models import Rule
from agents.alerts.services import rules
from core.access.api import Scope
from core.access.audit.models import Entry
from tests.support.alerts import Measured, rule
from tests.support.alerts import admin as everywhere
from tests.support.api_client import Program

pytestmark = pytest.mark.django_db
RULE = {
    "name": "orders-deep",
    "title": "orders wait",
    "signal": "queue_depth",
    "threshold": 500,
    "severity": "critical",
}
SILENCE = {"reason": "moving the broker", "queue": "orders.*", "lasts_s": 3_600}
HOOK = {"name": "on call", "kind": "webhook", "address": "https://hooks.example/secret-part"}


@pytest.fixture
def admin() -> Program:
    return Program("admin", name="admin-program", scope=Scope("production"))


def made(answer: Any) -> Any:
    assert answer.status_code in {201, 202}, answer.json()
    return answer.json()


def test_rule__made_changed_deleted_and_audited(admin: Program) -> None:
    rule = made(admin.post("/api/v1/alert-rules", RULE | {"environment": "production"}))
    assert (rule["hold_s"], rule["built_in"], rule["begins"]) == (0, False, "00:00")
    changed = admin.patch(
        "/api/v1/alert-rules/orders-deep", {"threshold": 900, "days": "mon,fri", "begins": "09:00"}
    )
    assert (changed.json()["threshold"], changed.json()["days"]) == (900, "mon,fri")
    assert admin.delete("/api/v1/alert-rules/orders-deep").status_code == 204
    actions = Entry.objects.filter(action__startswith="alert_rule.").order_by("sequence")
    assert [entry.action for entry in actions] == [
        "alert_rule.created",
        "alert_rule.changed",
        "alert_rule.deleted",
    ]
    assert json.loads(actions[1].before or "") == {"threshold": 500.0, "days": "", "begins": "00:00"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"signal": "moon"}, "signal"),
        ({"threshold": -1}, "threshold"),
        ({"days": "monday"}, "days"),
        ({"zone": "Mars/Base"}, "zone"),
        ({"cause": "agent_down"}, "cause"),
        ({"queue": "a,b"}, "queue"),
        ({"window_s": 5}, "window_s"),
    ],
)
def test_rule_that_cannot_be__refused_with_the_field(
    admin: Program, wrong: dict[str, Any], field: str
) -> None:
    answer = admin.post("/api/v1/alert-rules", RULE | {"environment": "production"} | wrong)
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_rule_beyond_ones_own_scope__refused(admin: Program) -> None:
    answer = admin.post("/api/v1/alert-rules", RULE)
    assert answer.status_code == 403
    assert not Rule.objects.filter(name="orders-deep").exists()


def test_rule_of_ours__cannot_be_deleted_and_stays_as_users_made_it() -> None:
    names = {each.name for each in built_in_rules.BUILT_IN_RULES}
    assert names == set(Rule.objects.filter(built_in=True).values_list("name", flat=True))
    found = Rule.objects.get(name="queue-depth")
    found.threshold, found.enabled = 7, False
    rules.save(found, everywhere())
    built_in_rules.install()
    assert (Rule.objects.get(name="queue-depth").threshold, Rule.objects.get(name="queue-depth").enabled) == (
        7,
        False,
    )
    with pytest.raises(rules.RuleError, match="switch it off"):
        rules.delete(found, everywhere())


def test_same_name_twice__refused(admin: Program) -> None:
    body = RULE | {"environment": "production"}
    made(admin.post("/api/v1/alert-rules", body))
    assert admin.post("/api/v1/alert-rules", body).json()["errors"][0]["field"] == "name"


def test_viewer__reads_rules_and_silences_and_changes_none() -> None:
    viewer = Program("viewer")
    assert len(viewer.get("/api/v1/alert-rules").json()["results"]) == Rule.objects.count()
    assert viewer.get("/api/v1/silences").status_code == 200
    assert viewer.get("/api/v1/channels").status_code == 403
    assert viewer.post("/api/v1/alert-rules", RULE).status_code == 403
    assert viewer.post("/api/v1/silences", SILENCE).status_code == 403


def test_silence__made_once_with_a_key_and_ended(admin: Program) -> None:
    body = SILENCE | {"environment": "production"}
    first, again = (
        admin.post("/api/v1/silences", body, **{"Idempotency-Key": "one"}).json() for _ in range(2)
    )
    assert first["id"] == again["id"]
    assert (first["state"], first["by"]) == ("active", "admin-program")
    assert admin.delete(f"/api/v1/silences/{first['id']}").status_code == 204
    assert admin.get("/api/v1/silences", state="over").json()["results"][0]["id"] == first["id"]
    assert admin.delete(f"/api/v1/silences/{first['id']}").status_code == 409


def test_silence_without_an_end__refused(admin: Program) -> None:
    answer = admin.post("/api/v1/silences", {"reason": "for ever", "environment": "production"})
    assert answer.json()["errors"][0]["field"] == "ends_at"


def test_channel__its_key_shown_once_its_address_never(admin: Program) -> None:
    body = HOOK | {"environment": "production"}
    first = made(admin.post("/api/v1/channels", body))
    assert first["key"].startswith("whsec_")
    for answer in (admin.get("/api/v1/channels"), admin.get(f"/api/v1/channels/{first['id']}")):
        assert "secret-part" not in answer.content.decode()
        assert first["key"] not in answer.content.decode()
    changed = admin.patch(f"/api/v1/channels/{first['id']}", {"at_least": "critical", "new_key": True}).json()
    assert (changed["at_least"], changed["key"] != first["key"]) == ("critical", True)


def test_channel_of_somebody_else__is_not_there(admin: Program) -> None:
    first = made(admin.post("/api/v1/channels", HOOK | {"environment": "production"}))
    other = Program("admin", Scope("staging"), "staging-admin")
    assert other.get("/api/v1/channels").json()["results"] == []
    assert other.get(f"/api/v1/channels/{first['id']}").status_code == 404
    assert other.post(f"/api/v1/channels/{first['id']}/test", {}).status_code == 404


def test_channel_with_an_address_that_nobody_knows__refused(admin: Program) -> None:
    for kind, address in (("webhook", "ftp://x"), ("apprise", "nothing at all")):
        answer = admin.post(
            "/api/v1/channels", HOOK | {"kind": kind, "address": address, "environment": "production"}
        )
        assert answer.json()["errors"][0]["field"] == "address"


def test_test__is_a_notice_that_waits(admin: Program) -> None:
    first = made(admin.post("/api/v1/channels", HOOK | {"environment": "production"}))
    notice = made(admin.post(f"/api/v1/channels/{first['id']}/test", {}))
    assert (notice["kind"], notice["state"], notice["attempts"]) == ("test", "waiting", [])
    assert admin.get(f"/api/v1/notices/{notice['id']}").json()["title"] == "[TEST] on call"
    assert admin.post(f"/api/v1/notices/{notice['id']}/send-again", {}).status_code == 409


def test_alert_of_a_rule__with_history_and_series(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured(monkeypatch)
    rule()
    for value in (3, 12, 14):
        measured.say(value).look()
    viewer = Program("viewer")
    (row,) = viewer.get("/api/v1/alerts", rule="deep", queue="orders.q").json()["results"]
    assert (row["value"], row["threshold"], row["rule"]) == (12, 10, "deep")
    whole = viewer.get(f"/api/v1/alerts/{row['id']}").json()
    assert [each["after"] for each in whole["changes"]] == ["firing"]
    assert [each["value"] for each in whole["series"]][-1] == 12
    assert viewer.get("/api/v1/alerts", rule="other").json()["results"] == []


def test_alert_of_a_queue__seen_by_who_sees_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured(monkeypatch)
    rule()
    measured.say(12).look()
    assert len(Program("viewer", Scope(queue="orders.*"), "a").get("/api/v1/alerts").json()["results"]) == 1
    assert Program("viewer", Scope(queue="mail.*"), "b").get("/api/v1/alerts").json()["results"] == []
