"""The library's registry client against a real Postroom: registering, finding, beating, and its absence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.errors import PostroomError
from postroom.http import Client, ForbiddenError, Options, RefusedError, TokenRefusedError
from postroom.registry.client import AgentRegistry, RegistryAwayError
from postroom.registry.heartbeats import Heartbeats
from postroom.registry.hook import Registered
from postroom.registry.values import Found
from tests.support import library, up_run
from tests.support.answering import answering
from tests.support.house import ROOT
from tests.support.waiting import until

CARD = {
    "protocolVersion": "0.3.0",
    "name": "translator",
    "description": "Translates letters.",
    "version": "3.1.0",
    "url": "http://translator:9000/a2a",
    "skills": [{"id": "translate", "name": "translate", "tags": ["text"]}],
}


@pytest.fixture(scope="module")
def postroom(built_pages: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[up_run.Up]:
    data = tmp_path_factory.mktemp("registry")
    settings = up_run.apart(data / "data", POSTROOM_OUTBOUND_ALLOW="127.0.0.1")
    with up_run.up(settings) as running:
        yield running.until_ready()


@pytest.fixture(scope="module")
def token(postroom: up_run.Up) -> str:
    return make_token(postroom, "fleet", "*")


def make_token(postroom: up_run.Up, name: str, agents: str) -> str:
    command = [
        *up_run.MANAGE,
        "token",
        "create",
        name,
        "--role",
        "agent",
        "--scope",
        f"environment=default,agent={agents}",
    ]
    made = subprocess.run(
        command, cwd=ROOT, env=dict(postroom.environ), capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_AGENT_DIR", str(tmp_path / "agent"))


@pytest.fixture
def registry(postroom: up_run.Up, token: str) -> AgentRegistry:
    return AgentRegistry(postroom.url, token=token, fresh=0.0)


def states(found: Found) -> dict[str, str]:
    return {each.version: each.state for each in found}


def test_who_registered_is_found_by_capability_and_version(registry: AgentRegistry) -> None:
    for version in ("1.8.2", "2.0.0"):
        registry.register(
            agent_id="extract",
            capabilities=["ocr"],
            version=version,
            endpoint=f"http://extract-{version}:8080",
            labels={"team": "blue"},
        )
    assert set(states(registry.find_agents(capability="ocr"))) == {"1.8.2", "2.0.0"}
    (found,) = registry.find_agents(capability="ocr", version=">=2.0", max_latency_ms=100)
    assert (found.agent_id, found.endpoint, found.share) == ("extract", "http://extract-2.0.0:8080", 1.0)
    assert not registry.find_agents(capability="dance")
    assert registry.deregister("extract")
    assert not registry.find_agents(capability="ocr")
    assert not registry.deregister("extract")


def test_what_is_wrong__refused_with_the_field(registry: AgentRegistry) -> None:
    with pytest.raises(RefusedError, match=r"version: .*Write it like"):
        registry.find_agents(capability="ocr", version=">>2")
    with pytest.raises(TypeError, match="colour"):
        registry.register(agent_id="extract", colour="blue")


def test_a_token_that_nobody_made_and_one_without_the_right__refused(postroom: up_run.Up) -> None:
    with pytest.raises(TokenRefusedError, match="token"):
        AgentRegistry(postroom.url, token="nobody's").register(agent_id="extract")
    with pytest.raises(ForbiddenError):
        AgentRegistry(postroom.url, token=make_token(postroom, "narrow", "load*")).register(
            agent_id="extract"
        )


def test_an_instance_is_up_paused_and_down_as_it_says(registry: AgentRegistry) -> None:
    beats = Heartbeats(
        registry.client,
        "beater",
        instance_id="beater-0",
        version="1.0",
        load=lambda: 0.4,
        in_flight=lambda: 3,
    )

    def state() -> str:
        return next((each.state for each in registry.find_agents() if each.agent_id == "beater"), "")

    beats.start()
    until(lambda: state() == "up", "the first beat")
    beats.pause()
    until(lambda: state() == "paused", "the pause")
    beats.resume()
    until(lambda: state() == "up", "the end of the pause")
    beats.stop()
    until(lambda: state() == "down", "the last beat")


def test_an_agent_registers_when_it_starts_and_leaves_when_it_stops(registry: AgentRegistry) -> None:
    about = library.about(agent="worker", instance="worker-0", capabilities=("count",))
    hook = Registered(registry.client)
    hook.on_start(about)
    until(lambda: states(registry.find_agents("count")) == {"1.8.2": "up"}, "the agent to be up")
    hook.on_stop(about)
    until(lambda: states(registry.find_agents("count")) == {"1.8.2": "down"}, "the agent to be down")


def test_an_a2a_agent_is_found_among_the_others(registry: AgentRegistry) -> None:
    with answering() as server:
        server.says("/.well-known/agent-card.json", json.dumps(CARD).encode())
        registry.register_card(server.url(""))
    (found,) = registry.find_agents("translate")
    assert (found.version, found.endpoint) == ("3.1.0", CARD["url"])


def test_the_command_finds_them_and_says_by_its_status_whether(
    postroom: up_run.Up, registry: AgentRegistry, token: str
) -> None:
    registry.register(agent_id="printer", capabilities=["print"], version="2.1", endpoint="http://printer:80")

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = library.environment(POSTROOM_URL=postroom.url, POSTROOM_TOKEN=token)
        command = [sys.executable, "-c", "from postroom.cli import main; raise SystemExit(main())"]
        return subprocess.run(
            [*command, "agents", "find", *arguments], env=environ, capture_output=True, text=True, check=False
        )

    answer = ask("--capability", "print", "--version", ">=2", "--json")
    assert (answer.returncode, json.loads(answer.stdout)["results"][0]["agent_id"]) == (0, "printer")
    assert "printer  2.1" in ask("--capability", "print").stdout
    nobody = ask("--capability", "print", "--version", ">=3")
    assert (nobody.returncode, nobody.stdout) == (1, "Nobody fits.\n")
    assert ask("--capability").returncode == 2


@pytest.mark.kills
def test_while_postroom_is_away_the_last_answer_serves_with_its_age(
    postroom: up_run.Up, registry: AgentRegistry, token: str
) -> None:
    """The last test of the module: it ends the Postroom of the others."""
    registry.register(agent_id="stamp", capabilities=["stamp"], version="1.0")
    assert len(registry.find_agents("stamp")) == 1
    os.kill(postroom.process.pid, 15)
    postroom.ended(20)
    found = registry.find_agents("stamp")
    assert found
    assert "cannot be reached" in found.away
    # A new process on this machine: from the file.
    fresh = AgentRegistry(client=Client(Options(postroom.url, token, timeout=1.0)), fresh=0.0)
    assert [each.agent_id for each in fresh.find_agents("stamp")] == ["stamp"]
    assert fresh.find_agents("stamp").age > 0
    with pytest.raises(RegistryAwayError, match="never answered this question"):
        fresh.find_agents("never asked")
    with pytest.raises(PostroomError):
        fresh.register(agent_id="late")
