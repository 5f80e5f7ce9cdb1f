"""Where an instrumented application and ours meet: Celery's signals, and the class of its requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import signals
from kombu.utils.imports import symbol_by_name

from postroom.instrumented import stages as instrumented
from postroom.instrumented.office import Office
from postroom.instrumented.publishing import Publishing
from postroom.instrumented.request import InstrumentedRequest
from postroom.instrumented.unreadable import write_letter
from postroom.runtime.hooks import tell_all


def wire(app: Any, office: Office) -> None:
    """Connect everything; the receivers live as long as the application."""
    app.Task.Request = InstrumentedRequest
    publishing, working = Publishing(office), Working(app, office)
    for signal, receiver in (*publishing.table(), *working.table()):
        signal.connect(receiver, weak=False)


class Working:
    """What is done when a worker of this application starts, stops, or gets what it cannot use."""

    def __init__(self, app: Any, office: Office) -> None:
        self._app, self._office = app, office
        self._ours = False

    def table(self) -> list[tuple[Any, Callable[..., None]]]:
        return [
            (signals.celeryd_after_setup, self.set_up),
            (signals.worker_ready, self.ready),
            (signals.worker_shutdown, self.ended),
            (signals.worker_process_init, self.process_begun),
            (signals.worker_process_shutdown, self.process_ended),
            (signals.task_unknown, self.unknown),
            (signals.task_rejected, self.rejected),
        ]

    def set_up(self, sender: str, instance: Any, **_: Any) -> None:
        """Its name is known, its processes are not forked yet."""
        self._ours = instance.app is self._app
        if not self._ours:
            return
        self._office.call_yourself(str(sender), int(instance.concurrency or 1))
        instrumented.employ(self._office)
        for task in self._app.tasks.values():
            _join_request_class(task)

    def ready(self, sender: Any, **_: Any) -> None:
        if not self._ours:
            return
        _catch_undecodable(sender, self._office)
        if not _has_processes(sender):
            self._begin_process()
        self._office.postman.start()
        for hook in self._office.hooks:
            hook.on_start(self._office.about)

    def ended(self, **_: Any) -> None:
        if self._ours:
            tell_all(reversed(self._office.hooks), "on_stop", self._office.about)
            self._office.house.close()

    def process_begun(self, **_: Any) -> None:
        if self._ours:
            self._begin_process()

    def _begin_process(self) -> None:
        house = self._office.house
        for hook in house.hooks:
            hook.on_process_start(house.about)

    def process_ended(self, **_: Any) -> None:
        if self._ours:
            house = self._office.house
            tell_all(reversed(house.hooks), "on_process_stop", house.about)
            house.close()

    def unknown(self, message: Any, exc: Any = None, **_: Any) -> None:
        if self._ours:
            write_letter(
                self._office, message, "NotRegistered", f"No task of this application is called {exc}."
            )

    def rejected(self, message: Any, exc: Any = None, **_: Any) -> None:
        if self._ours:
            write_letter(
                self._office,
                message,
                "Unreadable",
                f"Celery cannot read this message: {exc or 'no task in it'}",
            )


def _join_request_class(task: Any) -> None:
    """A task with a request class of its own keeps it, within ours."""
    own = symbol_by_name(task.Request)
    if not issubclass(own, InstrumentedRequest):
        type(task).Request = type(f"Instrumented{own.__name__}", (InstrumentedRequest, own), {})


def _catch_undecodable(consumer: Any, office: Office) -> None:
    """Celery acknowledges what it cannot decode, and says so only in its log."""
    ignore = consumer.on_decode_error

    def on_decode_error(message: Any, exc: Exception) -> None:
        write_letter(office, message, "Unreadable", f"The body cannot be decoded: {exc}")
        ignore(message, exc)

    consumer.on_decode_error = on_decode_error


def _has_processes(consumer: Any) -> bool:
    """Prefork and solo say by themselves when a process begins."""
    return type(consumer.pool).__module__.endswith((".prefork", ".solo"))
