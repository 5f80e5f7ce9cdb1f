"""What the broker does not take waits on disk, within bounds, and goes out when the broker is back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from postroom.delivery.api import Delivery, DeliveryError, Settlement
from postroom.spool import EVENT, LETTER, Postman, Spool, SpoolFullError
from tests.support.waiting import until


class Broker:
    """Away until it is back."""

    def __init__(self) -> None:
        self.away, self.letters, self.events = True, [], []  # type: ignore[var-annotated]

    def settle(self, delivery: Delivery, settlement: Settlement) -> None:
        raise AssertionError("a spool settles nothing")

    def tell(self, events: Iterable[bytes]) -> None:
        self._there()
        self.events += list(events)

    def hand_over(self, letter: bytes) -> None:
        self._there()
        self.letters.append(letter)

    def close(self) -> None:
        return

    def _there(self) -> None:
        if self.away:
            raise DeliveryError("away")


def test_it_waits_in_order_and_is_forgotten_once_confirmed(tmp_path: Path) -> None:
    spool, broker = Spool(tmp_path), Broker()
    for content in (b"1", b"2"):
        spool.put(LETTER, content)
    spool.put(EVENT, b"3")
    with pytest.raises(DeliveryError):
        spool.send(broker)
    broker.away = False
    assert spool.send(broker) == 3
    assert (broker.letters, broker.events, list(spool.waiting())) == ([b"1", b"2"], [b"3"], [])


def test_it_is_bounded(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most_bytes=10)
    spool.put(LETTER, b"12345678")
    with pytest.raises(SpoolFullError, match="holds 10 bytes already"):
        spool.put(LETTER, b"123")


def test_the_postman_goes_again_when_the_broker_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.spool.AGAIN_AFTER", 0.05)
    spool, broker = Spool(tmp_path), Broker()
    postman = Postman(spool, broker)
    postman.keep(LETTER, b"letter")
    broker.away = False
    until(lambda: broker.letters == [b"letter"], "the letter to be handed over")
    postman.close()


def test_what_an_earlier_process_left_is_sent_by_the_next(tmp_path: Path) -> None:
    Spool(tmp_path).put(LETTER, b"left")
    broker = Broker()
    broker.away = False
    postman = Postman(Spool(tmp_path), broker)
    postman.start()
    until(lambda: broker.letters == [b"left"], "what was left to be sent")
    postman.close()
