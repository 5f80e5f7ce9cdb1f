"""Backpressure across processes, on a real Redis and a real RabbitMQ."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import redis
from kombu import Connection

from postroom.backpressure.slots import PREFIX, SlotsAwayError
from postroom.backpressure.throttle import FullError, Throttle
from postroom.delivery.api import Delivery, Retry, Settlement
from postroom.delivery.redis.settler import RedisSettler
from postroom.runtime.api import Incoming, Outcome
from tests.support import library
from tests.support.waiting import until

# Another process of the same sender: takes as many slots as it gets, says how many, and holds them.
HOLDER = """
import sys
from postroom.backpressure.throttle import FullError, Throttle
from tests.support import library
throttle = Throttle(int(sys.argv[2]), when_full="raise", lease=1.0, redis_url=sys.argv[1])
taken = 0
try:
    while True:
        throttle.before_send(library.outgoing(f"{sys.argv[3]}-{taken}"))
        taken += 1
except FullError:
    print(taken, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def throttle(redis_url: str) -> Iterator[Throttle]:
    made = Throttle(3, when_full="raise", redis_url=redis_url)
    yield made
    made.close()


def taken(redis_url: str) -> int:
    with redis.Redis.from_url(redis_url) as client:
        return int(client.zcard(f"{PREFIX}extract"))


def in_flight(redis_url: str) -> set[str]:
    with redis.Redis.from_url(redis_url) as client:
        alive = client.zrangebyscore(f"{PREFIX}extract", client.time()[0], "+inf")
        return {each.decode() for each in alive}


def fill(throttle: Throttle, count: int = 3, sender: str = "classify") -> None:
    for number in range(count):
        throttle.before_send(library.outgoing(f"{sender}-{number}", sender=sender))


def test_no_more_than_allowed_are_in_flight__refused(throttle: Throttle) -> None:
    fill(throttle)
    with pytest.raises(FullError, match=r"3 messages to extract are in flight.*Send again later"):
        throttle.before_send(library.outgoing("one-more"))
    # The same message again has its slot already.
    throttle.before_send(library.outgoing("classify-0"))


def test_each_sender_has_its_own_and_the_recipient_may_have_a_limit_for_all(redis_url: str) -> None:
    throttle = Throttle(3, max_for_recipient=5, when_full="raise", redis_url=redis_url)
    fill(throttle)
    fill(throttle, 2, sender="scan")
    with pytest.raises(FullError, match="5 messages of all senders"):
        throttle.before_send(library.outgoing("one-more", sender="scan"))
    throttle.close()


def test_a_settled_message_gives_its_slot_back_by_the_settlement_itself(
    throttle: Throttle, redis_url: str
) -> None:
    fill(throttle)
    settler = RedisSettler(redis_url)
    settler.settle(Delivery("extract", "classify-0", ""), Settlement(acknowledge=False))
    throttle.before_send(library.outgoing("one-more"))
    # Its slot is gone; what comes late gives nobody else's away.
    throttle.after_handle(incoming("classify-0"), Outcome("succeeded"), None)
    assert taken(redis_url) == 3
    settler.close()


def test_a_message_that_comes_back_keeps_its_slot(throttle: Throttle, redis_url: str) -> None:
    fill(throttle)
    settler = RedisSettler(redis_url)
    back = Settlement(retry=Retry(60.0, {"body": "", "properties": {}}), acknowledge=False)
    settler.settle(Delivery("extract", "classify-0", ""), back)
    throttle.after_handle(incoming("classify-0"), Outcome("retrying"), None)
    with pytest.raises(FullError):
        throttle.before_send(library.outgoing("one-more"))
    settler.close()


@pytest.mark.parametrize("over", [{0}, {39}, {3, 20, 21, 37}])
def test_as_many_as_are_over_may_be_sent__whichever_they_are(redis_url: str, over: set[int]) -> None:
    throttle = Throttle(40, when_full="raise", redis_url=redis_url)
    fill(throttle, 40)
    settler = RedisSettler(redis_url)
    for each in over:
        settler.settle(Delivery("extract", f"classify-{each}", f"tag-{each}"), Settlement(acknowledge=False))
    for number in range(len(over)):
        throttle.before_send(library.outgoing(f"again-{number}"))
    with pytest.raises(FullError):
        throttle.before_send(library.outgoing("one-more"))
    assert taken(redis_url) == 40
    settler.close()
    throttle.close()


def test_what_the_broker_did_not_take_gives_its_slot_back(throttle: Throttle, redis_url: str) -> None:
    fill(throttle)
    throttle.after_send(library.outgoing("classify-0"), ConnectionError("gone"))
    assert taken(redis_url) == 2


def test_a_sender_waits_for_a_slot_and_gets_it(redis_url: str) -> None:
    import threading

    throttle = Throttle(1, timeout=20.0, redis_url=redis_url)
    fill(throttle, 1)
    waiter = threading.Thread(target=throttle.before_send, args=(library.outgoing("second"),))
    waiter.start()
    assert taken(redis_url) == 1
    throttle.after_handle(incoming("classify-0"), Outcome("succeeded"), None)
    waiter.join(20)
    assert not waiter.is_alive()
    with redis.Redis.from_url(redis_url) as client:
        assert client.zrange(f"{PREFIX}extract", 0, -1) == [b"second"]
    throttle.close()


def test_a_sender_that_waits_in_vain_is_told(redis_url: str) -> None:
    throttle = Throttle(1, timeout=0.05, redis_url=redis_url)
    fill(throttle, 1)
    with pytest.raises(FullError):
        throttle.before_send(library.outgoing("second"))
    throttle.close()


def test_without_redis_nothing_is_sent(tmp_path: object) -> None:
    throttle = Throttle(1, redis_url=f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(SlotsAwayError, match="Nothing is sent"):
        throttle.before_send(library.outgoing("first"))


@pytest.mark.kills
def test_processes_share_the_slots_and_a_killed_one_frees_its_own(redis_url: str) -> None:
    most = 20
    holders = [holder(redis_url, most, f"p{number}") for number in range(2)]
    counts = [int(said(each)) for each in holders]
    assert sum(counts) == most == taken(redis_url)
    mine = Throttle(most, when_full="raise", lease=1.0, redis_url=redis_url)
    with pytest.raises(FullError):
        mine.before_send(library.outgoing("mine"))
    killed = counts.index(max(counts))
    holders[killed].send_signal(signal.SIGKILL)
    holders[killed].wait()
    # Its leases run out; the living one renews, so its slots stay taken past theirs.
    until(lambda: took(mine), "a slot of the killed sender")
    left = {"mine"} | {f"p{1 - killed}-{number}" for number in range(counts[1 - killed])}
    until(lambda: in_flight(redis_url) == left, "all slots of the killed sender")
    for each in holders:
        each.kill()
        each.wait()
    mine.close()


def holder(redis_url: str, most: int, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, redis_url, str(most), name]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=library.environment()
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def took(throttle: Throttle) -> bool:
    try:
        throttle.before_send(library.outgoing("mine"))
    except FullError:
        return False
    return True


def test_by_depth_a_queue_on_rabbitmq_is_no_deeper_than_allowed(rabbitmq_url: str) -> None:
    throttle = Throttle(4, when_full="raise", by="depth", broker_url=rabbitmq_url)
    with Connection(rabbitmq_url) as connection:
        queue = connection.SimpleQueue("extract")
        for number in range(4):
            throttle.before_send(library.outgoing(f"m-{number}"))
            queue.put({"n": number})
        with pytest.raises(FullError, match="wait in extract"):
            throttle.before_send(library.outgoing("m-5"))
    throttle.close()


def incoming(message_id: str) -> Incoming:
    return library.incoming(message_id)
