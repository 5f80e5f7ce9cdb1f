"""Many processes write the trail at once, and some are killed: the chain has no gap, no fork and no lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.house import House

WRITERS, EACH = 8, 500


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return House(tmp_path / "data", url)


def test_eight_writers_at_once__chain_holds(house: House) -> None:
    writers = [
        house.start("-m", "tests.support.audit_writer", f"writer-{n}", str(EACH)) for n in range(WRITERS)
    ]
    said = [int(line) for writer in writers for line in writer.communicate(timeout=240)[0].split()]
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    assert sorted(said) == list(range(1, WRITERS * EACH + 1))
    report = house.verify()
    assert (report["holds"], report["entries"], report["warnings"]) == (True, WRITERS * EACH, [])
    assert last_checkpoint(house) == WRITERS * EACH


@pytest.mark.kills
def test_writers_killed_in_the_middle__what_they_said_is_there_and_the_chain_holds(house: House) -> None:
    said: list[int] = []
    for turn in range(4):
        writers = [house.start("-m", "tests.support.audit_writer", f"{turn}-{n}", "100000") for n in range(3)]
        for writer in writers:
            assert writer.stdout
            said += [int(writer.stdout.readline()) for _ in range(20)]
        for writer in writers:
            writer.kill()
        for writer in writers:
            # Through the same buffer as above. The last line may be half a number: only whole ones were promised.
            assert writer.stdout
            said += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
            writer.wait()
    report = house.verify()
    assert report["holds"], report
    assert len(set(said)) == len(said), "a number was given twice"
    # A writer killed between its commit and its word leaves an entry nobody heard of, at most one for each.
    assert len(said) <= report["entries"] <= len(said) + 12
    assert report["last"] - last_checkpoint(house) <= 3
    house.run("-m", "tests.support.audit_writer", "after", "1")
    assert last_checkpoint(house) == report["last"] + 1
    assert house.verify()["holds"]


def last_checkpoint(house: House) -> int:
    lines = (house.data / "audit-checkpoints.jsonl").read_text().splitlines()
    return int(json.loads(lines[-1])["sequence"])
