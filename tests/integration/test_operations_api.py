"""Plans and operations for programs: shapes, rights, refusals that name the field. No worker runs, nothing is sent."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from agents.deadletters.api import keep
from agents.operations.models import Operation, Plan
from core.access.api import Scope
from core.access.models import ApprovalLimit, Role
from tests.support.accounts import bearer, machine, person, signed_in, token
from tests.support.letters import arrival

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(databases=["default", "telemetry"]),
]
TALLY = (
    *("selected", "waiting", "claimed", "dispatched", "processed", "failed_same", "failed_new", "applied"),
    *("left_out", "untouched", "unknown"),
)


class Api:
    """JSON in, JSON out."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = json.dumps(body) if body is not None else ""
        path = f"/api/v1{path}"
        return self.client.generic(method, path, data, content_type="application/json", headers=headers)

    def plan(self, select: Any, action: str = "redrive", **options: Any) -> Any:
        return self.ask("POST", "/plans", {"action": action, "select": select, "options": options})


@pytest.fixture
def ana() -> Api:
    return Api(signed_in(person("ana", "operator")))


def letters(count: int = 3, **changes: Any) -> list[str]:
    return [str(kept.letter_id) for kept in keep([arrival(**changes) for _ in range(count)])]


def started(api: Api, count: int = 3, action: str = "redrive") -> Any:
    plan = api.plan({"ids": letters(count)}, action).json()
    return api.ask("POST", "/operations", {"plan": plan["id"], "reason": "gateway repaired"}).json()


def test_samples_of_an_edit__masked_by_right_alone(ana: Api) -> None:
    (one,) = letters(1, body=b'{"order": 7, "password": "hunter2"}')
    plan = ana.plan({"ids": [one]}).json()["id"]
    Role.objects.create(name="editor", permissions=["see", "edit", "redrive"])
    eva = Api(signed_in(person("eva", "editor")))
    edit = {"edit": {"body": [{"op": "copy", "from": "/password", "path": "/note"}]}}
    path = f"/plans/{plan}/edit-samples"
    (plain,) = ana.ask("POST", path, edit).json()["results"]
    (masked,) = eva.ask("POST", path, edit).json()["results"]
    assert (plain["letter"], plain["masked"], masked["masked"]) == (one, False, True)
    assert '+  "note": "hunter2"' in plain["difference"]
    assert '+  "note": "•••"' in masked["difference"]
    assert "hunter2" not in json.dumps(masked)
    (unfit,) = eva.ask("POST", path, {"edit": {"body": [{"op": "remove", "path": "/no"}]}}).json()["results"]
    assert (unfit["difference"], unfit["problem"]) == ([], "edit.body: step 0: there is no 'no'")
    refused = ana.ask("POST", path, {"edit": {"tail": []}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "options.edit")
    viewer = Api(signed_in(person("vera", "viewer")))
    assert viewer.ask("POST", path, edit).status_code == 403


def test_a_plan_freezes_its_members_and_says_what_came_since(ana: Api) -> None:
    letters(3, queue="extract")
    made = ana.plan({"filter": {"queue": "extract"}}, canary=[1, 2])
    assert made.status_code == 201, made.json()
    plan = made.json()
    assert (plan["state"], plan["count"], plan["late"], len(plan["sha256"])) == ("sealed", 3, 0, 64)
    assert plan["options"]["canary"] == [1, 2]
    assert made["Location"].endswith(plan["id"])
    letters(2, queue="extract")
    again = ana.ask("GET", f"/plans/{plan['id']}").json()
    assert (again["count"], again["sha256"], again["late"]) == (3, plan["sha256"], 2)
    assert len(ana.ask("GET", f"/plans/{plan['id']}/items").json()["results"]) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "redrive", "select": {}}, "select"),
        ({"action": "redrive", "select": {"group": "x", "receipt": "y"}}, "select"),
        ({"action": "grow", "select": {"ids": []}}, "action"),
        ({"action": "redrive", "select": {"filter": {"colour": "red"}}}, "select.filter.colour"),
        ({"action": "redrive", "select": {"filter": {"q": "x<y"}}}, "select.filter.q"),
        ({"action": "redrive", "select": {"filter": {}}, "options": {"rate": -1}}, "options.rate"),
        ({"action": "redrive", "select": {"filter": {}}, "options": {"speed": 1}}, "options.speed"),
        ({"action": "purge", "select": {"filter": {}}, "options": {"rate": 5}}, "options.rate"),
    ],
)
def test_a_plan_that_is_not_clear__refused_by_name(ana: Api, body: Any, field: str) -> None:
    refused = ana.ask("POST", "/plans", body)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert not Plan.objects.exists()


