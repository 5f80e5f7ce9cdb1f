"""What every broker's settler promises (sdk/postroom/delivery/api.py)."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Iterator

import pytest

from postroom.delivery.api import ClaimLostError, DeliveryError, Done, Retry, Settlement
from postroom.delivery.rabbitmq import queues
from tests.support.library_brokers import Broker, rabbitmq_broker, redis_broker


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    on_redis = request.param == "redis"
    url = request.getfixturevalue("redis_url" if on_redis else "vhost")
    with (redis_broker if on_redis else rabbitmq_broker)(url) as broker:
        broker.forget()
        yield broker


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_settled_with_everything_it_leaves_everything_and_is_gone(broker: Broker) -> None:
    broker.send("a", "m-1")
    taken = broker.get("a")
    events = (_json({"id": "1"}), _json({"id": "2"}))
    broker.settle(taken, Settlement(events=events, letter=_json({"death_id": "d"}), done=Done("k", b"r", 60)))
    assert broker.events() == [{"id": "1"}, {"id": "2"}]
    assert broker.letters() == [{"death_id": "d"}]
    assert broker.done("k") == b"r"
    assert broker.take("a") is None


def test_settled_with_nothing_it_leaves_nothing_and_is_gone(broker: Broker) -> None:
    broker.send("a", "m-1")
    broker.settle(broker.get("a"), Settlement())
    assert broker.take("a") is None
    assert broker.events() == broker.letters() == []


def test_a_retry_is_away_until_it_is_due__then_it_comes_back_by_itself(broker: Broker) -> None:
    broker.send("a", "m-1")
    taken = broker.get("a")
    broker.settle(taken, Settlement(retry=Retry(0.8, broker.retried(taken))))
    assert broker.take("a") is None, "it is not due yet"
    again = broker.get("a", 10)
    assert again.body == "m-1"
    assert again.message.headers["attempt"] == 2
    assert again.message.properties["correlation_id"] == "c-1"
    broker.settle(again, Settlement())


def test_a_message_that_was_acknowledged_early_is_told_of_all_the_same(broker: Broker) -> None:
    broker.send("a", "m-1")
    taken = broker.get("a")
    taken.message.ack()
    broker.settler.settle(taken.delivery, Settlement(events=(_json({"id": "1"}),), acknowledge=False))
    assert broker.events() == [{"id": "1"}]


def test_events_and_letters_outside_of_a_delivery_are_kept_in_order(broker: Broker) -> None:
    broker.settler.tell(_json({"id": number}) for number in range(3))
    broker.settler.tell([])
    broker.settler.hand_over(_json({"death_id": "spooled"}))
    assert broker.events() == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert broker.letters() == [{"death_id": "spooled"}]


def test_a_child_process_settles_with_a_connection_of_its_own(broker: Broker) -> None:
    broker.settler.tell([_json({"id": "parent"})])
    child = os.fork()
    if not child:
        broker.settler.tell([_json({"id": "child"})])
        broker.settler.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    broker.settler.tell([_json({"id": "parent again"})])
    assert [event["id"] for event in broker.events()] == ["parent", "child", "parent again"]


def test_a_connection_that_died_is_opened_anew(broker: Broker) -> None:
    broker.settler.tell([_json({"id": "before"})])
    broker.cut()
    broker.settler.tell([_json({"id": "after"})])
    assert [event["id"] for event in broker.events()] == ["before", "after"]


def test_several_threads_settle_at_once(broker: Broker) -> None:
    threads = [
        threading.Thread(target=broker.settler.tell, args=([_json({"id": number})],)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event["id"] for event in broker.events()) == list(range(8))


def test_on_rabbitmq_a_queue_that_was_deleted_is_declared_again(vhost: str) -> None:
    with rabbitmq_broker(vhost) as broker:
        broker.settler.tell([_json({"id": "lost with its queue"})])
        broker.delete_queue(queues.EVENTS)
        broker.settler.tell([_json({"id": "kept"})])
        assert broker.events() == [{"id": "kept"}]


def test_on_redis_a_claim_that_is_gone_settles_nothing__but_a_repeated_settlement_is_done(
    redis_url: str,
) -> None:
    with redis_broker(redis_url) as broker:
        broker.send("a", "m-1")
        taken = broker.get("a")
        settlement = Settlement(events=(_json({"id": "1"}),))
        broker.settler.settle(taken.delivery, settlement)
        broker.settler.settle(taken.delivery, settlement)  # as after an answer that got lost
        stranger = dataclasses.replace(taken.delivery, tag="of-another-time")
        with pytest.raises(ClaimLostError, match="nothing was settled"):
            broker.settler.settle(stranger, settlement)
        assert broker.events() == [{"id": "1"}]


def test_closed_it_opens_again_when_it_is_used(broker: Broker) -> None:
    broker.settler.close()
    broker.settler.tell([_json({"id": "1"})])
    assert broker.events() == [{"id": "1"}]


@pytest.mark.parametrize("url", ["postroom+redis://127.0.0.1:1/0", "amqp://guest:guest@127.0.0.1:1//"])
def test_a_broker_that_is_away_is_a_delivery_error(url: str) -> None:
    from postroom.delivery.rabbitmq.settler import RabbitSettler
    from postroom.delivery.redis.settler import RedisSettler

    settler = RabbitSettler(url) if url.startswith("amqp") else RedisSettler(url)
    with pytest.raises(DeliveryError, match="did not confirm"):
        settler.tell([b"{}"])
