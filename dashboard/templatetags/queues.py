"""How queues and workers read on their pages."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.template import Context
from django.urls import reverse

from agents.queues.values import QueueState, Worker
from dashboard import queue_words, words
from dashboard.pages import frame

register = template.Library()


@register.filter
def seconds(value: float | None) -> str:
    """`1.2 s`; a dash where nothing was measured."""
    return "—" if value is None else words.took(value * 1e9)


@register.filter
def bytes(value: int | None) -> str:
    return queue_words.size(value)


@register.filter
def answers(worker: Worker, now: datetime) -> bool:
    return worker.answers(now)


@register.simple_tag(takes_context=True)
def queue_action(context: Context, route: str, queue: QueueState) -> str:
    """The address of something that is done to a queue."""
    return frame.carry(context["request"], reverse(route, args=(queue.broker, queue.name)))
