"""Drill `stuck`: fifteen agents, one of them in trouble of a kind that chance chose. Postroom must say who, and why.

It is asked from outside, as anybody would: `GET /api/v1/stuck`. The clock runs from the first message that is held up,
which the agents themselves note, until the right agent is named with the right cause. A cause or an agent that is
named and is not at fault makes the run wrong, whatever else was said. In a run without a fault nothing may be said.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from postroom.drills import notes
from postroom.drills.confusion import Run, judge
from postroom.drills.faults import company
from postroom.drills.faults.plan import Fault, Part, draw
from postroom.drills.faults.proxy import through, wire_to
from postroom.drills.faults.stage import Source, Stage
from postroom.drills.faults.truth import UNKNOWN, Named
from postroom.drills.figures import Verdict
from postroom.drills.house import Postroom
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import until

Row = dict[str, Any]
AGENT = "postroom.drills.stuck_agent:agent"
ASKED_EVERY = 0.25
START_SECONDS = 120.0
# Each agent has handled so many before anything goes wrong: what is usual is known by then.
USUAL = 20
# An answer that comes later than this counts as none; one that comes after the limit of 10 s as late.
PATIENCE_SECONDS = 30.0
HEALTHY_SECONDS = 20.0
# After the right answer, for so long nothing else may be said.
AFTERWARDS_SECONDS = 2.0
REPAIR_SECONDS = 180.0
# Of documents that are on their way while all is well.
USUALLY_UNDER_WAY = 12


def play(scene: Scene, verdict: Verdict) -> None:
    faults = draw(scene.size.count, scene.size["seed"])
    progress = scene.progress("stuck", len(faults))
    runs: list[Run] = []
    with _stage(scene) as stage:
        until(lambda: _all_at_work(scene), "every agent to know its work", START_SECONDS, every=0.5)
        for number, fault in enumerate(faults):
            _until_well(stage, scene.postroom)
            progress.at(number, str(fault))
            runs.append(_run(stage, scene.postroom, fault))
            progress.at(number + 1, f"{fault}: {runs[-1].came_to}")
    progress.close()
    judge(verdict, runs)


@contextmanager
def _stage(scene: Scene) -> Iterator[Stage]:
    """The agents reach their broker through a wire; who sends to them and Postroom do not need it."""
    wire = wire_to(scene.broker.plain)
    told = _spans_to(scene.postroom) | {"POSTROOM_BROKER_URL": through(scene.broker.url, wire)}
    agents = {
        name: scene.agent(name, AGENT, "--pool", "threads", "-c", "1", DRILL_AGENT=name, **told)
        for name in company.AGENTS
    }
    source = Source(scene.sender("web"), random.Random(scene.size["seed"]))  # noqa: S311
    try:
        yield Stage(scene.folder, agents, wire, source)
    finally:
        source.close()
        for child in agents.values():
            child.kill()
        wire.close()


def _spans_to(postroom: Postroom) -> dict[str, str]:
    """Agents that a team watches send their spans as well: the map of a run and the topology are drawn from them."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": postroom.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {quote(postroom.token)}",
        "OTEL_METRICS_EXPORTER": "none",
    }


def _all_at_work(scene: Scene) -> bool:
    handled = [agent for agent, _ in notes.read(scene.folder, "handled")]
    return all(handled.count(agent) >= USUAL for agent in company.AGENTS)


def _until_well(stage: Stage, postroom: Postroom) -> None:
    """What the last fault left behind is worked off, to the last document: one that a killed worker held comes back
    when its claim runs out, and is held up until then. And Postroom says nothing any more."""
    before = stage.sent_so_far()

    def well() -> bool:
        return stage.all_arrived(before) and stage.under_way() <= USUALLY_UNDER_WAY and not said(postroom)

    until(well, "all to be well again", REPAIR_SECONDS, every=0.5)


def _run(stage: Stage, postroom: Postroom, fault: Fault) -> Run:
    run = Run(fault)
    if not fault.parts:
        _watch_nothing(postroom, run)
        return run
    begun: list[tuple[Part, float]] = []
    try:
        for part in fault.parts:
            begun.append((part, part.cause.begin(stage, part.agents)))
        _watch(stage, postroom, run, begun)
    finally:
        for part in fault.parts:
            part.cause.end(stage, part.agents)
    return run


def _watch_nothing(postroom: Postroom, run: Run) -> None:
    end = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < end and not run.wrong:
        run.hear(said(postroom), time.time())
        time.sleep(ASKED_EVERY)


def _watch(stage: Stage, postroom: Postroom, run: Run, begun: list[tuple[Part, float]]) -> None:
    """Until all is named and a little longer; or something wrong is; or too much time has passed."""
    end = time.time() + PATIENCE_SECONDS + START_SECONDS
    while time.time() < end and not run.wrong:
        run.hear(said(postroom), time.time())
        held = [part.cause.held(stage, part.agents, since) for part, since in begun]
        if None not in held:
            run.held_at = [moment for moment in held if moment is not None]
            end = min(end, max(run.held_at) + PATIENCE_SECONDS)
        if run.all_named:
            end = min(end, run.named_at + AFTERWARDS_SECONDS)
        time.sleep(ASKED_EVERY)


def said(postroom: Postroom) -> list[Named]:
    """Whom Postroom names now, and why."""
    rows = {row["id"]: row for row in postroom.get("/api/v1/stuck")["results"]}
    return [_named(row, rows.get(row["behind"], {})) for row in rows.values()]


def _named(row: Row, root: Row) -> Named:
    """`root` is the cause that this one follows from, if it does."""
    behind = f"{root['agent']}: {root['verdict']}" if root else ""
    return Named(row["agent"] or "", row["verdict"] or UNKNOWN, behind, row["sentence"])


DRILL = Drill(
    "stuck",
    "one of fifteen agents in trouble, in one of ten ways: who and why are named within 10 s, and nothing else is",
    play,
    small=Size("small", 3, {"seed": 5}),
    full=Size("full", 40, {"seed": 5}),
    brokers=("redis", "rabbitmq"),
)
