"""Heartbeats over HTTP, against a real intake process, on either database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support import servers
from tests.support.intake_house import Intake, IntakeHouse

PATH = "/api/v1/heartbeats"
GOOD = {"agent_id": "extract", "instance_id": "extract-0", "version": "1.2"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_server: str
) -> Iterator[IntakeHouse]:
    data = tmp_path_factory.mktemp("heartbeats") / "data"
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


def known(house: IntakeHouse) -> dict[str, list[Any]]:
    """The instances that the registry knows, by instance id."""
    lines = house.run("-m", "tests.support.registered").stdout.splitlines()
    return {row[1]: row for row in map(json.loads, lines)}


def test_a_heartbeat__accepted_and_there(client: httpx.Client, house: IntakeHouse) -> None:
    answer = client.post(PATH, json=GOOD)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "rejected": 0, "errors": []})
    assert known(house)["extract-0"] == ["extract", "extract-0", "default", "up", "1.2", None]


def test_a_wrong_one_in_a_list__costs_no_other(client: httpx.Client, house: IntakeHouse) -> None:
    answer = client.post(PATH, json=[GOOD | {"instance_id": "listed"}, GOOD | {"instance_id": ""}])
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert answer.json()["errors"][0]["field"] == "instance_id"
    assert "listed" in known(house)


def test_without_a_token__refused(intake: Intake) -> None:
    answer = httpx.post(intake.url + PATH, json=GOOD)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "Bearer" in answer.json()["detail"]


def test_another_environment_than_the_tokens__refused(client: httpx.Client) -> None:
    answer = client.post(PATH, json=GOOD | {"environment": "production"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (403, "environment")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(b"{", "application/json", 400), (b"x=1", "application/x-www-form-urlencoded", 415)],
)
def test_another_body__refused(client: httpx.Client, content: bytes, kind: str, status: int) -> None:
    answer = client.post(PATH, content=content, headers={"content-type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_another_method__refused(client: httpx.Client) -> None:
    assert client.get(PATH).status_code == 405


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
                    client.post(PATH, json=GOOD | {"instance_id": name}).raise_for_status()
                except httpx.HTTPError:
                    return
                acknowledged.append(name)
                if len(acknowledged) == 200:
                    running.kill()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(send, range(16)))
    assert len(acknowledged) >= 200
    assert set(acknowledged) <= known(house).keys()
