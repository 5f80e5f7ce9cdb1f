"""The demo's processes: one parent that has loaded everything, and an agent in each of its forks.

What is loaded before the fork is shared by all of them, so that fifteen agents cost little more than one. So nothing
here may start a thread or open a connection before it forks.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module

# What an agent would load for itself after the fork, each for its own.
LOADED = (
    *("billiard.pool", "celery.app.amqp", "celery.app.control", "celery.app.events", "celery.app.log"),
    *("celery.apps.worker", "celery.backends.base", "celery.concurrency.thread", "celery.events.dispatcher"),
    *(
        "celery.fixups.django",
        "celery.worker.autoscale",
        "celery.worker.components",
        "celery.worker.consumer",
    ),
    *("celery.worker.strategy", "concurrent.futures.thread", "encodings.idna", "httpx", "kombu.mixins"),
    *("kombu.pidbox", "kombu.transport.redis", "redis", "requests"),
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    *("anyio", "httpcore", "httpcore._sync.http11", "opentelemetry.sdk.trace.export"),
    *("postroom.celery", "postroom.content.stores", "postroom.demo.agent", "postroom.delivery.redis.settler"),
    *("postroom.delivery.transport", "postroom.http", "postroom.idempotency.redis_store"),
    *(
        "postroom.registry.hook",
        "postroom.runtime.control",
        "postroom.runtime.staff",
        "postroom.runtime.worker",
    ),
    "postroom.telemetry.traced",
)

# What tells a process to end.
ENDINGS = (signal.SIGTERM, signal.SIGINT)


def load() -> None:
    """Before the first fork."""
    for module in LOADED:
        import_module(module)
    gc.collect()
    gc.freeze()


class Office:
    """The agents' processes by name: started, started again when they die, ended together."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}
        self._versions: dict[str, str] = {}
        self._ending = False

    def start(self, agent: str, version: str) -> None:
        self._versions[agent] = version
        self._pids[agent] = fork(agent, version)

    def version(self, agent: str) -> str:
        return self._versions[agent]

    def runs(self, agent: str) -> bool:
        return agent in self._pids

    def kill(self, agent: str) -> None:
        """-9; nobody starts it again until `start`."""
        if pid := self._pids.pop(agent, 0):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def end(self, agent: str) -> None:
        """It finishes what it does, and says that it stops."""
        if pid := self._pids.pop(agent, 0):
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)

    def bury(self) -> list[str]:
        """Those that died by themselves."""
        dead = [agent for agent, pid in self._pids.items() if os.waitpid(pid, os.WNOHANG)[0]]
        for agent in dead:
            del self._pids[agent]
        return dead

    def close(self) -> None:
        """All at once, so that the slowest counts and not the sum."""
        pids = [*self._pids.values()]
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        for pid in pids:
            os.waitpid(pid, 0)
        self._pids.clear()


def fork(agent: str, version: str) -> int:
    """The child never returns."""
    # A signal between the fork and the child's own handlers would be taken by the parent's, which only notes it.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    if pid := os.fork():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
        return pid
    status = 1
    try:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
        status = be(agent, version)
    except BaseException as problem:
        sys.stderr.write(f"demo: {agent} ended: {problem!r}\n")
    finally:
        os._exit(status)


def be(name: str, version: str) -> int:
    """An agent, until it is told to end."""
    from postroom.demo import agent as work
    from postroom.demo import lines
    from postroom.telemetry import conventions

    instance = f"{name}-0"
    told = lines.begin(conventions.resource(name, version, "", instance))
    agent = work.DemoAgent(name, version)
    if agent.step is agent.flow.steps[0]:
        work.Front(agent)
    try:
        return agent.run(pool="threads", concurrency=agent.step.hands, instance=instance, log_level="WARNING")
    finally:
        agent.telemetry.flush()
        told.shutdown()
