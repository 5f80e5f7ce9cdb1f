"""One timer for all who read a body: each is late in its own time, and nobody else."""

from __future__ import annotations

import asyncio

import pytest

from agents.intake.deadline import Deadlines


async def never(deadlines: Deadlines) -> None:
    with deadlines.reading():
        await asyncio.Event().wait()


async def test_each_that_is_late_is_told__and_the_next_one_after_it() -> None:
    deadlines = Deadlines(0.01)
    for _ in range(2):
        ended = await asyncio.gather(*(never(deadlines) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in ended] == [TimeoutError] * 3


async def test_one_that_was_in_time_is_left_alone() -> None:
    deadlines = Deadlines(0.01)
    with deadlines.reading():
        pass
    with pytest.raises(TimeoutError):
        await never(deadlines)


async def test_one_that_another_cancels_stays_cancelled() -> None:
    reader = asyncio.create_task(never(Deadlines(60)))
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
