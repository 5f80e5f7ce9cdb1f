"""How every process of Postroom logs: one structlog set-up that the lines of Django, Celery and the servers share.

A line carries the process, the request and its subject, and the trace when there is one. What looks like a secret
is masked here, the last place before it is written.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

MASK = "(hidden)"
SECRET_NAME = re.compile(r"password|secret|token|authorization|cookie|api_?key|encryption", re.IGNORECASE)
SECRETS_IN_TEXT = (
    # user:password@ in an address, a bearer token, a token of ours.
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b(password|secret|token)=([^\s&,;]+)", re.IGNORECASE), rf"\1={MASK}"),
)
# Loggers that say too much at the level that users ask for.
QUIET = (
    "httpx",
    "httpcore",
    "asyncio",
    "axes",
    "urllib3",
    "daphne.http_protocol",
    "daphne.ws_protocol",
    "django.request",
)


class OnlyCrashes(logging.Filter):
    """Of Django's lines about requests, those with a traceback; the others say what the request's own line says."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is not None


def config(line_format: str, level: str) -> dict[str, Any]:
    """Django's LOGGING: everything to stdout through one formatter."""
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter, "line_format": line_format}},
        "filters": {"only_crashes": {"()": OnlyCrashes}},
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "line"}},
        "root": {"handlers": ["out"], "level": level.upper()},
        "loggers": {name: {"level": "WARNING"} for name in QUIET}
        # Django and Granian bring handlers of their own; the root's is enough.
        | {name: {"handlers": [], "propagate": True} for name in ("django", "django.server", "_granian")}
        | {"django.request": {"filters": ["only_crashes"]}},
    }


def formatter(line_format: str) -> logging.Formatter:
    """For lines of structlog and of the standard library alike."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            mask,
            *(_json() if line_format == "json" else _console()),
        ],
    )


def bind(**values: str) -> None:
    """Put values on every line that this thread or task writes from now on."""
    structlog.contextvars.bind_contextvars(**values)


def name_process(kind: str) -> None:
    """Put the process's name on every line, whatever thread writes it."""
    global _process  # noqa: PLW0603 - a process has one name
    _process = kind


def add_process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if _process:
        event.setdefault("process", _process)
    return event


def add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The ids of the span under way, so that a line leads to its trace."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace_id", f"{context.trace_id:032x}")
        event.setdefault("span_id", f"{context.span_id:016x}")
    return event


def mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide values whose name, or whose look, says secret."""
    return {name: MASK if SECRET_NAME.search(name) else _masked(value) for name, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, replacement in SECRETS_IN_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, dict):
        return {key: MASK if SECRET_NAME.search(str(key)) else _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value


_process = ""


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_process,
        add_trace,
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]


def _json() -> list[Any]:
    return [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer()]


def _console() -> list[Any]:
    # `up` writes the name in front already.
    return [_drop_process, structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0)]


def _drop_process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("process", None)
    return event
