"""What every idempotency store promises (sdk/postroom/idempotency/api.py): inherit, and bring a `store` fixture."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from postroom.delivery.api import Done
from postroom.idempotency.api import Fresh, Handled, InProgress, LeaseLostError, Store
from postroom.idempotency.keeping import keeping
from tests.support.waiting import until


def fresh(answer: object) -> Fresh:
    assert isinstance(answer, Fresh), answer
    return answer


class StoreContract:
    """The promises of `Store`."""

    # The least that a lease of the test's own must last on a busy machine.
    short = 0.3

    def test_nobody_has_it__fresh(self, store: Store) -> None:
        assert fresh(store.begin("k", 30)).key == "k"

    def test_somebody_has_it__in_progress_for_as_long_as_his_lease(self, store: Store) -> None:
        fresh(store.begin("k", 30))
        answer = store.begin("k", 30)
        assert isinstance(answer, InProgress)
        assert 20 < answer.seconds <= 30

    def test_finished__the_result_byte_for_byte_and_nobody_begins_again(self, store: Store) -> None:
        store.finish(fresh(store.begin("k", 30)), b"\x00\xff result", 60)
        assert store.begin("k", 30) == Handled(b"\x00\xff result")
        assert store.begin("k", 30) == Handled(b"\x00\xff result")

    def test_released__it_begins_anew_at_once(self, store: Store) -> None:
        store.release(fresh(store.begin("k", 30)))
        fresh(store.begin("k", 30))

    def test_the_lease_ran_out__another_takes_over_and_the_first_is_refused(self, store: Store) -> None:
        first = fresh(store.begin("k", self.short))
        second = fresh(until(lambda: _if_fresh(store.begin("k", 30)), "the lease to run out"))
        with pytest.raises(LeaseLostError, match="k: Another worker"):
            store.finish(first, b"late", 60)
        with pytest.raises(LeaseLostError):
            store.renew(first, 30)
        store.release(first)
        store.finish(second, b"mine", 60)
        assert store.begin("k", 30) == Handled(b"mine")

    def test_renewed__it_stays(self, store: Store) -> None:
        mine = fresh(store.begin("k", 30))
        store.renew(mine, 90)
        answer = store.begin("k", 30)
        assert isinstance(answer, InProgress)
        assert answer.seconds > 60

    def test_kept_in_a_block__it_is_renewed_until_the_block_ends(self, store: Store) -> None:
        mine = fresh(store.begin("k", 1.2))
        with keeping(store, mine, lease=1.2):
            begin = time.monotonic()
            until(lambda: time.monotonic() - begin > 1.6, "longer than the lease")
            assert isinstance(store.begin("k", 30), InProgress)
        fresh(until(lambda: _if_fresh(store.begin("k", 30)), "the lease to run out"))

    def test_the_same_owner__begins_again(self, store: Store) -> None:
        first = fresh(store.begin("k", 30, owner=self.living_owner(store)))
        assert store.begin("k", 30, owner=self.living_owner(store)) == first

    def living_owner(self, store: Store) -> str:
        return "delivery-1"

    def test_the_record_expired__it_is_handled_anew(self, store: Store) -> None:
        store.finish(fresh(store.begin("k", 30)), b"r", self.short)
        fresh(until(lambda: _if_fresh(store.begin("k", 30)), "the record to expire"))

    def test_a_settlements_record__counts_whoever_had_it(self, store: Store) -> None:
        store.record(Done("k", b"settled", 60))
        assert store.begin("k", 30) == Handled(b"settled")
        store.record(Done("k", b"settled again", 60))
        assert store.begin("k", 30) == Handled(b"settled again")

    def test_keys_do_not_touch_each_other(self, store: Store) -> None:
        store.finish(fresh(store.begin("a", 30)), b"a", 60)
        fresh(store.begin("b", 30))

    def test_many_at_once__one_gets_it(self, store: Store) -> None:
        answers = list[Any]()
        together = threading.Barrier(6)

        def begin() -> None:
            together.wait()
            answers.append(store.begin("k", 30))

        threads = [threading.Thread(target=begin) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(isinstance(answer, Fresh) for answer in answers) == 1
        assert sum(isinstance(answer, InProgress) for answer in answers) == 5


def _if_fresh(answer: object) -> Fresh | None:
    return answer if isinstance(answer, Fresh) else None
