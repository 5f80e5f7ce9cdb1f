"""Liveness, readiness and metrics: what a stranger sees, and what somebody who observes sees."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connections, transaction
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from core import metrics, processes, readiness
from core.access import built_in_roles
from core.access.api import Scope
from core.access.models import Role
from core.access.services import actor, tokens
from core.processes import Kind

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def observer() -> dict[str, str]:
    """The headers of an account with the right to observe."""
    built_in_roles.install()
    role = next(role for role in Role.objects.all() if "observe" in role.permissions)
    made = tokens.create_named_token("prometheus", role, Scope("*"), actor.of_command("test"))
    return {"Authorization": f"Bearer {made.secret}"}


def test_healthz__anybody__accepted(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = NOWHERE
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz__stranger__learns_no_more_than_yes_or_no(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = NOWHERE
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})


def test_readyz__observer__learns_what_is_missing(
    client: Client, settings: Settings, observer: dict[str, str]
) -> None:
    settings.REDIS_URL = NOWHERE
    missing = {each["part"]: each for each in client.get("/readyz", headers=observer).json()["missing"]}
    assert missing["redis"]["needed"]
    assert not missing["worker"]["needed"]
    assert "database default" not in missing


def test_readyz__worker_away__still_ready(
    client: Client, settings: Settings, redis_url: str, observer: dict[str, str]
) -> None:
    settings.REDIS_URL, settings.DEBUG = redis_url, True
    answer = client.get("/readyz", headers=observer)
    assert answer.status_code == 200
    assert {each["part"] for each in answer.json()["missing"]} >= {"worker", "watcher"}


def test_readyz__https__answers_probes_that_come_without(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/readyz").status_code != 301


def test_metrics__stranger__refused(client: Client) -> None:
    assert client.get("/metrics").status_code == 401


def test_metrics__observer__every_process(
    client: Client, settings: Settings, redis_url: str, observer: dict[str, str]
) -> None:
    settings.REDIS_URL = redis_url
    processes.beat(Kind.WORKER, "host-1")
    client.get("/healthz")
    text = client.get("/metrics", headers=observer).content.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    up = {sample.labels["process"]: sample.value for sample in families["postroom_process_up"].samples}
    assert (up["worker"], up["beat"], up["redis"]) == (1.0, 0.0, 1.0)
    routes = {sample.labels["route"] for sample in families["postroom_http_requests"].samples}
    assert "healthz" in routes


def test_metrics__redis_away__no_sample_says_up_or_down(
    client: Client, settings: Settings, observer: dict[str, str]
) -> None:
    settings.REDIS_URL = NOWHERE
    text = client.get("/metrics", headers=observer).content.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["postroom_process_up"].samples == []


def test_database__not_migrated__named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    monkeypatch.setattr(readiness, "_migrated", set())
    MigrationRecorder.Migration.objects.filter(app="access").delete()
    assert "Run `manage.py migrate`" in next(
        each.sentence for each in readiness.missing() if each.part == "database default"
    )


def test_metrics__a_refused_statement__is_counted() -> None:
    before = metrics.REGISTRY.get_sample_value("postroom_database_errors_total", {"database": "default"}) or 0
    with pytest.raises(DatabaseError), transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")
    after = metrics.REGISTRY.get_sample_value("postroom_database_errors_total", {"database": "default"})
    assert after == before + 1
