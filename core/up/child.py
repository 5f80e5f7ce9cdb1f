"""One child process: started, watched, started again when it dies, and ended with everything it started itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core import clock
from core.processes import State
from core.up.commands import MANAGE
from core.up.output import Output
from core.up.watchdog import Watchdog

# The first restart is at once; a process that keeps dying is not allowed to keep the machine busy. A start takes
# three seconds, so the longest wait leaves time to be back within 5 s, however often somebody kills it.
DELAYS = (0.1, 0.25, 0.5, 1.0)
HEALTHY_AFTER_SECONDS = 10.0
REAP_SECONDS = 1.0


@dataclass(slots=True)
class Life:
    """What is known of the child now. `since` is when the state began."""

    state: State = State.DOWN
    since: float = 0.0
    pid: int | None = None
    restarts: int = 0
    reason: str = ""


class Child:
    """A program in a session of its own, so that a signal to the terminal's group reaches `up` alone."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environ: Mapping[str, str],
        output: Output,
        watchdog: Watchdog,
        *,
        ends_by: signal.Signals = signal.SIGKILL,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self.life = name, Life(since=clock.unix())
        self._argv, self._environ = tuple(argv), dict(environ)
        self._output, self._watchdog, self._ends_by = output, watchdog, ends_by
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        # Its process group, from its start until nothing of it is left.
        self._group: int | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self._stopping = False

    def keep(self) -> None:
        """Start it, and from now on start it again whenever it dies."""
        self._keeper = asyncio.create_task(self._keep())

    async def once(self) -> int:
        """Run it to its end; returns its exit status (negative: the signal that ended it)."""
        await self._start()
        return await self._ended()

    def answered(self) -> None:
        """It has proved that it works."""
        if self.life.state is State.STARTING:
            self._become(State.UP, self.life.pid)

    async def stop(self, seconds: float) -> None:
        """Ask it to end, wait so long, then kill it and all that it started."""
        self._stopping = True
        process = self._process
        if process and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(seconds, 0)):
                    await process.wait()
        self._kill_group()
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if process and process.returncode is None:
            await process.wait()
        await self._clear_group()
        self._become(State.DOWN, None)

    # ---- Its life ----------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        deaths = 0
        while True:
            started = clock.monotonic()
            await self._start()
            status = await self._ended()
            if self._stopping:
                return
            deaths = 1 if clock.monotonic() - started > HEALTHY_AFTER_SECONDS else deaths + 1
            self.life.restarts += 1
            self._become(State.RESTARTING, None, says(status))
            self._output.line("up", f"{self.name} {says(status)}; starting it again")
            await asyncio.sleep(DELAYS[min(deaths, len(DELAYS)) - 1])

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *launcher(self._ends_by),
            *self._argv,
            cwd=MANAGE.parent,
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._group = self._process.pid
        self._watchdog.add(self._group, self._ends_by)
        assert self._process.stdout
        relay = asyncio.create_task(self._output.relay(self.name, self._process.stdout))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)
        self._become(State.STARTING, self._process.pid, self.life.reason)

    async def _ended(self) -> int:
        assert self._process
        status = await self._process.wait()
        self._kill_group()
        await self._clear_group()
        return status

    def _become(self, state: State, pid: int | None, reason: str = "") -> None:
        self.life.state, self.life.pid, self.life.reason = state, pid, reason
        self.life.since = clock.unix()
        self._changed()

    # ---- Its group ---------------------------------------------------------------------------------------------

    def _kill_group(self) -> None:
        """Kill what a dead leader left behind: a pool's workers would go on working on its queue."""
        if self._group:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)

    async def _clear_group(self) -> None:
        """Take the leftovers off the process table; they are ours, because `up` is their subreaper."""
        if not (group := self._group):
            return
        until = clock.monotonic() + REAP_SECONDS
        while not _reaped_all(group) and clock.monotonic() < until:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
        self._group = None
        self._watchdog.remove(group)


def _reaped_all(group: int) -> bool:
    """Reap what has ended in a group; False while something in it has not."""
    try:
        while os.waitpid(-group, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return True
    return False


def launcher(ends_by: signal.Signals) -> tuple[str, ...]:
    return (sys.executable, "-S", "-m", "core.up.launch", str(os.getpid()), str(int(ends_by)))


def says(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended by itself with status {status}"
