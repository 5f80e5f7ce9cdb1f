"""Drill `rollout`: fifty agents move from 1.x to 2.x while they are called. No configuration is touched, no call fails.

In the middle the new release of one hall is killed, as if it had crashed: calls go to the old one by themselves.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from postroom.drills import notes
from postroom.drills.children import Child
from postroom.drills.figures import Verdict, at_least, exactly, told
from postroom.drills.rollout_clients import FRESH_SECONDS
from postroom.drills.rollout_hall import LINGER_SECONDS
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import until

OLD, NEW = "1.9.0", "2.0.0"
SHARES = (10, 50, 100)
HALLS = 5
PATIENCE_SECONDS = 120.0


def play(scene: Scene, verdict: Verdict) -> None:
    agents = scene.size.count
    halls = [range(first, first + agents // HALLS) for first in range(0, agents, agents // HALLS)]
    old = [_hall(scene, OLD, hall) for hall in halls]
    until(lambda: notes.count(scene.folder, "open") == len(halls), "the agents to open", PATIENCE_SECONDS)
    clients = scene.children.python("clients", "-m", "postroom.drills.rollout_clients", str(agents))
    until(lambda: notes.count(scene.folder, "called") > agents, "calls to flow", PATIENCE_SECONDS)
    progress = scene.progress("rollout", len(halls))
    for number, (hall, leaving) in enumerate(zip(halls, old, strict=True)):
        _move(scene, hall, leaving, crash=number == len(halls) // 2)
        progress.at(number + 1, f"{notes.count(scene.folder, 'called')} calls")
    _let_flow(scene, 2 * FRESH_SECONDS)
    progress.close("moved")
    addresses = _addresses(scene)
    configured = _configuration(clients)
    clients.end()
    _judge(scene, verdict, agents, sum(address in configured for address in addresses))


def _hall(scene: Scene, version: str, hall: range) -> Child:
    name = f"hall-{version}-{hall.start}"
    where = ("-m", "postroom.drills.rollout_hall", version, str(hall.start), str(hall.stop))
    return scene.children.python(name, *where)


def _move(scene: Scene, hall: range, leaving: Child, crash: bool) -> None:
    """The new release beside the old one, then weight by weight, then the old one ends."""
    opened = notes.count(scene.folder, "open")
    coming = _hall(scene, NEW, hall)
    until(lambda: notes.count(scene.folder, "open") > opened, "the new release to open", PATIENCE_SECONDS)
    entries = [entry for entry in _entries(scene) if int(entry["agent_id"][-2:]) in hall]
    for share in SHARES:
        for entry in entries:
            _weigh(scene, entry["id"], share)
        _let_flow(scene, FRESH_SECONDS)
        if crash and share == SHARES[0]:
            _crash(scene, coming)
    _let_flow(scene, FRESH_SECONDS)
    leaving.end()


def _crash(scene: Scene, coming: Child) -> None:
    """−9, while a tenth of the traffic is its own; calls go on, then it is started again."""
    opened = notes.count(scene.folder, "open")
    coming.kill()
    _let_flow(scene, 2 * FRESH_SECONDS)
    coming.start_again()
    until(
        lambda: notes.count(scene.folder, "open") > opened,
        "the killed release to open again",
        PATIENCE_SECONDS,
    )


def _let_flow(scene: Scene, seconds: float) -> None:
    """Let calls flow for so long, and see that they do."""
    before, end = notes.count(scene.folder, "called"), time.monotonic() + seconds
    until(
        lambda: time.monotonic() > end and notes.count(scene.folder, "called") > before + 10,
        "calls to flow",
        PATIENCE_SECONDS,
    )


def _entries(scene: Scene) -> list[dict[str, Any]]:
    """Each agent once: the registry answers a row per version."""
    rows = scene.postroom.pages("/api/v1/agents?closed=true&limit=200")
    return [*{row["id"]: row for row in rows if row["agent_id"].startswith("step-")}.values()]


def _weigh(scene: Scene, entry: str, share: int) -> None:
    """Both weights in one step."""
    body = {"versions": [{"version": OLD, "weight": 100 - share}, {"version": NEW, "weight": share}]}
    scene.postroom.send("PATCH", f"/api/v1/agents/{entry}", body)


def _addresses(scene: Scene) -> list[str]:
    rows = scene.postroom.pages("/api/v1/agents?closed=true&limit=200")
    return [row["endpoint"] for row in rows if row["agent_id"].startswith("step-")]


def _configuration(clients: Child) -> str:
    """All that the clients were ever told: how they were started. They read no file."""
    process = Path(f"/proc/{clients.pid}")
    return process.joinpath("cmdline").read_text() + process.joinpath("environ").read_text()


def _judge(scene: Scene, verdict: Verdict, agents: int, configured: int) -> None:
    calls = [*notes.read(scene.folder, "called")]
    failed = [fields for fields in calls if fields[1] != "good"]
    answered = Counter(fields[2].partition(" ")[2] for fields in calls if fields[1] == "good")
    last = {fields[0]: fields[2].partition(" ")[2] for fields in calls if fields[1] == "good"}
    verdict.add(
        told("agents", agents),
        told("calls", len(calls)),
        exactly("failed calls", len(failed), 0),
        exactly("addresses in the clients' configuration", configured, 0),
        exactly("agents that still answer as 1.x at the end", sum(each == OLD for each in last.values()), 0),
        at_least("calls answered by 1.x", answered[OLD], 1),
        at_least("calls answered by 2.x", answered[NEW], 1),
        told("calls that went to a second one", sum(int(fields[3]) > 1 for fields in calls)),
        told("seconds that a leaving hall lingers", LINGER_SECONDS),
    )
    if failed:
        verdict.trouble = f"first failed call: {' '.join(failed[0])}"


DRILL = Drill(
    "rollout",
    "fifty agents move from 1.x to 2.x while they are called: no configuration touched, no call fails",
    play,
    small=Size("small", 10),
    full=Size("full", 50),
)
