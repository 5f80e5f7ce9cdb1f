"""What spans and metrics say, by OpenTelemetry's conventions for messaging and generative AI. Pure.

Each name once. Postroom reads these, and so does any other back end that knows the conventions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from postroom.runtime.api import About, Incoming, Outcome, Outgoing

SYSTEM: Final = "messaging.system"
DESTINATION: Final = "messaging.destination.name"
OPERATION_TYPE: Final = "messaging.operation.type"
OPERATION_NAME: Final = "messaging.operation.name"
MESSAGE_ID: Final = "messaging.message.id"
CONVERSATION_ID: Final = "messaging.message.conversation_id"
BODY_SIZE: Final = "messaging.message.body.size"
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_VERSION: Final = "gen_ai.agent.version"
GEN_AI_OPERATION: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER: Final = "gen_ai.provider.name"
GEN_AI_MODEL: Final = "gen_ai.request.model"
GEN_AI_INPUT: Final = "gen_ai.usage.input_tokens"
GEN_AI_OUTPUT: Final = "gen_ai.usage.output_tokens"
GEN_AI_TOOL: Final = "gen_ai.tool.name"
ERROR_TYPE: Final = "error.type"
WORKFLOW: Final = "postroom.workflow"
ATTEMPT: Final = "postroom.attempt"
REDRIVE: Final = "postroom.redrive"
OUTCOME: Final = "postroom.outcome"
FAILURE_CLASS: Final = "postroom.failure.class"

# Metrics: name → unit and what it is.
SENT: Final = "messaging.client.sent.messages"
SEND_DURATION: Final = "messaging.client.operation.duration"
PROCESSED: Final = "messaging.client.consumed.messages"
PROCESS_DURATION: Final = "messaging.process.duration"

LABELS: Final = (SYSTEM, DESTINATION, OUTCOME, ERROR_TYPE)

Attributes = dict[str, str | int]


def system(broker_url: str) -> str:
    """The messaging system as the convention calls it."""
    return "rabbitmq" if broker_url.startswith(("amqp", "pyamqp")) else "redis"


def resource(agent_id: str, version: str, environment: str, instance: str) -> dict[str, str]:
    """What all spans of one process have in common."""
    said = {
        "service.name": agent_id,
        "service.version": version,
        "service.instance.id": instance,
        "deployment.environment.name": environment,
        AGENT_ID: agent_id,
        AGENT_VERSION: version,
    }
    return {name: value for name, value in said.items() if value}


def of_agent(agent_id: str, version: str) -> Attributes:
    said: Attributes = {AGENT_ID: agent_id, AGENT_NAME: agent_id}
    return said | ({AGENT_VERSION: version} if version else {})


def of_incoming(about: About, incoming: Incoming) -> Attributes:
    """A message that is handled."""
    said: Attributes = {
        SYSTEM: system(about.broker_url),
        DESTINATION: incoming.queue,
        OPERATION_TYPE: "process",
        OPERATION_NAME: "process",
        MESSAGE_ID: incoming.message_id,
        BODY_SIZE: len(incoming.body),
        ATTEMPT: incoming.attempt,
        **of_agent(about.agent, about.version),
    }
    return said | _optional(incoming.workflow, incoming.conversation_id, incoming.redrive)


def of_outgoing(outgoing: Outgoing, broker_system: str, workflow: str, conversation_id: str) -> Attributes:
    """A message that is sent."""
    said: Attributes = {
        SYSTEM: broker_system,
        DESTINATION: outgoing.queue,
        OPERATION_TYPE: "send",
        OPERATION_NAME: "send",
        MESSAGE_ID: outgoing.message_id,
        BODY_SIZE: len(outgoing.body),
        AGENT_ID: outgoing.sender,
        AGENT_NAME: outgoing.sender,
    }
    return said | _optional(workflow, conversation_id, outgoing.redrive)


def of_outcome(outcome: Outcome) -> Attributes:
    said: Attributes = {OUTCOME: outcome.kind}
    if outcome.failure:
        said |= {ERROR_TYPE: outcome.failure.type, FAILURE_CLASS: outcome.failure.class_}
    return said


def labels(attributes: Mapping[str, str | int]) -> Attributes:
    """Of a span's attributes those that a metric may have: a message's id would make a series of each message."""
    return {name: attributes[name] for name in LABELS if name in attributes}


def _optional(workflow: str, conversation_id: str, redrive: int) -> Attributes:
    said: Attributes = {}
    if workflow:
        said[WORKFLOW] = workflow
    if conversation_id:
        said[CONVERSATION_ID] = conversation_id
    if redrive:
        said[REDRIVE] = redrive
    return said
