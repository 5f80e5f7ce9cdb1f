"""One of the demo's agents: works as its step says, hands on to the next, and breaks as the fault panel says."""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid

from opentelemetry.trace import Span, SpanKind

from postroom import Agent, Backoff, Message, PermanentError, TransientError
from postroom.demo import company, faults, lines
from postroom.demo.company import Step, Workflow
from postroom.telemetry.telemetry import Telemetry

VERSION, BAD, FIXED = "1.4.0", "1.5.0", "1.5.1"
# Runs of one workflow a second, and in a burst.
USUAL, BURST = 0.4, 1.6
BURST_SECONDS, BURST_SHARE = 10.0, 0.06
LOOKS_EVERY = 0.2
log = logging.getLogger(lines.NAME)


class ModelTimeoutError(TransientError):
    """The model did not answer in time."""


class RecordRefusedError(PermanentError):
    """The tool does not take this record."""


class UnreadableDocumentError(PermanentError):
    """There is nothing in this document that could be read."""


class DemoAgent(Agent):
    """Real work, but for the models and tools, which are played."""

    backoff = Backoff(base=1.0, cap=8.0, attempts=4)

    def __init__(self, agent_id: str, version: str) -> None:
        self.flow, self.step = company.at_work(agent_id)
        super().__init__(agent_id, version=version, capabilities=(self.step.operation,))
        self.telemetry = Telemetry(agent_id, version=version, instance=f"{agent_id}-0")
        self._broken = faults.Watched(faults.here())
        self._chance = random.Random()  # noqa: S311 - no secret hangs on it

    def handle_message(self, message: Message) -> None:
        self._break(message)
        work(self.telemetry, self.step, self._chance)
        hand_on(self, self.flow, self.step, message.payload)
        log.info("%s done", self.step.operation)

    def broken(self, fault: str) -> str:
        """How it is broken here; "" when it is not."""
        return self._broken.state(fault) if faults.FAULTS[fault].agent == self.agent_id else ""

    def _break(self, message: Message) -> None:
        while self.broken(faults.WEDGE):
            time.sleep(LOOKS_EVERY)
        if message.payload["poison"] and self.agent_id == faults.FAULTS[faults.POISON].agent:
            raise UnreadableDocumentError(f"Document {message.payload['document']} holds no text.")
        if self.version == BAD and int(message.payload["number"]) % 2:
            check_tax_number(message.payload)


def check_tax_number(document: dict[str, object]) -> None:
    """New in 1.5.0, and wrong: not every supplier has one."""
    supplier = {"name": "Acme"}
    document["tax_number"] = supplier["tax_number"]


def work(telemetry: Telemetry, step: Step, chance: random.Random) -> None:
    """The step's part: a model, a tool, or its own."""
    if step.model:
        with telemetry.model(step.model, provider="demo") as tokens:
            take_time(step, chance)
            tokens.used(chance.randrange(200, 4000), chance.randrange(20, 600))
            fail_sometimes(step, chance)
    elif step.tool:
        with telemetry.tool(step.tool):
            take_time(step, chance)
            fail_sometimes(step, chance)
    else:
        take_time(step, chance)
        fail_sometimes(step, chance)


def take_time(step: Step, chance: random.Random) -> None:
    slow = 5 if chance.randrange(1000) < step.slow else 1
    time.sleep(step.seconds * chance.uniform(0.6, 1.6) * slow)


def fail_sometimes(step: Step, chance: random.Random) -> None:
    if chance.randrange(1000) >= step.fails:
        return
    log.error("%s failed", step.operation)
    if step.model:
        raise ModelTimeoutError(f"{step.model} did not answer.")
    raise RecordRefusedError(f"{step.tool or step.agent} does not take record {uuid.uuid4()}.")


def hand_on(agent: DemoAgent, flow: Workflow, step: Step, document: dict[str, object]) -> None:
    for following in flow.after(step):
        agent.send_message(following.agent, document, workflow=flow.name)


class Front:
    """What comes in at a workflow's first agent: evenly on the whole, at times in bursts."""

    def __init__(self, agent: DemoAgent) -> None:
        self._agent, self._chance = agent, random.Random()  # noqa: S311
        self._broken = faults.Watched(faults.here())
        self._number, self._burst_until = 0, 0.0
        threading.Thread(target=self._run, name="front", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(self._chance.expovariate(self._rate()))
            try:
                self._one()
            except Exception:
                log.exception("nothing was taken in")

    def _rate(self) -> float:
        now = time.monotonic()
        if now > self._burst_until and self._chance.random() < BURST_SHARE * USUAL / 10:
            self._burst_until = now + BURST_SECONDS
        return BURST if now < self._burst_until else USUAL

    def _one(self) -> None:
        agent, step, self._number = self._agent, self._agent.step, self._number + 1
        document = {"document": str(uuid.uuid4()), "number": self._number, "poison": self._is_poison()}
        with agent.telemetry.span(
            step.operation, {"postroom.workflow": agent.flow.name}, SpanKind.SERVER
        ) as span:
            take_time(step, self._chance)
            for following in agent.flow.after(step):
                agent.send_message(
                    following.agent, document, workflow=agent.flow.name, conversation_id=_run_of(span)
                )
            log.info("%s done", step.operation)

    def _is_poison(self) -> bool:
        _, reader = company.at_work(faults.FAULTS[faults.POISON].agent)
        flows = reader in self._agent.flow.all_steps
        return flows and bool(self._broken.state(faults.POISON)) and self._number % 3 == 0


def _run_of(span: Span) -> str:
    return f"{span.get_span_context().trace_id:032x}"[:16]
