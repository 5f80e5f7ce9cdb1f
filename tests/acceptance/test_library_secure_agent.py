"""Secure agents as processes, with a real Postroom: the guide's own agent, its senders, and those who try."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import redis

from postroom import Agent, SecureAgent
from postroom.registry.client import AgentRegistry
from tests.support import library, up_run
from tests.support.house import ROOT
from tests.support.waiting import until

GUIDES = ROOT / "docs" / "guides"


def blocks(guide: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (GUIDES / guide).read_text(encoding="utf-8"), re.M | re.S)


class Place:
    """A Postroom, a broker, and what agents must know of them."""

    def __init__(self, postroom: up_run.Up, redis_url: str, folder: Path) -> None:
        self.postroom, self.redis_url, self.folder = postroom, redis_url, folder
        self.agents = {
            "POSTROOM_URL": postroom.url,
            "POSTROOM_TOKEN": self.token("agents", "agent"),
            "POSTROOM_BROKER_URL": redis_url,
            "POSTROOM_AGENT_DIR": str(folder / "agent"),
        }
        self.security = self.token("security", "admin")

    def token(self, name: str, role: str) -> str:
        command = [*up_run.MANAGE, "token", "create", name, "--role", role, "--scope", "environment=default"]
        environ = dict(self.postroom.environ)
        return subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True
        ).stdout.strip()

    def ask(self, path: str, body: Any = None) -> Any:
        """As somebody with the right to manage access and read the trail."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.security}", "Content-Type": "application/json"}
        with urlopen(Request(self.postroom.url + path, content, headers), timeout=10) as answer:
            return json.load(answer)

    def reported(self, action: str) -> list[str]:
        """What agents did of this kind, by the trail: on what."""
        entries = self.ask("/api/v1/audit?limit=100&action=agent.reported")["results"]
        return [each["on"]["id"] for each in entries if each["after"]["action"] == action]

    def letters(self) -> dict[str, dict[str, Any]]:
        """Letters by message, from the broker."""
        with redis.Redis.from_url(self.redis_url) as client:
            found = [json.loads(fields[b"l"]) for _, fields in client.xrange("postroom.letters")]
        return {letter["message_id"]: letter for letter in found}

    def succeeded(self) -> list[str]:
        with redis.Redis.from_url(self.redis_url) as client:
            events = [json.loads(fields[b"e"]) for _, fields in client.xrange("postroom.events")]
        return [event["message_id"] for event in events if event["kind"] == "succeeded"]

    @contextmanager
    def worker(self, name: str, code: str) -> Iterator[subprocess.Popen[bytes]]:
        """`postroom worker` on this code, ended as an operator ends it."""
        (self.folder / f"{name}.py").write_text(code)
        log = (self.folder / f"{name}.log").open("wb")
        command = [sys.executable, "-m", "postroom", "worker", f"{name}:agent", "-P", "threads", "-c", "2"]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=library.environment(**self.agents),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            until(lambda: b" ready." in (self.folder / f"{name}.log").read_bytes(), f"{name} to be ready", 60)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
            log.close()


@pytest.fixture(scope="module")
def place(built_pages: None, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("secure")
    with up_run.up(up_run.apart(folder / "data")) as running:
        yield Place(running.until_ready(), redis_server, folder)


def test_the_guides_agent_lets_in_whom_it_should_and_nobody_else(
    place: Place, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in place.agents.items():
        monkeypatch.setenv(name, value)
    policy = {"environment": "default", "sender": "stranger", "recipient": "diagnose", "effect": "deny"}
    place.ask("/api/v1/sender-policies", policy)
    honest = SecureAgent("reception").send_message("diagnose", {"patient": "p-1"})
    with redis.Redis.from_url(redis_url) as client:
        overheard = client.lrange("diagnose", 0, -1)
    unsigned = Agent("reception").send_message("diagnose", {"patient": "p-2"})
    stranger = SecureAgent("stranger").send_message("diagnose", {"patient": "p-3"})
    diagnose, _ = blocks("secure-agents.md")
    with place.worker("clinic", diagnose):
        until(lambda: {unsigned, stranger} <= place.letters().keys(), "the refused to be letters", 30)
        until(lambda: honest in place.succeeded(), "the honest one to be handled", 30)
        with redis.Redis.from_url(redis_url) as client:
            client.lpush("diagnose", *overheard)
        until(lambda: honest in place.letters(), "the copy to be a letter", 30)
        refused = {unsigned, stranger, honest}
        until(lambda: set(place.reported("message.refused")) == refused, "the trail of refusals", 30)
    assert place.succeeded() == [honest]
    assert {letter["failure"]["reason"] for letter in place.letters().values()} == {"unauthorised"}
    assert place.reported("diagnosis.made") == ["p-1"]


def test_the_guides_registry_and_throttle_run(
    place: Place, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in place.agents.items():
        monkeypatch.setenv(name, value)
    said: dict[str, Any] = {}
    (registry,) = blocks("agents.md")
    exec(registry, said)
    assert said["answer"] == "asked http://extract:8080"
    _, throttle = blocks("secure-agents.md")
    exec(throttle, said)
    scan = said["scan"]
    assert scan.throttle.most == 100
    scan.send_message("extract", {"page": 1})
    with redis.Redis.from_url(redis_url) as client:
        assert client.zcard("postroom.slots:extract") == 1
    scan.throttle.close()
    assert AgentRegistry().deregister("extract")
