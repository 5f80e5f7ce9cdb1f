"""Waiting messages leave their queue for another, or for custody: each once, as it was, and never for nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import kombu
import pytest
from amqp.exceptions import ChannelError

from core import redis_url
from core.brokers import api, waiting
from core.brokers.api import BrokerError, BrokerUrl
from core.brokers.waiting import LETTERS, Moved, Waits, Wanted
from tests.support.servers import free_port
from tests.support.waiting import until

QUORUM = {"x-queue-type": "quorum"}


@dataclass(frozen=True, slots=True)
class Home:
    """A broker and two queues, as an outsider sees them: through kombu."""

    broker: BrokerUrl
    queue: str
    other: str

    def send(self, *bodies: str, **options: Any) -> None:
        with self._connection() as connection, connection.channel() as channel:
            for body in bodies:
                headers = {"task": "book", "id": f"m-{body}", "kept": "as it was"}
                kombu.Producer(channel).publish(
                    body, routing_key=self.queue, headers=headers, correlation_id=body, **options
                )

    def taken(self, queue: str) -> list[kombu.Message]:
        with self._connection() as connection, connection.channel() as channel:
            bound = kombu.Queue(queue, channel=channel, queue_arguments=QUORUM)
            bound.declare()
            found = []
            while message := bound.get(no_ack=True):
                found.append(message)
            return found

    def depth(self, queue: str) -> int:
        with self._connection() as connection, connection.channel() as channel:
            try:
                declared: Any = kombu.Queue(queue, channel=channel).queue_declare(passive=True)
                return int(declared.message_count)
            except ChannelError:
                # An empty list is no key on Redis.
                return 0

    def bodies(self, queue: str) -> list[Any]:
        return [message.payload for message in self.taken(queue)]

    def wanted(self, mark: str, limit: int = 1_000) -> list[Wanted]:
        with waiting.shifter(self.broker) as there:
            seen = there.waits(self.queue, limit)
        return [Wanted(each.key, f"{self.queue}:{mark}:{place}") for place, each in enumerate(seen)]

    def move(self, wanted: Sequence[Wanted], target: str = "") -> list[Moved]:
        with waiting.shifter(self.broker) as there:
            return list(there.move(self.queue, wanted, target or self.other))

    def keep(self, wanted: Sequence[Wanted]) -> list[Moved]:
        with waiting.shifter(self.broker) as there:
            return list(there.keep(self.queue, wanted, letter))

    def letters(self, number: int) -> list[Any]:
        found: list[Any] = []
        with api.stream(self.broker, LETTERS, field="l") as stream:
            while len(found) < number and (some := stream.read(number, 5)):
                found += [json.loads(each.body) for each in some]
                stream.done(some)
        return found

    def _connection(self) -> kombu.Connection:
        return kombu.Connection(redis_url.for_celery(self.broker.url))


def letter(message: Waits, mark: str) -> bytes:
    return json.dumps({"id": message.message_id, "mark": mark, "body": message.body.decode()}).encode()


@pytest.fixture(params=["redis_server", "vhost"])
def home(request: pytest.FixtureRequest) -> Home:
    return made(request.getfixturevalue(request.param))


@pytest.fixture
def on_redis(redis_server: str) -> Home:
    return made(redis_server)


@pytest.fixture
def on_rabbitmq(vhost: str) -> Home:
    return made(vhost)


def made(url: str) -> Home:
    name = uuid.uuid4().hex[:8]
    home = Home(BrokerUrl("main", url), f"orders-{name}", f"spare-{name}")
    home.taken(home.queue), home.taken(home.other)
    return home


def test_move__there_in_their_order_and_otherwise_as_they_were(home: Home) -> None:
    home.send("a", "b", "c")
    assert home.move(home.wanted("op")) == [Moved.MOVED] * 3
    assert home.taken(home.queue) == []
    arrived = home.taken(home.other)
    assert [message.payload for message in arrived] == ["a", "b", "c"]
    assert arrived[0].headers["kept"] == "as it was"
    assert arrived[0].properties["correlation_id"] == "a"


def test_what_came_since_and_what_was_not_wanted__stays_in_its_place(home: Home) -> None:
    home.send("a", "b", "c")
    first, _, third = home.wanted("op")
    home.send("d")
    assert home.move([third, first]) == [Moved.MOVED, Moved.MOVED]
    assert home.bodies(home.queue) == ["b", "d"]


def test_taken_by_a_consumer_in_between__gone(home: Home) -> None:
    home.send("a")
    wanted = home.wanted("op")
    home.taken(home.queue)
    assert home.move(wanted) == [Moved.GONE]
    assert home.taken(home.other) == []


def test_looked_for__said_where_each_is_and_nothing_moves(home: Home) -> None:
    home.send("a", "b", "b")
    wanted = home.wanted("op")
    with waiting.shifter(home.broker) as there:
        assert there.move(home.queue, wanted[:1], home.other) == [Moved.MOVED]
        moved = Moved.ALREADY if there.remembers else Moved.GONE
        assert there.look(home.queue, wanted) == [moved, Moved.UNSENT, Moved.UNSENT]
        assert home.bodies(home.queue) == ["b", "b"]
        assert there.look(home.queue, wanted) == [moved, Moved.GONE, Moved.GONE]
        assert there.look("nobody-has-this", wanted) == [moved, Moved.GONE, Moved.GONE]


def test_whether_all_was_kept__redis_says_and_rabbitmq_remembers_nothing(home: Home) -> None:
    with waiting.shifter(home.broker) as there:
        life = there.life()
        assert bool(life) is there.remembers is (home.broker.kind == "redis")
        assert there.kept(life)
        assert there.kept("") is not there.remembers


def test_equal_messages__each_of_them(home: Home) -> None:
    home.send("a", "a", "a")
    wanted = home.wanted("op")
    assert home.move(wanted[:2]) == [Moved.MOVED, Moved.MOVED]
    assert len(home.taken(home.other)) == 2
    assert home.bodies(home.queue) == ["a"]


def test_keep__a_letter_about_each_and_the_queue_is_empty(home: Home) -> None:
    home.send("a", "b")
    assert home.keep(home.wanted("op")) == [Moved.MOVED, Moved.MOVED]
    assert home.taken(home.queue) == []
    letters = home.letters(2)
    assert [(each["id"], each["mark"]) for each in letters] == [
        ("m-a", f"{home.queue}:op:0"),
        ("m-b", f"{home.queue}:op:1"),
    ]


def test_a_queue_that_is_not_there__nothing_waits_and_all_is_gone(home: Home) -> None:
    with waiting.shifter(home.broker) as there:
        assert there.waits("nobody-has-this", 10) == []
        wanted = [Wanted("k", f"{home.queue}:op:0")]
        assert there.move("nobody-has-this", wanted, home.other) == [Moved.GONE]


def test_asked_again_on_redis__already_and_not_a_second_time(on_redis: Home) -> None:
    on_redis.send("a")
    wanted = on_redis.wanted("op")
    assert on_redis.move(wanted) == [Moved.MOVED]
    assert on_redis.move(wanted) == [Moved.ALREADY]
    assert on_redis.bodies(on_redis.other) == ["a"]


def test_priorities_on_redis__kept(on_redis: Home) -> None:
    on_redis.send("low", priority=0)
    on_redis.send("high", priority=9)
    assert on_redis.move(on_redis.wanted("op")) == [Moved.MOVED, Moved.MOVED]
    arrived: list[Any] = on_redis.taken(on_redis.other)
    assert {message.properties["priority"] for message in arrived} == {0, 9}


def test_moved_on_redis__a_worker_that_dies_has_it_put_back_on_its_new_queue(on_redis: Home) -> None:
    on_redis.send("a")
    on_redis.move(on_redis.wanted("op"))
    (message,) = on_redis.taken(on_redis.other)
    assert message.delivery_info["routing_key"] == on_redis.other


def test_a_target_of_the_wrong_kind_on_redis__refused_and_still_waiting(on_redis: Home) -> None:
    import redis

    on_redis.send("a")
    with redis.Redis.from_url(on_redis.broker.url) as client:
        client.set(on_redis.other, "no list")
        assert on_redis.move(on_redis.wanted("op")) == [Moved.REFUSED]
        client.delete(on_redis.other)
    assert on_redis.bodies(on_redis.queue) == ["a"]


def test_more_than_a_window_on_redis__found_at_the_end_too(on_redis: Home) -> None:
    on_redis.send(*(str(number) for number in range(1_205)))
    wanted = on_redis.wanted("op", 2_000)
    assert on_redis.move(wanted[-2:]) == [Moved.MOVED, Moved.MOVED]
    assert on_redis.bodies(on_redis.other) == ["1203", "1204"]


def test_no_such_target_on_rabbitmq__unroutable_and_still_waiting(on_rabbitmq: Home) -> None:
    on_rabbitmq.send("a")
    assert on_rabbitmq.move(on_rabbitmq.wanted("op"), "nobody-has-this") == [Moved.UNROUTABLE]
    assert on_rabbitmq.bodies(on_rabbitmq.queue) == ["a"]


def test_a_full_target_on_rabbitmq__refused_and_still_waiting(on_rabbitmq: Home) -> None:
    full = f"{on_rabbitmq.other}-full"
    with kombu.Connection(on_rabbitmq.broker.url) as connection, connection.channel() as channel:
        arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
        kombu.Queue(full, channel=channel, queue_arguments=arguments).declare()
    on_rabbitmq.send("a", "b", "c")
    found = on_rabbitmq.move(on_rabbitmq.wanted("op"), full)
    assert found[0] is Moved.MOVED
    assert found[-1] is Moved.REFUSED
    assert len(on_rabbitmq.taken(on_rabbitmq.queue)) == found.count(Moved.REFUSED)


_MOVER = """
import sys
from core.brokers import waiting
from core.brokers.api import BrokerUrl
from core.brokers.waiting import Wanted
url, queue, other = sys.argv[1:]
with waiting.shifter(BrokerUrl("main", url)) as there:
    seen = there.waits(queue, 5_000)
    print("begun", flush=True)
    there.move(queue, [Wanted(each.key, f"{queue}:{place}") for place, each in enumerate(seen)], other)
