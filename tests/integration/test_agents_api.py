"""The registry for programs: register, discover, drain and weigh, deregister."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from agents.registry.models import Agent, AgentVersion
from agents.registry.services import heartbeats
from agents.registry.values import Heartbeat
from core.access.api import Scope
from core.access.audit.models import Entry
from tests.support.api_client import Program

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PATH = "/api/v1/agents"
ENTRY = {
    "agent_id": "extract",
    "version": "1.2",
    "capabilities": ["extract", "ocr"],
    "endpoint": "http://extract:8080",
    "health_check_url": "http://extract:8080/healthz",
    "owner": "documents",
    "labels": {"team": "blue"},
}


@pytest.fixture
def agent() -> Program:
    return Program("agent", Scope(environment="production"))


@pytest.fixture
def admin() -> Program:
    return Program("admin", Scope(environment="production"))


def actions() -> list[str]:
    return list(Entry.objects.filter(on_kind="agent").order_by("sequence").values_list("action", flat=True))


def beats(agent_id: str, version: str, **more: Any) -> None:
    heartbeats.beat(
        [Heartbeat(agent_id, f"{agent_id}-{version}", "production", now(), version=version, **more)]
    )


def test_registering__accepted_and_the_environment_follows_from_the_token(agent: Program) -> None:
    answer = agent.post(PATH, ENTRY)
    found = answer.json()
    assert (answer.status_code, found["environment"], found["state"]) == (201, "production", "new")
    (version,) = found["versions"]
    assert (version["version"], version["endpoint"]) == ("1.2", ENTRY["endpoint"])
    assert (version["capabilities"], version["weight"], version["share"]) == (["extract", "ocr"], 100, 1.0)


def test_registering_again_changes_what_differs_and_is_recorded_once(agent: Program) -> None:
    first = agent.post(PATH, ENTRY).json()
    again = agent.post(PATH, ENTRY)
    assert (again.status_code, again.json()["id"], actions()) == (200, first["id"], ["agent.registered"])
    moved = agent.post(PATH, ENTRY | {"endpoint": "http://elsewhere:8080"}).json()
    assert moved["versions"][0]["endpoint"] == "http://elsewhere:8080"
    assert actions() == ["agent.registered", "agent.changed"]


def test_another_environment_than_the_tokens__refused(agent: Program) -> None:
    answer = agent.post(PATH, ENTRY | {"environment": "staging"})
    assert (answer.status_code, Agent.objects.count()) == (403, 0)


def test_an_agent_outside_of_the_tokens_pattern__refused() -> None:
    program = Program("agent", Scope(environment="production", agent="load*"))
    assert program.post(PATH, ENTRY).status_code == 403
    assert program.post(PATH, ENTRY | {"agent_id": "loader"}).status_code == 201


def test_registering_without_the_right__refused() -> None:
    assert Program("viewer").post(PATH, ENTRY).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent_id", ""),
        ("endpoint", "extract:8080"),
        ("labels", {"team": []}),
        ("capabilities", "ocr"),
        ("grace_s", -1),
    ],
)
def test_a_wrong_field__named(agent: Program, field: str, value: Any) -> None:
    answer = agent.post(PATH, ENTRY | {field: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(field)


def test_discovery_finds_by_capability_and_range__healthy_ones_first(agent: Program) -> None:
    for version in ("1.2", "2.0", "2.1"):
        agent.post(PATH, ENTRY | {"version": version})
    beats("extract", "2.0")
    found = agent.get(PATH, capability="ocr", version=">=2").json()["results"]
    assert [(each["version"], each["state"]) for each in found] == [("2.0", "up"), ("2.1", "new")]
    assert agent.get(PATH, capability="translate").json()["results"] == []
    assert [each["version"] for each in agent.get(PATH, status="up").json()["results"]] == ["2.0"]


def test_discovery_by_observed_latency(agent: Program) -> None:
    for version, p95 in (("1.2", 40.0), ("2.0", 400.0)):
        agent.post(PATH, ENTRY | {"version": version})
        AgentVersion.objects.filter(version=version).update(
            p50_ms=1, p95_ms=p95, p99_ms=900, observed_at=now()
        )
    assert [each["version"] for each in agent.get(PATH, max_latency_ms=100).json()["results"]] == ["1.2"]
    AgentVersion.objects.update(observed_at=now() - timedelta(hours=1))
    assert len(agent.get(PATH, max_latency_ms=100).json()["results"]) == 2, "old figures are no figures"


@pytest.mark.parametrize(
    "asked", [{"version": "newest"}, {"status": "well"}, {"max_latency_ms": "x"}, {"what": "1"}]
)
def test_a_wrong_question__refused(agent: Program, asked: dict[str, str]) -> None:
    answer = agent.get(PATH, **asked)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] in asked


def test_a_list_comes_page_by_page(agent: Program) -> None:
    for number in range(5):
        agent.post(PATH, ENTRY | {"agent_id": f"agent-{number}"})
    first = agent.get(PATH, limit=3).json()
    second = agent.get(PATH, limit=3, cursor=first["next"]).json()
    names = [each["agent_id"] for each in [*first["results"], *second["results"]]]
    assert (names, second["next"]) == ([f"agent-{number}" for number in range(5)], None)


def test_what_lies_outside_of_the_scope_is_not_there(agent: Program) -> None:
    id = agent.post(PATH, ENTRY).json()["id"]
    stranger = Program("viewer", Scope(environment="staging"))
    assert stranger.get(PATH).json()["results"] == []
    assert stranger.get(f"{PATH}/{id}").status_code == 404


def test_a_rollout_moves_weights_in_one_step(agent: Program, admin: Program) -> None:
    agent.post(PATH, ENTRY)
    id = agent.post(PATH, ENTRY | {"version": "2.0"}).json()["id"]
    change = {"versions": [{"version": "1.2", "weight": 90}, {"version": "2.0", "weight": 10}]}
    answer = admin.patch(f"{PATH}/{id}", change).json()
    assert {each["version"]: each["share"] for each in answer["versions"]} == {"1.2": 0.9, "2.0": 0.1}
    assert actions()[-2:] == ["agent.version_weighed"] * 2


def test_a_step_with_an_unknown_version__refused_as_a_whole(agent: Program, admin: Program) -> None:
    id = agent.post(PATH, ENTRY).json()["id"]
    change = {"versions": [{"version": "1.2", "weight": 0}, {"version": "9", "weight": 100}]}
    assert admin.patch(f"{PATH}/{id}", change).status_code == 400
    assert (AgentVersion.objects.get().weight, actions()) == (100, ["agent.registered"])


def test_a_drained_version_is_found_no_more(agent: Program, admin: Program) -> None:
    id = agent.post(PATH, ENTRY).json()["id"]
    admin.patch(f"{PATH}/{id}", {"versions": [{"version": "1.2", "drained": True}]})
    assert agent.get(PATH).json()["results"] == []
    assert len(agent.get(PATH, closed="true").json()["results"]) == 1
    admin.patch(f"{PATH}/{id}", {"versions": [{"version": "1.2", "drained": False}]})
    assert actions() == ["agent.registered", "agent.version_drained", "agent.version_opened"]


def test_draining_by_the_agent_itself__refused(agent: Program) -> None:
    id = agent.post(PATH, ENTRY).json()["id"]
    answer = agent.patch(f"{PATH}/{id}", {"versions": [{"version": "1.2", "drained": True}]})
    assert (answer.status_code, answer.json()["permission"]) == (403, "manage_agents")
    assert agent.patch(f"{PATH}/{id}", {"owner": "letters"}).json()["owner"] == "letters"


def test_deregistering__accepted_and_recorded(agent: Program) -> None:
    id = agent.post(PATH, ENTRY).json()["id"]
    assert agent.delete(f"{PATH}/{id}").status_code == 204
    assert (agent.get(f"{PATH}/{id}").status_code, actions()[-1]) == (404, "agent.deregistered")


def test_a_viewer_changes_nothing(agent: Program) -> None:
    id = agent.post(PATH, ENTRY).json()["id"]
    viewer = Program("viewer")
    assert viewer.get(f"{PATH}/{id}").status_code == 200
    assert viewer.patch(f"{PATH}/{id}", {"owner": "me"}).status_code == 403
    assert viewer.delete(f"{PATH}/{id}").status_code == 403


def test_the_schema_tells_of_heartbeats_too(agent: Program) -> None:
    told = agent.get("/api/schema/", format="json").json()
    heartbeats_path = told["paths"]["/api/v1/heartbeats"]["post"]
    assert {"200", "default"} <= heartbeats_path["responses"].keys()
    assert told["components"]["schemas"]["Heartbeat"]["required"] == ["agent_id", "instance_id"]
