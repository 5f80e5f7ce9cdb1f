"""Lifecycle events over HTTP, against a real intake process, on either database."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support import servers
from tests.support.intake_house import Intake, IntakeHouse

PATH = "/api/v1/events"
AT = "2026-11-26T14:03:12.123456Z"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_server: str
) -> Iterator[IntakeHouse]:
    data = tmp_path_factory.mktemp("events") / "data"
    if request.param == "sqlite":
        yield IntakeHouse(data, redis_server)
        return
    with servers.postgres_database(request.getfixturevalue("postgres_server")) as address:
        yield IntakeHouse(data, redis_server, address)


@pytest.fixture(scope="module")
def intake(house: IntakeHouse) -> Iterator[Intake]:
    with house.intake() as running:
        yield running


@pytest.fixture
def client(house: IntakeHouse, intake: Intake) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=intake.url, headers=house.authorization, timeout=30) as client:
        yield client


def event(message_id: str, kind: str = "sent", **more: Any) -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "kind": kind, "at": AT, "message_id": message_id, **more}


def messages(house: IntakeHouse) -> dict[str, dict[str, Any]]:
    """What the ledger holds, by message id."""
    lines = house.run("-m", "tests.support.ledger_stored").stdout.splitlines()
    return {row["message_id"]: row for row in map(json.loads, lines)}


def test_events__accepted_folded_and_kept_once(client: httpx.Client, house: IntakeHouse) -> None:
    sent = event("inv-1", queue="extract", sender="classify", source="library", due=None, error={})
    ran = event("inv-1", "running", attempt=1, agent="extract", instance="extract-0")
    failed = event("inv-1", "retrying", attempt=1, due=AT, error={"type": "TimeoutError", "message": "a\0b"})
    for batch in (ran, [failed, sent], [sent, failed, ran]):
        answer = client.post(PATH, json=batch)
        count = len(batch) if isinstance(batch, list) else 1
        assert (answer.status_code, answer.json()) == (200, {"accepted": count, "rejected": 0, "errors": []})
    row = messages(house)["inv-1"]
    assert (row["state"], row["queue"], row["agent"], row["attempt"], row["events"]) == (
        "retrying", "extract", "extract", 1, 3,
    )  # fmt: skip
    assert row["environment"] == "default"


def test_a_wrong_one_in_a_list__costs_no_other(client: httpx.Client, house: IntakeHouse) -> None:
    bad = [event("no", "vanished"), {"id": "1", "kind": "sent", "at": AT}, event("no", attempt=-1), 7]
    answer = client.post(PATH, json=[event("listed"), *bad])
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 1, 4)
    assert [each["field"] for each in answer.json()["errors"]] == ["kind", "message_id", "attempt", ""]
    assert "running, retrying" in answer.json()["errors"][0]["detail"]
    assert all(each["remedy"] for each in answer.json()["errors"])
    assert {"listed"} <= messages(house).keys()


def test_without_a_token__refused(intake: Intake) -> None:
    answer = httpx.post(intake.url + PATH, json=event("x"))
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_another_environment_than_the_tokens__refused(client: httpx.Client) -> None:
    answer = client.post(PATH, json=event("x", environment="production"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (403, "environment")


@pytest.mark.parametrize("content", [b"{", b"7", b'"text"', b"[" * 100_000])
def test_another_body__refused(client: httpx.Client, content: bytes) -> None:
    answer = client.post(PATH, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.kills
def test_what_was_acknowledged_is_there_after_kill_9(house: IntakeHouse) -> None:
    """Sixteen senders at once; the process is killed while they send."""
    acknowledged: list[str] = []
    running = house.start_intake()

    def send(sender: int) -> None:
        with httpx.Client(base_url=running.url, headers=house.authorization, timeout=30) as client:
            for number in range(1_000):
                name = f"killed-{sender}-{number}"
                try:
                    client.post(
                        PATH, json=[event(name), event(name, "running", attempt=1)]
                    ).raise_for_status()
                except httpx.HTTPError:
                    return
                acknowledged.append(name)
                if len(acknowledged) == 200:
                    running.kill()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(send, range(16)))
    assert len(acknowledged) >= 200
    kept = messages(house)
    assert {kept[name]["events"] for name in acknowledged} == {2}
