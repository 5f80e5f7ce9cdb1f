"""Fills the registry of a test's own console: `python -m tests.support.agents_writer STORY`.

Stories: `fleet` has an agent in every state, `stops` takes one down, `joins` adds one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from agents.registry.models import Agent, AgentVersion  # noqa: E402
from agents.registry.services import heartbeats, registration  # noqa: E402
from agents.registry.services.registration import VersionChange  # noqa: E402
from agents.registry.services.sightings import Memory, see  # noqa: E402
from agents.registry.values import Heartbeat, Patience, Registration, Sighting  # noqa: E402
from core import clock  # noqa: E402
from core.access.api import Grant, Kind, Permission, Subject  # noqa: E402
from core.access.services import Actor  # noqa: E402
from dashboard.live.sender import sender  # noqa: E402

RIGHTS = frozenset({Permission.REGISTER, Permission.MANAGE_AGENTS})
ACTOR = Actor(Subject(Kind.SERVICE, "1", "deploys", (Grant("admin", RIGHTS),)), "test")
# A test takes as long as it takes: nobody goes late meanwhile who is not meant to.
PATIENT = Patience(timedelta(hours=1), timedelta(hours=1))


def register(name: str, version: str, *can: str, owner: str = "documents") -> Agent:
    entry = Registration(
        name,
        "production",
        version,
        owner=owner,
        capabilities=can,
        endpoint=f"http://{name}:8080",
        patience=PATIENT,
    )
    return registration.register(entry, ACTOR)[0]


def beat(name: str, number: int, version: str = "", ago: float = 0, **more: object) -> None:
    moment = clock.now() - timedelta(seconds=ago)
    beat_ = Heartbeat(name, f"{name}-{number}", "production", moment, version=version, **more)  # type: ignore[arg-type]
    heartbeats.beat([beat_])


def fleet() -> None:
    extract = register("extract", "1.8.2", "extract", "ocr")
    register("extract", "2.0.0", "extract", "ocr", "tables")
    for number, version in enumerate(["1.8.2", "1.8.2", "2.0.0"]):
        beat("extract", number, version, ago=2400)
        beat("extract", number, version, ago=1800, status="stopping" if number == 1 else "")
        beat("extract", number, version, ago=900, load=0.2 + number / 10, in_flight=number, at=clock.now())
        beat("extract", number, version, load=0.2 + number / 10, in_flight=number, at=clock.now())
    weights = [VersionChange("1.8.2", {"weight": 90}), VersionChange("2.0.0", {"weight": 10})]
    registration.change(extract, {"description": "Reads tables and text out of scans."}, weights, ACTOR)
    AgentVersion.objects.filter(agent=extract).update(
        p50_ms=31, p95_ms=120, p99_ms=480, observed_at=clock.now(), probe_ok=True, probe_said="HTTP 200",
        probed_at=clock.now(),
    )  # fmt: skip
    register("classify", "3.1.0", "classify")
    beat("classify", 0, "3.1.0", ago=60, status="stopping")
    register("summarise", "0.9.0", "summarise", owner="letters")
    beat("summarise", 0, "0.9.0", status="paused")
    see({Sighting("production", "store", "1.0.0", "store-0"): clock.now()}, Memory())


def stops() -> None:
    for number in range(3):
        beat("extract", number, status="stopping")


def joins() -> None:
    register("translate", "1.0.0", "translate")


STORIES: dict[str, Callable[[], None]] = {"fleet": fleet, "stops": stops, "joins": joins}

if __name__ == "__main__":
    STORIES[sys.argv[1]]()
    # The hint leaves with us.
    sender.drain()
