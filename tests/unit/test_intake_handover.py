"""What one thread hands to another: all of it, in order, and never more than the bound at once."""

from __future__ import annotations

import threading

from agents.intake.handover import Handover
from tests.support.waiting import until


def test_everything_arrives_in_order_and_the_bound_holds() -> None:
    handover: Handover[int] = Handover(10)
    taken: list[list[int]] = []

    def take() -> None:
        while group := handover.take():
            taken.append(group)

    taker = threading.Thread(target=take)
    taker.start()
    for number in range(500):
        handover.give([number], 3)
    handover.close()
    taker.join()
    assert [number for group in taken for number in group] == list(range(500))
    assert max(map(len, taken)) <= 3


def test_a_group_above_the_bound_passes_alone() -> None:
    handover: Handover[str] = Handover(1)
    handover.give(["heavy"], 100)
    waiting = threading.Thread(target=handover.give, args=(["light"], 1))
    waiting.start()
    assert handover.take() == ["heavy"]
    until(lambda: not waiting.is_alive(), "the second to be given")
    assert handover.take() == ["light"]


def test_a_closed_one_gives_what_is_left_and_then_nothing() -> None:
    handover: Handover[int] = Handover(5)
    handover.give([1], 1)
    handover.close()
    assert handover.take() == [1]
    assert handover.take() == []
