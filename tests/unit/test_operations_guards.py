"""What a plan warns of, decided from facts alone."""

from __future__ import annotations

from dataclasses import replace

from agents.operations.guards import Consumer, Facts, Target, of_redrive
from agents.operations.values import Flag, Guard, GuardKind, Standing

FINE = Facts(
    60,
    looked_at=60,
    consumers=[Consumer("payments", 2, 2, ["1.8.3"])],
    targets=[Target("payments.q", 3, 1.0)],
)


def found(facts: Facts, kind: GuardKind) -> Guard:
    (guard,) = [each for each in of_redrive(facts) if each.kind is kind]
    return guard


def test_all_is_well__said_of_version_consumer_and_queue() -> None:
    assert [(guard.kind, guard.standing) for guard in of_redrive(FINE)] == [
        (GuardKind.VERSION_RUNS, Standing.OK),
        (GuardKind.NO_CONSUMER, Standing.OK),
        (GuardKind.QUEUE_FULL, Standing.OK),
    ]
    assert found(FINE, GuardKind.NO_CONSUMER).sentence == "2 of 2 instances of payments are up."
    assert found(FINE, GuardKind.QUEUE_FULL).sentence == "3 of 1,000 wait in payments.q."


def test_the_version_that_failed_still_runs__warned_first_with_how_many() -> None:
    facts = replace(FINE, flags={Flag.VERSION_RUNS: 60}, failed_versions=["payments 1.8.2"])
    guard = of_redrive(facts)[0]
    assert guard.sentence == "payments 1.8.2 still runs, the version that failed: all 60 letters."
    assert (guard.standing, guard.count, guard.can_leave_out) == (Standing.WARN, 60, True)


def test_nobody_consumes__warned__nobody_ever_did__unknown() -> None:
    down = replace(FINE, consumers=[Consumer("payments", 0, 2, ["1.8.3"])])
    assert found(down, GuardKind.NO_CONSUMER).standing is Standing.WARN
    never = replace(FINE, consumers=[Consumer("payments")])
    assert found(never, GuardKind.NO_CONSUMER).standing is Standing.UNKNOWN
    assert found(never, GuardKind.VERSION_RUNS).standing is Standing.UNKNOWN


def test_the_queue_is_full__by_the_plans_own_depth__or_nobody_can_say() -> None:
    full = replace(FINE, targets=[Target("payments.q", 1_200)], depth_limit=1_200)
    assert found(full, GuardKind.QUEUE_FULL).sentence == "1,200 of 1,200 wait in payments.q: it is full."
    silent = replace(FINE, targets=[Target("payments.q")])
    assert found(silent, GuardKind.QUEUE_FULL).standing is Standing.UNKNOWN


def test_single_members__counted_among_those_that_were_looked_into() -> None:
    facts = replace(
        FINE, count=900, looked_at=200, flags={Flag.TOOL_SUCCEEDED: 3, Flag.TOOL_SUCCEEDED | Flag.CANVAS: 1}
    )
    tool = found(facts, GuardKind.TOOL_SUCCEEDED)
    assert (
        tool.sentence
        == "4 letters of the 200 that were looked into: a tool call succeeded before the failure."
    )
    assert found(facts, GuardKind.CANVAS).count == 1


def test_above_a_limit__said_with_the_limit() -> None:
    guard = found(replace(FINE, approval="redrive above 50"), GuardKind.OVER_LIMIT)
    assert guard.sentence == "A second person has to approve: redrive above 50."
