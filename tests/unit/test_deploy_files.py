"""docker-compose.yml and the Dockerfile: read as Docker reads them, and held to what the code says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from core.options import OPTIONS, load
from core.up.commands import PREPARE, PROGRAMS
from tests.support.commands import ROOT
from tests.support.compose import (
    UnsetError,
    compose,
    dockerfile,
    environment_of,
    image_environment,
    interpolate,
)

REQUIRED = {
    "POSTGRES_PASSWORD": "pg",
    "REDIS_PASSWORD": "rd",
    "RABBITMQ_PASSWORD": "rb",
    "POSTROOM_SECRET_KEY": "key",
    "POSTROOM_AUDIT_KEY": "audit",
    "POSTROOM_SIGNING_KEY": "signing",
    "POSTROOM_ADMIN_PASSWORD": "admin-password",
    "POSTROOM_ALLOWED_HOSTS": "postroom.example",
}
OURS = [str(program.kind) for program in PROGRAMS]
THEIRS = ["postgres", "redis", "rabbitmq"]
SERVICES: dict[str, dict[str, Any]] = compose()["services"]
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|PASS\b")


def text(value: object) -> str:
    return json.dumps(value)


def test_every_process_has_its_service_and_no_other_has() -> None:
    assert set(SERVICES) == {*OURS, *THEIRS, "prepare"}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: str(program.kind))
def test_a_service_runs_the_command_that_the_code_names(program: Any) -> None:
    service = SERVICES[program.kind]
    assert tuple(service["command"]) == program.command
    assert service["healthcheck"]["test"] == ["CMD", "python", "-m", "core.healthy", str(program.kind)]
    assert service["depends_on"]["prepare"]["condition"] == "service_completed_successfully"


def test_what_comes_first_is_prepare_and_ends() -> None:
    assert tuple(SERVICES["prepare"]["command"]) == PREPARE
    assert SERVICES["prepare"]["restart"] == "no"


@pytest.mark.parametrize("name", [*OURS, *THEIRS])
def test_a_service_is_restarted_watched_and_limited(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["stop_grace_period"]


@pytest.mark.parametrize("name", OURS)
def test_our_own_have_no_rights_that_they_do_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", THEIRS)
def test_what_must_not_be_lost_lies_in_a_volume(name: str) -> None:
    volumes = [volume.partition(":")[0] for volume in SERVICES[name]["volumes"]]
    assert volumes
    assert set(volumes) <= set(compose()["volumes"])
    assert "ports" not in SERVICES[name], "the servers behind are nobody's business outside"


@pytest.mark.parametrize("image", [service["image"] for service in SERVICES.values()])
def test_images_are_pinned(image: str) -> None:
    assert re.search(r":\S*\d+\.\d+\.?\d*", interpolate(image, {}))
    assert "latest" not in image


def test_ports_are_published_on_loopback_unless_asked_otherwise() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(interpolate(port, {}).startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("missing", REQUIRED)
def test_without_a_required_variable__refused(missing: str) -> None:
    environ = {name: value for name, value in REQUIRED.items() if name != missing}
    with pytest.raises(UnsetError, match=missing):
        interpolate(text(SERVICES), environ)


def test_with_the_required_ones_nothing_else_is_needed() -> None:
    interpolate(text(SERVICES), REQUIRED)


def test_no_secret_has_a_default() -> None:
    for name, how in re.findall(r"\$\{(\w+)(:[-?])?", text(compose())):
        assert not SECRET.search(name) or how == ":?", name
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert not SECRET.search(name) or str(value).startswith("${"), name


@pytest.mark.parametrize("name", [*OURS, "prepare"])
def test_the_settings_of_a_service__accepted(name: str) -> None:
    config = load(environment_of(SERVICES[name], REQUIRED) | _postroom(image_environment()))
    assert config.https
    assert config.bind.host == "0.0.0.0"
    assert config.brokers
    assert [broker.kind for broker in config.brokers] == ["redis", "rabbitmq"]
    assert config.secret_key == "key"


def _postroom(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("POSTROOM_")}


# ---- The image -------------------------------------------------------------------------------------------------


def values(name: str) -> list[str]:
    return [each.arguments for each in dockerfile() if each.name == name]


def test_the_image_is_built_in_stages_from_one_pinned_base() -> None:
    bases = [line.split()[0] for line in values("FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.1[12]\.\d+-slim-\w+", bases[0])


def test_the_image_does_not_run_as_root() -> None:
    assert values("USER") == ["postroom"]
    order = [each.name for each in dockerfile()]
    assert order.index("USER") < order.index("ENTRYPOINT")


def test_the_image_starts_the_web_process_and_watches_it() -> None:
    (entry,), (command,), (health,) = values("ENTRYPOINT"), values("CMD"), values("HEALTHCHECK")
    assert json.loads(entry) == ["python", "manage.py"]
    assert json.loads(command) == ["web"]
    assert json.loads(health.partition(" CMD ")[2]) == ["python", "-m", "core.healthy", "web"]


def test_the_image_holds_no_secret_and_fetches_nothing_unchecked() -> None:
    assert not values("ADD")
    assert not values("ARG")
    known = {option.name: option.secret for option in OPTIONS}
    assert not [name for name in image_environment() if known.get(name)]
    installs = [line for line in values("RUN") if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)


def test_what_the_image_copies_is_there_and_let_through() -> None:
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        source for line in values("COPY") if not line.startswith("--from") for source in line.split()[:-1]
    }
    assert copied == let_through
    assert all((ROOT / source).exists() for source in copied)
