"""Starts every process in order, keeps them, says what they do, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

from core import clock, live_redis, processes
from core.data_dir import DataDir
from core.processes import Kind, Record, State
from core.up import banner, commands, prepare, ready, redis
from core.up.child import Child, says
from core.up.failures import StartRefusedError
from core.up.output import Output
from core.up.plan import Plan
from core.up.ready import Door
from core.up.watchdog import Watchdog

LOOK_SECONDS = 0.25
REPORT_SECONDS = 1.0
COMPLAIN_SECONDS = 30.0
REDIS_START_SECONDS = 60.0
# Until when, counted from the signal, each step may take; then its groups are killed. The last is Redis.
STEPS = {0: 1.0, 1: 3.0, 2: 6.0, 3: 8.0}
# The demo's agents say that they stop while somebody listens still.
DEMO_STEP, REDIS_STEP = 0, 3


class Supervisor:
    """One run of `up`, from the plan to the last child's end."""

    def __init__(
        self,
        plan: Plan,
        data: DataDir,
        output: Output,
        watchdog: Watchdog,
        hosts: Sequence[str],
        *,
        demo: bool,
    ) -> None:
        self.plan, self.data, self.output, self.watchdog = plan, data, output, watchdog
        self.children: dict[str, Child] = {}
        self._steps: dict[str, int] = {}
        self._demo = demo
        self._wake = asyncio.Event()
        header = ready.host_header(list(hosts), plan.web)
        self._web = Door(plan.web, host_header=header)
        self._intake = Door(plan.otlp_http, plan.intake_socket, header)

    async def run(self) -> None:
        """Until it is cancelled; whatever happens, no child is left behind."""
        try:
            await self._start_redis()
            prepared = await self._prepare()
            self._start_programs()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_over())
                tasks.create_task(self._announce(prepared))
        finally:
            await asyncio.shield(asyncio.create_task(self._end()))

    # ---- The start ---------------------------------------------------------------------------------------------

    async def _start_redis(self) -> None:
        if not self.plan.redis:
            return
        argv = redis.command(self.plan.redis, self.data)
        # Killed with `up`, it is asked to end instead of being killed: it writes its file first.
        self._child(Kind.REDIS, argv, step=REDIS_STEP, ends_by=signal.SIGTERM).keep()
        self.data.redis_url.write_text(self.plan.redis_url, encoding="utf-8")
        self.data.redis_url.chmod(0o600)
        await self._until_redis_answers()

    async def _until_redis_answers(self) -> None:
        until = clock.monotonic() + REDIS_START_SECONDS
        while not await asyncio.to_thread(_answers, self.plan.redis_url):
            if clock.monotonic() > until:
                raise StartRefusedError(
                    f"The private Redis does not answer; its lines above say why. Its files are in {self.data.redis}."
                )
            await asyncio.sleep(0.05)
        self.children[Kind.REDIS].answered()

    async def _prepare(self) -> prepare.Prepared:
        argv = commands.argv((*commands.PREPARE, "--into", str(self._note)))
        child = self._child("prepare", argv, step=1)
        status = await child.once()
        del self.children["prepare"]
        if status != 0:
            raise StartRefusedError(
                f"Preparing the databases {says(status)}; the lines above say why. Nothing was started."
            )
        return prepare.load(self._note.read_text(encoding="utf-8"))

    def _start_programs(self) -> None:
        for program in commands.PROGRAMS:
            self._child(program.kind, program.argv, step=program.ends_in_step).keep()

    def _child(
        self, name: str, argv: Sequence[str], *, step: int, ends_by: signal.Signals = signal.SIGKILL
    ) -> Child:
        child = Child(
            str(name),
            argv,
            self.plan.environ,
            self.output,
            self.watchdog,
            ends_by=ends_by,
            changed=self._wake.set,
        )
        self.children[str(name)], self._steps[str(name)] = child, step
        return child

    @property
    def _note(self) -> Path:
        return self.data.run / "prepared.json"

    # ---- While it runs -----------------------------------------------------------------------------------------

    async def _watch_over(self) -> None:
        """Believe a child's beat, report every change at once, and keep the guardian alive."""
        reported = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()
            due = self._wake.is_set() or clock.monotonic() - reported > REPORT_SECONDS
            self._wake.clear()
            if due or self._starting():
                await asyncio.to_thread(self._exchange)
                reported = clock.monotonic()
            if self.watchdog.look():
                self.output.line("up", "the guardian died; started it again")

    def _starting(self) -> list[Child]:
        return [child for child in self.children.values() if child.life.state is State.STARTING]

    def _exchange(self) -> None:
        """Hear who beats and say what we know. Redis away: the next round tries again."""
        client = live_redis.at(self.plan.redis_url)
        with contextlib.suppress(live_redis.Unreachable):
            heard = processes.beats(client)
            for child in self._starting():
                beat = heard.get(f"{child.name}/{processes.default_name()}")
                if child.name == Kind.REDIS or (beat and beat.since >= child.life.since):
                    child.answered()
            processes.report(client, self._records())

    def _records(self) -> list[Record]:
        name, now = processes.default_name(), clock.unix()
        lives = [(kind, self.children[kind].life) for kind in Kind if kind in self.children]
        return [
            Record(kind, name, life.state, life.since, now, life.pid, life.restarts, life.reason)
            for kind, life in lives
        ]

    async def _announce(self, prepared: prepare.Prepared) -> None:
        """Say that it is ready when that is true; until then say now and then what is still missing."""
        complain_at = clock.monotonic() + COMPLAIN_SECONDS
        while missing := await self._missing():
            if clock.monotonic() > complain_at:
                self.output.line("up", f"still waiting for {', '.join(missing)}")
                complain_at = clock.monotonic() + COMPLAIN_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
        for line in banner.lines(self.plan, prepared):
            self.output.say(line)
        if self._demo:
            # Afterwards, so that fifteen agents do not hold up the start.
            self._child("demo", commands.argv(commands.DEMO), step=DEMO_STEP).keep()
        # Only now: a start that was broken off before must show the first password the next time.
        self._note.unlink()

    async def _missing(self) -> list[str]:
        silent = [kind for kind in Kind if kind in self.children and not self._is_up(kind)]
        if silent:
            return [str(kind) for kind in silent]
        grpc = self.plan.otlp_grpc
        answers = {
            "web": await ready.status(self._web, "/readyz") == 200,
            "intake": await ready.status(self._intake, "/healthz") == 200,
            "OTLP/gRPC": grpc is None or await ready.listens(grpc),
        }
        return [part for part, answered in answers.items() if not answered]

    def _is_up(self, kind: Kind) -> bool:
        return self.children[kind].life.state is State.UP

    # ---- The end -----------------------------------------------------------------------------------------------

    async def _end(self) -> None:
        """Those that take things in, then those that work, then Redis, which saves; nobody outlives its step."""
        begun = clock.monotonic()
        if self.children:
            self.output.line("up", "ending")
        for step, limit in STEPS.items():
            if step == REDIS_STEP:
                await asyncio.to_thread(self._withdraw)
            left = limit - (clock.monotonic() - begun)
            ending = [child for name, child in self.children.items() if self._steps[name] == step]
            await asyncio.gather(*(child.stop(left) for child in ending))
        self.data.redis_url.unlink(missing_ok=True)

    def _withdraw(self) -> None:
        with contextlib.suppress(live_redis.Unreachable):
            processes.withdraw(live_redis.at(self.plan.redis_url))


def _answers(url: str) -> bool:
    try:
        return bool(live_redis.at(url).ping())
    except live_redis.Unreachable:
        return False
