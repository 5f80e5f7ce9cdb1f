"""What a plan warns of, decided from what was found about its members and about where they go. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.operations.values import Flag, Guard, GuardKind, Standing

# More than this in a queue is said to be a lot, unless the plan names a depth of its own.
DEEP = 1_000


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who takes from where it goes. `up` of `all` instances; None: nobody ever told of one."""

    agent: str
    up: int | None = None
    all: int | None = None
    versions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A queue that it goes to. `depth` None: nobody can say."""

    name: str
    depth: int | None = None
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the guards are decided from. `flags`: how many members bear each combination; `looked_at`: how many
    were looked into one by one."""

    count: int
    flags: Mapping[int, int] = field(default_factory=dict)
    looked_at: int = 0
    failed_versions: Sequence[str] = ()
    consumers: Sequence[Consumer] = ()
    targets: Sequence[Target] = ()
    depth_limit: int | None = None
    approval: str = ""


def of_redrive(facts: Facts) -> list[Guard]:
    """All of them, the warnings first."""
    found = [
        _version_runs(facts),
        *map(_consumer, facts.consumers),
        *(_queue(target, facts.depth_limit or DEEP) for target in facts.targets),
        _members(facts, GuardKind.TOOL_SUCCEEDED, "a tool call succeeded before the failure", looked=True),
        _members(facts, GuardKind.REDRIVEN_BEFORE, "redriven often before, and here again"),
        _members(facts, GuardKind.EXPIRED, "past its own deadline", looked=True),
        _members(facts, GuardKind.CANVAS, "part of a chain, group or chord that may be over", looked=True),
        *over_limit(facts),
    ]
    order = {Standing.WARN: 0, Standing.UNKNOWN: 1, Standing.OK: 2}
    return sorted((guard for guard in found if guard), key=lambda guard: order[guard.standing])


def over_limit(facts: Facts) -> list[Guard]:
    """Of any action: whether it needs a second person."""
    if not facts.approval:
        return []
    return [Guard(GuardKind.OVER_LIMIT, Standing.WARN, f"A second person has to approve: {facts.approval}.")]


def _version_runs(facts: Facts) -> Guard:
    bearers = _bearers(facts, Flag.VERSION_RUNS)
    kind = GuardKind.VERSION_RUNS
    if bearers:
        still = ", ".join(facts.failed_versions)
        sentence = f"{still} still runs, the version that failed: {_of(bearers, facts.count)}."
        return Guard(kind, Standing.WARN, sentence, bearers, facts.count)
    if not any(consumer.versions for consumer in facts.consumers):
        return Guard(kind, Standing.UNKNOWN, "No agent says which version runs now.")
    return Guard(kind, Standing.OK, "The version that failed runs no longer.", 0, facts.count)


def _consumer(consumer: Consumer) -> Guard:
    kind, agent = GuardKind.NO_CONSUMER, consumer.agent
    if not consumer.all or consumer.up is None:
        return Guard(kind, Standing.UNKNOWN, f"No instance of {agent} ever told that it lives.")
    if consumer.up:
        return Guard(kind, Standing.OK, f"{consumer.up} of {consumer.all} instances of {agent} are up.")
    return Guard(kind, Standing.WARN, f"No instance of {agent} is up: nothing would take what is sent.")


def _queue(target: Target, limit: int) -> Guard:
    kind = GuardKind.QUEUE_FULL
    if target.depth is None:
        return Guard(kind, Standing.UNKNOWN, f"Nobody can say how many wait in {target.name}.")
    seen = [{"says": f"{target.depth:,} wait in {target.name}", "age_s": target.age_s, "link": ""}]
    full = target.depth >= limit
    sentence = f"{target.depth:,} of {limit:,} wait in {target.name}{': it is full' if full else ''}."
    return Guard(kind, Standing.WARN if full else Standing.OK, sentence, evidence=seen)


def _members(facts: Facts, kind: GuardKind, what: str, *, looked: bool = False) -> Guard | None:
    """Of single members. Good news is not told: there would be a line for everything that is not so."""
    bearers = _bearers(facts, Flag[kind.name])
    if not bearers:
        return None
    whole = facts.looked_at if looked else facts.count
    partly = f" of the {whole:,} that were looked into" if looked and whole < facts.count else ""
    noun = "letter" if bearers == 1 else "letters"
    return Guard(kind, Standing.WARN, f"{bearers:,} {noun}{partly}: {what}.", bearers, whole)


def _bearers(facts: Facts, flag: Flag) -> int:
    return sum(number for flags, number in facts.flags.items() if flags & flag)


def _of(some: int, whole: int) -> str:
    return f"all {whole:,} letters" if some == whole else f"{some:,} of {whole:,} letters"