def test_an_operation_starts_once_and_its_tally_adds_up(ana: Api) -> None:
    plan = ana.plan({"ids": letters(3)}).json()
    body = {"plan": plan["id"], "reason": "gateway repaired", "count": 3}
    made = ana.ask("POST", "/operations", body, **{"Idempotency-Key": "one"})
    assert made.status_code == 201, made.json()
    operation = made.json()
    assert set(operation["tally"]) == set(TALLY)
    assert operation["tally"]["selected"] == sum(operation["tally"][name] for name in TALLY[1:]) == 3
    assert ana.ask("POST", "/operations", body, **{"Idempotency-Key": "one"}).json() == operation
    assert ana.ask("POST", "/operations", body).status_code == 409
    whole = ana.ask("GET", f"/operations/{operation['id']}").json()
    assert [line["after"] for line in whole["timeline"]][-1] == "running"
    assert ana.ask("GET", f"/plans/{plan['id']}").json()["operation"] == operation["id"]
    items = ana.ask("GET", f"/operations/{operation['id']}/items?state=waiting").json()["results"]
    assert [item["ordinal"] for item in items] == [1, 2, 3]


@pytest.mark.parametrize(("change", "field"), [({"reason": " "}, "reason"), ({"count": 4}, "count")])
def test_a_start_that_was_not_confirmed__refused_by_name(ana: Api, change: Any, field: str) -> None:
    plan = ana.plan({"ids": letters(3)}).json()
    refused = ana.ask("POST", "/operations", {"plan": plan["id"], "reason": "repaired"} | change)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert not Operation.objects.exists()


def test_paused_resumed_cancelled(ana: Api) -> None:
    path = f"/operations/{started(ana)['id']}"
    assert ana.ask("POST", f"{path}/pause", {"reason": "wait"}).json()["state"] == "paused"
    assert ana.ask("POST", f"{path}/pause", {}).status_code == 409
    assert ana.ask("POST", f"{path}/resume", {}).json()["state"] == "running"
    assert ana.ask("POST", f"{path}/cancel", {}).json()["state"] in {"cancelling", "cancelled"}
    assert (
        ana.ask("GET", "/operations?action=redrive").json()["results"][0]["id"]
        == path.rsplit("/", maxsplit=1)[-1]
    )


def test_above_a_limit__a_second_person_sees_the_same_hash(ana: Api) -> None:
    ApprovalLimit.objects.create(action="redrive", above=2)
    plan = ana.plan({"ids": letters(3)}).json()
    operation = ana.ask("POST", "/operations", {"plan": plan["id"], "reason": "repaired"}).json()
    assert operation["state"] == "awaiting_approval"
    path = f"/operations/{operation['id']}"
    ben = Api(signed_in(person("ben", "approver")))
    assert ben.ask("POST", f"{path}/approve", {"sha256": "0" * 64}).status_code == 409
    assert ana.ask("POST", f"{path}/approve", {"sha256": operation["sha256"]}).status_code == 403
    approved = ben.ask("POST", f"{path}/approve", {"sha256": operation["sha256"], "reason": "seen"})
    assert (approved.status_code, approved.json()["state"]) == (200, "running")


def test_rejected__its_members_are_untouched(ana: Api) -> None:
    ApprovalLimit.objects.create(action="redrive", above=2)
    operation = started(ana)
    ben = Api(signed_in(person("ben", "approver")))
    rejected = ben.ask("POST", f"/operations/{operation['id']}/reject", {"reason": "not now"})
    assert rejected.json()["state"] == "rejected"


def test_without_the_right__refused_and_nothing_made() -> None:
    ids = letters(1)
    ben = Api(signed_in(person("ben", "viewer")))
    refused = ben.plan({"ids": ids})
    assert (refused.status_code, Plan.objects.count()) == (403, 0)


def test_within_a_scope__only_what_is_there_is_taken_and_seen() -> None:
    letters(2, queue="extract")
    letters(3, queue="classify")
    robot = machine("robot", "automation", scope=Scope(queue="extract"))
    api = Api(Client(headers=bearer(token(robot))))
    plan = api.plan({"filter": {}}).json()
    assert plan["count"] == 2
    elsewhere = Api(
        Client(headers=bearer(token(machine("other", "automation", scope=Scope(queue="classify")))))
    )
    assert elsewhere.ask("GET", f"/plans/{plan['id']}").status_code == 404


def test_what_is_not_there__404_with_where_to_look(ana: Api) -> None:
    nobody = UUID(int=7)
    for path in (f"/plans/{nobody}", f"/operations/{nobody}", f"/operations/{nobody}/items"):
        missing = ana.ask("GET", path)
        assert missing.status_code == 404
        assert missing.json()["remedy"]
