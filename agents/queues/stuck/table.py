"""The table of verdicts: what proves each and what rules it out. The one place in the code; docs/concepts/stuck.md is
written from it, and a test keeps them equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agents.queues.stuck import checks_agents, checks_broker, checks_work
from agents.queues.stuck.values import Facts, Finding, Verdict


@dataclass(frozen=True, slots=True)
class Rule:
    """A verdict, in words and as a function. `help`: what a person can do."""

    verdict: Verdict
    proves: str
    rules_out: str
    help: str
    check: Callable[[Facts], Finding]


TABLE = (
    Rule(
        Verdict.BROKER_UNREACHABLE,
        "agents that live (heartbeat) do not answer over the broker that Postroom reaches; or Postroom cannot reach it "
        "either, and agents that live and told of messages by other ways tell of none since",
        "the broker answers, and so do those who take from the queue",
        "Look at the network and the broker's address as the agents see them.",
        checks_broker.broker_unreachable,
    ),
    Rule(
        Verdict.UNROUTED,
        "the broker says that there is no such queue",
        "the queue is there, or somebody received the message",
        "Start the agent that declares the queue, or send to another one.",
        checks_broker.unrouted,
    ),
    Rule(
        Verdict.DEADLOCK,
        "a ring in the graph of who waits for whom: each holder waits for a message whose queue's hands are full with "
        "messages that wait for the next",
        "no such ring",
        "End one of the messages in the ring, or start another instance of one of its agents.",
        checks_agents.deadlock,
    ),
    Rule(
        Verdict.AGENT_DOWN,
        "every instance that takes from the queue (or the one that holds the message) went silent by heartbeat, and "
        "does not answer over the broker",
        "one of them beats or answers, or stopped as it said, or messages are taken from the queue",
        "Start an instance again.",
        checks_agents.agent_down,
    ),
    Rule(
        Verdict.NO_CONSUMER,
        "the broker, or every worker that was asked, says that nobody consumes the queue, and nothing leaves it",
        "somebody consumes it, or messages leave it",
        "Start an agent that takes from the queue, or let a paused one go on.",
        checks_agents.no_consumer,
    ),
    Rule(
        Verdict.BLOCKED_DOWNSTREAM,
        "its handler sent a message that is stuck itself, or waits for room in a queue that is stuck; or every hand of "
        "its queue is full with such messages",
        "what it sent moves, or it sent nothing",
        "Repair the agent at the end of the chain: this one goes on by itself.",
        checks_agents.blocked_downstream,
    ),
    Rule(
        Verdict.AWAITING_INPUT,
        "its agent said that it waits for input or authorisation",
        "nobody was asked for anything",
        "Answer what is asked, or refuse it.",
        checks_work.awaiting_input,
    ),
    Rule(
        Verdict.RETRY_BACKOFF,
        "its attempts fail, and it waits for the next one",
        "it is the first attempt, or none is awaited",
        "Look at the error. The message goes on by itself when its cause is gone.",
        checks_work.retry_backoff,
    ),
    Rule(
        Verdict.RUNNING_LONG,
        "a handler of an instance that lives has worked on it longer than is usual for the queue; or every hand of its "
        "queue is full with such messages",
        "no handler runs it, or not for longer than usual",
        "Look at what the handler waits for; cancel the task, or restart the instance.",
        checks_work.running_long,
    ),
    Rule(
        Verdict.UNACKNOWLEDGED,
        "an instance that lives has it in hand, and no handler runs it",
        "nothing is in hand, or what is in hand runs",
        "Restart the instance: the broker then hands the message to another one.",
        checks_work.unacknowledged,
    ),
    Rule(
        Verdict.CONSUMER_SATURATED,
        "those who consume the queue take less than usually comes, or need far longer for a message than usual while "
        "more come than go, or it has grown for minutes",
        "the queue drains, or what came is a burst that they work off",
        "Start another instance, or have senders hold back.",
        checks_work.consumer_saturated,
    ),
)
HELP = {rule.verdict: rule.help for rule in TABLE} | {Verdict.UNKNOWN: "Bring back what is missing."}


def markdown() -> str:
    """The table as docs/concepts/stuck.md has it."""
    lines = ["| verdict | proves it | rules it out |", "| --- | --- | --- |"]
    lines += [f"| `{rule.verdict}` | {rule.proves} | {rule.rules_out} |" for rule in TABLE]
    return "\n".join([*lines, "| `unknown` | nothing: something is missing, and it is named | |"])
