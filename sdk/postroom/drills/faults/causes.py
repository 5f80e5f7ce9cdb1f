"""The ten causes: how each is provoked, how it is repaired, since when it holds a message up, and what is true then.

The table in docs/guides/drills.md says it in words. Thresholds are as shipped, and nothing here knows them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from postroom.drills.faults import company, orders
from postroom.drills.faults.stage import Stage
from postroom.drills.faults.truth import Truths, truth
from postroom.drills.waiting import until

TAKE_SECONDS = 30.0
SLOW_SECONDS = 0.5
FREE: Final = tuple(agent for agent in company.AGENTS if agent not in company.BEHIND)

Agents = Sequence[str]


@dataclass(frozen=True, slots=True)
class Cause:
    """One way to hold messages up. `begin` returns the moment from which it does, at the earliest; `held` the moment
    of the first message that it does hold up, None before there is one."""

    name: str
    pick: Callable[[random.Random], Agents]
    begin: Callable[[Stage, Agents], float]
    end: Callable[[Stage, Agents], None]
    held: Callable[[Stage, Agents, float], float | None]
    truths: Callable[[Agents], Truths]


# ---- Who --------------------------------------------------------------------------------------------------------
def one(chance: random.Random) -> Agents:
    return [chance.choice(FREE)]


def pair(chance: random.Random) -> Agents:
    """A throttled sender, and who takes from it."""
    return chance.choice([*company.THROTTLED.items()])


def ring(chance: random.Random) -> Agents:
    return chance.sample([agent for agent in FREE if agent not in company.THROTTLED], 3)


def everybody(chance: random.Random) -> Agents:
    return company.AGENTS


# ---- What happens -------------------------------------------------------------------------------------------------
def scale_to_none(stage: Stage, agents: Agents) -> float:
    stage.agents[agents[0]].end()
    return time.time()


def start_again(stage: Stage, agents: Agents) -> None:
    stage.agents[agents[0]].start_again()


def saturate(stage: Stage, agents: Agents) -> float:
    orders.give(stage.folder, agents[0], orders.SLOW, seconds=SLOW_SECONDS)
    stage.source.batch(agents[0])
    return time.time()


def end_saturation(stage: Stage, agents: Agents) -> None:
    stage.source.batch("")
    obey_no_more(stage, agents)


def hang(stage: Stage, agents: Agents) -> float:
    """The last of them: of a pair the one behind."""
    began = time.time()
    orders.give(stage.folder, agents[-1], orders.HANG)
    return began


def fail(stage: Stage, agents: Agents) -> float:
    began = time.time()
    orders.give(stage.folder, agents[0], orders.FAIL)
    return began


def ask_in_a_ring(stage: Stage, agents: Agents) -> float:
    began = time.time()
    for agent, next_one in zip(agents, [*agents[1:], agents[0]], strict=True):
        orders.give(stage.folder, agent, orders.ASK, whom=next_one)
    return began


def kill_with_a_message(stage: Stage, agents: Agents) -> float:
    began = hang(stage, agents)
    until(
        lambda: stage.first_held(agents[0], began) is not None, f"{agents[0]} to hold a message", TAKE_SECONDS
    )
    stage.agents[agents[0]].kill()
    orders.take_back(stage.folder, agents[0])
    return time.time()


def cut(stage: Stage, agents: Agents) -> float:
    stage.wire.cut()
    return time.time()


def mend(stage: Stage, agents: Agents) -> None:
    stage.wire.mend()


def obey_no_more(stage: Stage, agents: Agents) -> None:
    for agent in agents:
        orders.take_back(stage.folder, agent)


# ---- Since when a message is held up ------------------------------------------------------------------------------
def first_sent(stage: Stage, agents: Agents, since: float) -> float | None:
    return next(iter(stage.sent_to(agents[0], since)), None)


def first_behind_another(stage: Stage, agents: Agents, since: float) -> float | None:
    """The second that came in was too soon for the first."""
    return next(iter(stage.sent_to(agents[0], since)[1:]), None)


def first_taken(stage: Stage, agents: Agents, since: float) -> float | None:
    return stage.first_held(agents[0], since)


def sender_waits(stage: Stage, agents: Agents, since: float) -> float | None:
    return stage.first_waiting_to_send(agents[0], since)


def all_wait(stage: Stage, agents: Agents, since: float) -> float | None:
    """The ring is closed by the last of them."""
    moments = [stage.first_held(agent, since) for agent in agents]
    return None if None in moments else max(moment for moment in moments if moment is not None)


def at_once(stage: Stage, agents: Agents, since: float) -> float | None:
    return since


# ---- The single ones ------------------------------------------------------------------------------------------------
def simply(*verdicts: str) -> Callable[[Agents], Truths]:
    return lambda agents: Truths([truth(agents, *verdicts)])


def blocked(agents: Agents) -> Truths:
    return Truths([truth(agents, "blocked_downstream")], [truth(agents[-1:], "running_long")])


NO_CONSUMER = Cause("no consumer", one, scale_to_none, start_again, first_sent, simply("no_consumer"))
SATURATED = Cause(
    "consumer saturated", one, saturate, end_saturation, first_behind_another, simply("consumer_saturated")
)
HANGS = Cause("handler hangs", one, hang, obey_no_more, first_taken, simply("running_long"))
KILLED = Cause(
    "worker killed", one, kill_with_a_message, start_again, at_once, simply("agent_down", "unacknowledged")
)
RETRIES = Cause("retry for ever", one, fail, obey_no_more, first_taken, simply("retry_backoff"))
BLOCKED = Cause("downstream blocked", pair, hang, obey_no_more, sender_waits, blocked)
DEADLOCK = Cause("deadlock", ring, ask_in_a_ring, obey_no_more, all_wait, simply("deadlock"))
CUT_OFF = Cause("cut off", everybody, cut, mend, first_sent, simply("broker_unreachable"))

CAUSES: Final[dict[str, tuple[Cause, ...]]] = {
    **{cause.name: (cause,) for cause in (NO_CONSUMER, SATURATED, HANGS, KILLED)},
    **{cause.name: (cause,) for cause in (RETRIES, BLOCKED, DEADLOCK, CUT_OFF)},
    "hang and no consumer": (HANGS, NO_CONSUMER),
    "killed and retry": (KILLED, RETRIES),
}
