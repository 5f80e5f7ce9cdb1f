"""The watcher's part of custody: a loop of capture for each broker, and one that brings keys up to date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from threading import Thread

import structlog

from agents.deadletters import dead_queue
from agents.deadletters.celery import move_soon
from agents.deadletters.models import LetterSource
from agents.deadletters.services import grouping, keys, moving
from agents.deadletters.services.capture import Capture
from agents.deadletters.trouble import Alarm, What
from agents.deadletters.values import Arrival, Origin
from core import watch
from core.brokers.api import BrokerError, BrokerUrl, Delivery, configured, find
from core.database_errors import AWAY
from core.watch import Turn

log = structlog.get_logger(__name__)

# How soon a change of the sources is followed, and how long a reader may take to leave.
FOLLOW_SECONDS, LEAVE_SECONDS = 2.0, 15.0
# Long enough to cost nothing while all is quiet, short enough to leave in time.
WAIT_SECONDS = 1.0
# Whoever could not go on tries again after this.
REST_SECONDS = 2.0


class Capturing:
    """Captures from one queue for as long as its watcher leads. Trouble at either end is said, and waited out."""

    def __init__(self, capture: Capture, source: str = "") -> None:
        self._capture = capture
        self._alarm = Alarm(capture.broker.name, source)

    def look(self, turn: Turn) -> None:
        try:
            while turn.wanted:
                self._step(turn)
        finally:
            self._capture.close()
            self._alarm.clear()

    def _step(self, turn: Turn) -> None:
        try:
            self._capture.step(WAIT_SECONDS)
        except BrokerError as problem:
            self._capture.close()
            self._rest(turn, What.UNREACHABLE, str(problem))
        except AWAY as problem:
            # What was read is not done: it comes again from the same connection, before anything else.
            self._capture.doubt()
            self._rest(turn, What.CANNOT_COMMIT, _first_line(problem))
        else:
            self._alarm.clear()

    def _rest(self, turn: Turn, what: What, sentence: str) -> None:
        from django.db import connection

        self._alarm.raise_(what, sentence)
        connection.close()
        turn.over.wait(REST_SECONDS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source as it is to be read. A change of it is another one."""

    broker: str
    queue: str
    environment: str
    agent: str


class Sources:
    """Reads every source that is wanted, each in a thread of its own: one that is added begins, and one that is removed
    or changed ends, without anybody's restart."""

    def __init__(self) -> None:
        self._readers: dict[Wanted, tuple[Turn, Thread]] = {}

    def look(self, turn: Turn) -> None:
        try:
            while turn.wanted:
                self._follow(turn, _wanted())
                turn.over.wait(FOLLOW_SECONDS)
        finally:
            self._follow(turn, set())

    def _follow(self, turn: Turn, wanted: set[Wanted]) -> None:
        ended = [each for each, (_, thread) in self._readers.items() if not thread.is_alive()]
        for each in {*(self._readers.keys() - wanted), *ended}:
            own, thread = self._readers.pop(each)
            own.over.set()
            # Whoever reads the same queue next must not be in its way.
            thread.join(LEAVE_SECONDS)
        for each in wanted - self._readers.keys():
            own = Turn(turn.lease)
            thread = Thread(target=_read_source, args=(each, own), name=f"letters {each.queue}", daemon=True)
            self._readers[each] = own, thread
            thread.start()


def _wanted() -> set[Wanted]:
    from django.db import close_old_connections

    close_old_connections()
    rows = LetterSource.objects.filter(enabled=True).order_by()
    return {Wanted(*row) for row in rows.values_list("broker", "queue", "environment", "agent")}


def _read_source(wanted: Wanted, turn: Turn) -> None:
    from django.db import connection

    broker = find(wanted.broker)
    if broker is None:
        log.error("a letter source names a broker that is not configured", **asdict(wanted))
        turn.over.wait()
        return

    def read(delivery: Delivery, origin: Origin) -> Arrival:
        return dead_queue.arrival(delivery, dead_queue.From(origin, wanted.environment, wanted.agent))

    try:
        Capturing(Capture(broker, wanted.queue, read=read, declare=False), wanted.queue).look(turn)
    except Exception:
        # It is begun anew at the next look.
        log.exception("a letter source's reader crashed", **asdict(wanted))
    finally:
        connection.close()


def _first_line(problem: Exception) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


def _loop(broker: BrokerUrl) -> Callable[[Turn], None]:
    return Capturing(Capture(broker)).look


def bring_keys_up_to_date(turn: Turn) -> None:
    """After a new key came first in the settings: a batch at a time, until all use it."""
    while turn.wanted and keys.reseal():
        pass


def group_older(turn: Turn) -> None:
    """Letters that were kept before there were groups: a batch at a time, until all have one."""
    while turn.wanted and grouping.backfill():
        pass


def move_on(turn: Turn) -> None:
    """Letters on their way between groups whose worker died, or was never told."""
    for id in moving.due():
        move_soon(id)


for each in configured():
    watch.register(f"letters {each.name}", timedelta(seconds=1), _loop(each))
watch.register("letters keys", timedelta(seconds=30), bring_keys_up_to_date)
watch.register("letters groups", timedelta(seconds=30), group_older)
watch.register("letters moves", timedelta(seconds=2), move_on)
watch.register("letters sources", timedelta(seconds=2), Sources().look)
