"""What agents call: alerts, the audit trail, sender policies, published keys."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from jwt.algorithms import OKPAlgorithm

from agents.alerts.models import Alert
from agents.alerts.services import retention as alerts_retention
from agents.registry.models import SenderPolicy, SigningKey
from agents.registry.services import retention
from agents.registry.services.signing import OVERLAP
from core import clock
from core.access.api import Scope
from core.access.audit.models import Entry
from core.access.signing import own_key
from tests.support.api_client import Program

pytestmark = pytest.mark.django_db
PRODUCTION = Scope(environment="production")
ALERT = {
    "agent": "extract",
    "severity": "critical",
    "title": "An error nobody classified",
    "error": "KeyError: 7",
}
POLICIES, KEYS = "/api/v1/sender-policies", "/.well-known/jwks.json"


@pytest.fixture
def agent() -> Program:
    return Program("agent", PRODUCTION)


@pytest.fixture
def admin() -> Program:
    """Who manages access everywhere; tokens that write are bound to an environment."""
    return Program("security")


@pytest.fixture
def operator() -> Program:
    return Program("operator", PRODUCTION)


def actions(prefix: str) -> list[str]:
    found = Entry.objects.filter(action__startswith=prefix).order_by("sequence")
    return list(found.values_list("action", flat=True))


# ---- Alerts ------------------------------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_alert__raised_once_and_counted(agent: Program) -> None:
    first, again = (agent.post("/api/v1/alerts/raise", ALERT) for _ in range(2))
    other = agent.post("/api/v1/alerts/raise", ALERT | {"key": "another"})
    assert [each.status_code for each in (first, again, other)] == [201, 200, 201]
    assert (first.json()["state"], again.json()["count"]) == ("firing", 2)
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]
    assert Alert.objects.get(pk=first.json()["id"]).environment == "production"


def test_alert_that_was_cleared__raised_anew(agent: Program, operator: Program) -> None:
    first = agent.post("/api/v1/alerts/raise", ALERT).json()
    at = f"/api/v1/alerts/{first['id']}"
    assert operator.post(f"{at}/acknowledge", {"reason": "on it"}).json()["state"] == "acknowledged"
    assert agent.post("/api/v1/alerts/raise", ALERT).json()["state"] == "acknowledged"
    assert operator.post(f"{at}/clear", {}).json()["state"] == "cleared"
    assert agent.post("/api/v1/alerts/raise", ALERT).json()["id"] != first["id"]
    assert actions("alert.") == ["alert.acknowledged", "alert.cleared"]
    changes = Alert.objects.get(pk=first["id"]).changes.order_by("pk")
    assert [each.after for each in changes] == ["firing", "acknowledged", "cleared"]


def test_alert_acknowledged_twice__second_one_is_told(agent: Program, operator: Program) -> None:
    at = f"/api/v1/alerts/{agent.post('/api/v1/alerts/raise', ALERT).json()['id']}/acknowledge"
    assert [operator.post(at, {}).status_code for _ in range(2)] == [200, 409]


def test_alert__seen_and_acknowledged_only_by_whom_it_concerns(agent: Program) -> None:
    made = agent.post("/api/v1/alerts/raise", ALERT).json()
    assert agent.post("/api/v1/alerts/raise", ALERT | {"environment": "staging"}).status_code == 403
    elsewhere, viewer = Program("operator", Scope(environment="staging")), Program("viewer", PRODUCTION)
    assert elsewhere.get("/api/v1/alerts").json()["results"] == []
    assert elsewhere.post(f"/api/v1/alerts/{made['id']}/acknowledge", {}).status_code == 404
    assert viewer.get("/api/v1/alerts", state="firing").json()["results"][0]["id"] == made["id"]
    assert viewer.post(f"/api/v1/alerts/{made['id']}/acknowledge", {}).status_code == 403
    assert viewer.post("/api/v1/alerts/raise", ALERT).status_code == 403


def test_alerts_that_are_over__expire_and_open_ones_never(agent: Program, operator: Program) -> None:
    for key in ("open", "over"):
        made = agent.post("/api/v1/alerts/raise", ALERT | {"key": key}).json()
    operator.post(f"/api/v1/alerts/{made['id']}/clear", {})
    Alert.objects.update(since=clock.now() - timedelta(days=1_000))
    assert (alerts_retention.drop_expired(), Alert.objects.get().key) == (1, "open")


# ---- The audit trail ---------------------------------------------------------------------------------------------
def test_audit__as_the_library_says_it(agent: Program) -> None:
    said = {
        "action": "orders.refunded",
        "on": "order 7",
        "reason": "double booking",
        "detail": {"eur": 12},
        "agent": "extract",
    }
    answer = agent.post("/api/v1/audit", said)
    assert answer.status_code == 201
    entry = Entry.objects.get(id=answer.json()["id"])
    assert entry.sequence == answer.json()["sequence"]
    assert (entry.action, entry.why, entry.on_id) == ("agent.reported", "double booking", "order 7")
    assert (entry.environment, entry.agent, entry.by_name) == ("production", "extract", "agent-program")
    assert entry.source == "127.0.0.1"


def test_audit__about_the_agent_itself_and_nowhere_else(agent: Program) -> None:
    said = {"action": "sender.refused", "agent": "extract"}
    assert agent.post("/api/v1/audit", said).json()["on"]["id"] == "extract"
    assert agent.post("/api/v1/audit", said | {"environment": "staging"}).status_code == 403


# ---- Sender policies ---------------------------------------------------------------------------------------------
def test_policies__in_their_order_for_one_recipient(agent: Program, admin: Program) -> None:
    last = {"position": 900, "effect": "deny", "note": "nobody else"}
    first = {"effect": "allow", "sender": "classify", "recipient": "extr*", "environment": "prod*"}
    other = {"effect": "allow", "recipient": "payments"}
    made = [admin.post(POLICIES, each) for each in (last, first, other)]
    assert {each.status_code for each in made} == {201}
    found = agent.get(POLICIES, recipient="extract").json()
    assert [(each["sender"], each["effect"]) for each in found["results"]] == [
        ("classify", "allow"),
        ("*", "deny"),
    ]
    assert found["default"] == "allow"
    assert actions("sender_policy.") == ["sender_policy.created"] * 3


def test_policies__not_sent_again_until_they_change(admin: Program, agent: Program) -> None:
    made = admin.post(POLICIES, {"effect": "deny"}).json()
    etag = agent.get(POLICIES)["ETag"]
    client = agent._client
    assert client.get(POLICIES, headers={"If-None-Match": etag}).status_code == 304
    admin.patch(f"{POLICIES}/{made['id']}", {"sender": "classify"})
    assert client.get(POLICIES, headers={"If-None-Match": etag}).status_code == 200


def test_policies__of_another_environment_refused(agent: Program) -> None:
    assert agent.get(POLICIES, environment="staging").status_code == 403


def test_policies__made_only_by_who_manages_access_there() -> None:
    security = Program("security", PRODUCTION, "security-here")
    assert security.post(POLICIES, {"effect": "deny"}).status_code == 403
    made = security.post(POLICIES, {"effect": "deny", "environment": "production"}).json()
    at = f"{POLICIES}/{made['id']}"
    assert security.patch(at, {"environment": "*"}).status_code == 403
    assert Program("operator").delete(at).status_code == 403
    assert Program("agent").post(POLICIES, {"effect": "allow"}).status_code == 403
    assert (security.delete(at).status_code, SenderPolicy.objects.count()) == (204, 0)
    assert actions("sender_policy.") == ["sender_policy.created", "sender_policy.deleted"]


# ---- Published keys ----------------------------------------------------------------------------------------------
def public(private: Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    return dict(OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)) | {"kid": kid}


def register(agent: Program, *keys: dict[str, Any], **more: Any) -> Any:
    return agent.post("/api/v1/agents", {"agent_id": "extract", "public_keys": list(keys)} | more)


def published() -> dict[str, dict[str, str]]:
    return {each["kid"]: each for each in Client().get(KEYS).json()["keys"]}


@pytest.mark.both_databases
def test_keys__published_to_all_with_whose_they_are(agent: Program) -> None:
    private = Ed25519PrivateKey.generate()
    assert register(agent, public(private, "extract-1")).status_code == 201
    found = published()["extract-1"]
    assert (found["iss"], found["env"], found["alg"], found["use"]) == (
        "extract",
        "production",
        "EdDSA",
        "sig",
    )
    token = jwt.encode({"sub": "extract"}, private, "EdDSA", headers={"kid": "extract-1"})
    assert jwt.decode(token, jwt.PyJWK(found).key, ["EdDSA"])["sub"] == "extract"


def test_postrooms_own_key__signs_and_is_published() -> None:
    ((kid, found),) = published().items()
    assert (found["iss"], "env" in found, "d" in found) == ("postroom", False, False)
    token = jwt.encode({"sub": "classify"}, own_key(), "EdDSA", headers={"kid": kid})
    assert jwt.decode(token, jwt.PyJWK(found).key, ["EdDSA"])


def test_new_key__the_old_one_stays_for_a_day(agent: Program) -> None:
    old, new = (public(Ed25519PrivateKey.generate(), kid) for kid in ("k1", "k2"))
    register(agent, old)
    register(agent, old)
    register(agent, new)
    assert {"k1", "k2"} <= set(published())
    assert actions("agent.keys") == ["agent.keys_changed"] * 2
    with clock.held(clock.now() + OVERLAP + timedelta(seconds=1)):
        assert "k1" not in published()
        assert "k2" in published()
        retention.drop_expired()
    assert list(SigningKey.objects.values_list("kid", flat=True)) == ["k2"]


def test_keys_left_out__stay_as_they_are(agent: Program) -> None:
    register(agent, public(Ed25519PrivateKey.generate(), "k1"))
    agent.post("/api/v1/agents", {"agent_id": "extract", "owner": "documents"})
    assert SigningKey.objects.get().retired_at is None


def x_of(size: int) -> str:
    return base64.urlsafe_b64encode(b"\1" * size).decode()


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "a"},
        {"kty": "OKP", "crv": "Ed25519", "x": x_of(31), "kid": "a"},
        {"kty": "OKP", "crv": "Ed25519", "x": x_of(32)},
        {"kty": "OKP", "crv": "Ed25519", "x": x_of(32), "kid": "a", "d": "x"},
        {"kty": "OKP", "crv": "Ed25519", "x": x_of(32), "kid": "postroom-1"},
    ],
)
def test_wrong_key__refused_and_nothing_registered(agent: Program, key: dict[str, Any]) -> None:
    answer = register(agent, key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "public_keys")
    assert agent.get("/api/v1/agents").json()["results"] == []


def test_key_of_another_agent__not_taken_over(agent: Program) -> None:
    register(agent, public(Ed25519PrivateKey.generate(), "k1"))
    mine = public(Ed25519PrivateKey.generate(), "k1")
    assert register(agent, mine, agent_id="thief").status_code == 400
    assert register(agent, mine).status_code == 400
    assert register(agent, public(Ed25519PrivateKey.generate(), "k2"), agent_id="postroom").status_code == 400


def test_keys__not_sent_again_until_they_change() -> None:
    first = Client().get(KEYS)
    assert first["Cache-Control"] == "public, max-age=60"
    assert Client().get(KEYS, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert Client().post(KEYS).status_code == 405