"""


@pytest.mark.parametrize("after", [1, 60, 150])
def test_killed_in_the_middle__every_message_is_in_one_of_the_two_places(home: Home, after: int) -> None:
    bodies = [str(number) for number in range(400)]
    home.send(*bodies)
    command = [sys.executable, "-c", _MOVER, home.broker.url, home.queue, home.other]
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "core.settings"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as mover:
        assert mover.stdout
        mover.stdout.readline()
        while mover.poll() is None and home.depth(home.other) < after:
            pass
        mover.kill()
    here, moved = list[Any](), home.bodies(home.other)

    def all_there() -> bool:
        here.extend(home.bodies(home.queue))
        return {*here, *moved} == {*bodies}

    # RabbitMQ gives back what the dead one held as soon as it knows that it is dead.
    until(all_there, "every message to be in one of the two places")
    # RabbitMQ: a copy was confirmed and its original not acknowledged, of the one that was under way.
    assert len(here) + len(moved) - len(bodies) <= (home.broker.kind == "rabbitmq")


@pytest.mark.parametrize("kind", ["redis", "amqp"])
def test_nobody_there__an_error_that_names_the_broker(kind: str) -> None:
    home = made_nowhere(kind)
    with pytest.raises(BrokerError, match="cannot reach main"):
        home.move([Wanted("k", "op:0")])


def made_nowhere(kind: str) -> Home:
    return Home(BrokerUrl("main", f"{kind}://127.0.0.1:{free_port()}/0"), "orders", "spare")
