"""From what is known of one message to its sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agents.queues.stuck.table import HELP
from agents.queues.stuck.values import Evidence, Judgement, Kind, RuledOut, Verdict
from agents.queues.stuck.words import lasting
from agents.queues.where.values import Answer, Custody, Spot

NOTHING = "Nothing to do."
DEAD, LOST = "dead", "lost"
# How it reads where Postroom concluded it, and nobody told it who was there.
CONCLUDED = {
    ("succeeded", "hand"): "was settled by hand as processed",
    ("dead", "hand"): "was settled by hand as failed",
    (
        "succeeded",
        "left_queue",
    ): "left its queue and did not come back, and nobody confirmed that it was handled,",
}
ENDED = {
    "succeeded": "was handled",
    "expired": "expired before it was handled",
    "refused": "was refused",
    "purged": "was thrown away",
    "dead": "was given up on",
}
# By a letter's state: how it reads, and what is next.
LETTERS = {
    "held": ("is in dead letters", "Redrive the letter once its cause is gone, or purge it."),
    "claimed": ("is a letter that an operation has claimed", "Look at the operation."),
    "dispatched": ("was redriven and is on its way again", "Wait for its outcome; the operation shows it."),
    "purged": ("is a purged letter", "Restore it while that is possible, if it is wanted."),
    "erased": ("is a purged letter whose contents are gone", NOTHING),
    "unknown": ("is a letter whose outcome is unknown", "Settle it by hand on the letter's page."),
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger and the judgement say of a message."""

    message_id: str
    environment: str
    state: str
    since: datetime
    now: datetime
    broker: str = ""
    queue: str = ""
    agent: str = ""
    instance: str = ""
    error: str = ""
    waits_for: str = ""
    settled: str = ""
    attempt: int = 0
    link: str = ""
    judgement: Judgement = field(default_factory=lambda: Judgement(None))
    evidence: tuple[Evidence, ...] = ()

    @property
    def age_s(self) -> float:
        return max(0.0, (self.now - self.since).total_seconds())

    @property
    def holder(self) -> str:
        return self.instance or self.agent or "an agent that nobody named"


def tell(known: Known, custody: Custody | None = None) -> Answer:
    """Custody speaks where it holds the message; else the ledger and the evidence do."""
    if custody is not None and _in_custody(known, custody):
        return _of_letter(known, custody)
    if known.state in ENDED:
        return _ended(known)
    return _under_way(known)


def _in_custody(known: Known, custody: Custody) -> bool:
    """A redriven message is a letter still, and elsewhere."""
    if known.state in {DEAD, "refused", "expired"}:
        return custody.state in LETTERS
    return custody.state in {"held", "claimed"} and custody.since >= known.since


def _under_way(known: Known) -> Answer:
    judgement = known.judgement
    why = judgement.because if judgement.verdict else ""
    if judgement.verdict is Verdict.UNKNOWN:
        why = f"why is not known, since {'; '.join(judgement.missing[:2]) or 'evidence is missing'}"
    sentence = f"Message {known.message_id} {_doing(known)} for {lasting(known.age_s)}"
    return _answer(
        known,
        f"{sentence}: {why}." if why else f"{sentence}. {_moving(known)}".rstrip(),
        _spot(known),
        _next(known),
    )


def _doing(known: Known) -> str:
    queue = f" in `{known.queue}`" if known.queue else ""
    if known.waits_for:
        return f"has waited at {known.holder}, which asked for {known.waits_for},"
    doing = {
        "sent": f"has been waiting{queue}",
        "waiting": f"has been waiting{queue}",
        "received": f"has been in the hands of {known.holder}",
        "running": f"has been running in {known.holder}",
        "retrying": f"has been waiting for its next attempt{queue}",
        LOST: f"is lost: there should be news of it from {known.holder}, and there has been none",
    }
    return doing.get(known.state, f"has been {known.state}")


def _moving(known: Known) -> str:
    if known.state == LOST:
        return "Its retry did not come back, or whoever had it in hand is gone for good."
    because = known.judgement.because
    if known.judgement.missing:
        return f"It is too early to say why: {known.judgement.missing[0]}."
    return f"It is not stuck: {because}." if because else "It is not stuck."


def _next(known: Known) -> str:
    verdict, agent = known.judgement.verdict, known.judgement.agent
    if known.state == LOST:
        return "Look at the instance that had it; send it again if it is needed."
    if verdict is None:
        return "Wait: nothing holds it up."
    if verdict is Verdict.NO_CONSUMER and agent:
        return f"Start an agent that takes from `{known.queue}`: {agent}."
    if verdict in {Verdict.AGENT_DOWN, Verdict.RUNNING_LONG, Verdict.UNACKNOWLEDGED} and agent:
        return f"{HELP[verdict]} The agent is {agent}."
    if verdict is Verdict.BLOCKED_DOWNSTREAM and agent:
        return f"Repair {agent}: the rest goes on by itself."
    return HELP[verdict]


def _spot(known: Known) -> Spot:
    if known.state in {"received", "running"} or known.waits_for:
        kind, name = "agent", known.holder
    elif known.state == LOST:
        kind, name = "unknown", "nobody knows"
    else:
        kind, name = "queue", known.queue
    return Spot(kind, name, known.environment, known.broker, known.queue, known.agent, known.instance)


def _ended(known: Known) -> Answer:
    concluded = CONCLUDED.get((known.state, known.settled), "")
    who = f" by {known.holder}" if known.agent and not concluded else ""
    error = f": {known.error}" if known.error and known.state != "succeeded" else ""
    sentence = f"Message {known.message_id} {concluded or ENDED[known.state]}{who} {lasting(known.age_s)} ago{error}."
    spot = Spot(
        "over",
        known.holder if known.agent else "over",
        known.environment,
        known.broker,
        known.queue,
        known.agent,
    )
    return _answer(
        known, sentence, spot, NOTHING if known.state == "succeeded" else "Look at why on its page."
    )


def _of_letter(known: Known, custody: Custody) -> Answer:
    says, step = LETTERS[custody.state]
    since = f"since {custody.since:%Y-%m-%d %H:%M:%S} UTC"
    by = f", operation {custody.operation}," if custody.operation else ""
    sentence = f"Message {known.message_id} {says}{by} {since}: {custody.why}."
    age = max(0.0, (known.now - custody.since).total_seconds())
    evidence = Evidence(Kind.LEDGER, f"letter {custody.state}: {custody.why}", age, "custody", custody.link)
    out = (RuledOut(Verdict.NO_CONSUMER, "it left its queue: custody holds it"),)
    spot = Spot("letters", "dead letters", known.environment, known.broker, known.queue, known.agent)
    return Answer(
        known.message_id,
        known.environment,
        sentence,
        known.state,
        spot,
        age,
        None,
        (evidence, *known.evidence),
        out,
        (),
        step,
        custody.operation_link or custody.link,
        known.agent,
    )


def _answer(known: Known, sentence: str, spot: Spot, step: str) -> Answer:
    judgement = known.judgement
    return Answer(
        known.message_id,
        known.environment,
        sentence,
        known.state,
        spot,
        known.age_s,
        judgement.verdict,
        judgement.evidence or known.evidence,
        judgement.ruled_out,
        judgement.missing,
        step,
        known.link,
        judgement.agent or known.agent,
    )
