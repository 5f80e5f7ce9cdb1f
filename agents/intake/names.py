"""Which attribute says what: for each field the current name of the convention first, then the older ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Names = Mapping[str, tuple[str, ...]]

ENVIRONMENT = ("deployment.environment.name", "deployment.environment")
AGENT = ("gen_ai.agent.id", "gen_ai.agent.name")
AGENT_NAME = ("gen_ai.agent.name", "gen_ai.agent.id")

# What the resource says: one process of one agent.
RESOURCE: Names = MappingProxyType(
    {
        "agent": (*AGENT, "service.name"),
        "agent_name": (*AGENT_NAME, "service.name"),
        "service": ("service.name",),
        "instance": ("service.instance.id", "host.name"),
        "version": ("gen_ai.agent.version", "service.version"),
    }
)

# What one span or log record says. It may speak for another agent than its process does.
COMMON: Names = MappingProxyType(
    {
        "agent": AGENT,
        "agent_name": AGENT_NAME,
        "version": ("gen_ai.agent.version",),
        "queue": ("messaging.destination.name", "messaging.destination"),
        "message_id": ("messaging.message.id", "messaging.message_id"),
        "conversation_id": (
            "messaging.message.conversation_id",
            "messaging.conversation_id",
            "gen_ai.conversation.id",
        ),
        "error_type": ("error.type", "exception.type"),
    }
)
LOG: Names = COMMON
SPAN: Names = MappingProxyType(
    {
        **COMMON,
        "workflow": ("postroom.workflow", "gen_ai.workflow.name", "traceloop.workflow.name"),
        "operation": (
            "gen_ai.operation.name",
            "celery.task_name",
            "messaging.operation.name",
            "rpc.method",
            "http.route",
            "db.operation.name",
            "db.operation",
        ),
        "step": ("messaging.operation.type", "messaging.operation"),
        "system": (
            "messaging.system",
            "gen_ai.provider.name",
            "gen_ai.system",
            "db.system.name",
            "db.system",
        ),
        "model": ("gen_ai.response.model", "gen_ai.request.model"),
        "tool": ("gen_ai.tool.name",),
        "peer": ("peer.service", "server.address", "net.peer.name"),
        "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    }
)
NUMBERS = frozenset({"input_tokens", "output_tokens"})

# The steps of a message as older instrumentations call them.
STEPS: Mapping[str, str] = MappingProxyType(
    {
        "create": "create",
        "send": "send",
        "publish": "send",
        "receive": "receive",
        "process": "process",
        "deliver": "process",
        "settle": "settle",
    }
)

# These name a message's whole processing its receipt: their span lasts as long as the user's own callback.
PROCESSING_AS_RECEIVING = ("opentelemetry.instrumentation.pika", "opentelemetry.instrumentation.aio_pika")
