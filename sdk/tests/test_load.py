"""How busy this machine is, without any library."""

from __future__ import annotations

from postroom.backpressure import load


def test_the_load_of_this_machine_and_what_is_in_flight() -> None:
    def three() -> int:
        return 3

    load.count_in_flight(three)
    found = load.get_system_load()
    assert found.cpu >= 0
    assert 0 < found.memory < 1
    assert found.process_bytes > 1_000_000
    assert found.in_flight == 3
    assert found.busiest == max(found.cpu, found.memory)
    load.forget(three)
    assert load.get_system_load().in_flight == 0
