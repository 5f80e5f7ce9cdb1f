"""What travels about stuck messages and about where one is."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from agents.queues.stuck.looking import evidence
from agents.queues.stuck.selectors import Cause
from agents.queues.stuck.values import Kind, RuledOut, Verdict
from agents.queues.where.values import Answer, Hop
from core import clock
from dashboard.api import query
from dashboard.asked import Found

VERDICTS = [str(verdict) for verdict in Verdict]
KINDS = [str(kind) for kind in Kind]
MARKS = ["done", "here", "next", "failed"]
PLACES = ["queue", "agent", "letters", "over", "unknown"]


class StuckFilters(query.Filters):
    """Which causes; all of it must fit."""

    environment = serializers.CharField(required=False)
    verdict = serializers.ChoiceField(VERDICTS, required=False)
    agent = serializers.CharField(required=False)
    queue = serializers.CharField(required=False)
    broker = serializers.CharField(required=False)


class WhereFilters(query.Filters):
    """A message, trace, conversation, task or business id."""

    id = serializers.CharField(max_length=300)
    environment = serializers.CharField(required=False)


class EvidenceShape(serializers.Serializer[Any]):
    """One fact. `age_s`: how long ago it was seen; null when it never was."""

    kind = serializers.ChoiceField(KINDS)
    says = serializers.CharField()
    age_s = serializers.FloatField(allow_null=True)
    vars()["source"] = serializers.CharField()
    link = serializers.CharField()


class RuledOutShape(serializers.Serializer[Any]):
    """A verdict that cannot be, and the fact that says so."""

    verdict = serializers.ChoiceField(VERDICTS)
    because = serializers.CharField()


class CauseShape(serializers.Serializer[Any]):
    """Messages that do not move for one reason. `frees`: all that move when it is repaired."""

    id = serializers.UUIDField()
    verdict = serializers.ChoiceField(VERDICTS)
    was = serializers.CharField(help_text="The last verdict, while nobody looks and it may not be claimed.")
    agent = serializers.CharField(help_text="Whom to repair.")
    queue = serializers.CharField()
    broker = serializers.CharField()
    environment = serializers.CharField()
    sentence = serializers.CharField()
    messages = serializers.IntegerField(help_text="Those beyond their time.")
    frees = serializers.IntegerField()
    oldest_age_s = serializers.FloatField()
    since = query.UtcTime()
    behind = serializers.UUIDField(allow_null=True, help_text="The cause that this one follows from.")
    evidence = EvidenceShape(many=True)
    ruled_out = RuledOutShape(many=True)
    missing = serializers.ListField(child=serializers.CharField())
    message_ids = serializers.ListField(child=serializers.CharField(), help_text="The first ones.")
    next_step = serializers.CharField()


class StuckShape(serializers.Serializer[Any]):
    """Every cause, that first whose repair frees the most."""

    looked_at = query.UtcTime(allow_null=True)
    fresh = serializers.BooleanField(
        help_text="Whether the watcher looked lately, so that verdicts are claimed."
    )
    why = serializers.CharField()
    results = CauseShape(many=True)
    next = serializers.CharField(allow_null=True)


class PlaceShape(serializers.Serializer[Any]):
    """Where it is."""

    kind = serializers.ChoiceField(PLACES)
    name = serializers.CharField()
    environment = serializers.CharField()
    broker = serializers.CharField()
    queue = serializers.CharField()
    agent = serializers.CharField()
    instance = serializers.CharField()


class WayShape(serializers.Serializer[Any]):
    """A step of the run."""

    message_id = serializers.CharField()
    environment = serializers.CharField()
    sender = serializers.CharField()
    queue = serializers.CharField()
    agent = serializers.CharField()
    state = serializers.CharField()
    mark = serializers.ChoiceField(MARKS)


class CandidateShape(serializers.Serializer[Any]):
    """Another message that the id may mean."""

    message_id = serializers.CharField()
    environment = serializers.CharField()
    sentence = serializers.CharField()
    state = serializers.CharField()
    verdict = serializers.ChoiceField(VERDICTS, allow_null=True)


class WhereShape(serializers.Serializer[Any]):
    """One message's place. `verdict` is null for what is not stuck."""

    message_id = serializers.CharField()
    environment = serializers.CharField()
    sentence = serializers.CharField()
    state = serializers.CharField()
    place = PlaceShape()
    age_s = serializers.FloatField()
    verdict = serializers.ChoiceField(VERDICTS, allow_null=True)
    agent = serializers.CharField()
    evidence = EvidenceShape(many=True)
    ruled_out = RuledOutShape(many=True)
    missing = serializers.ListField(child=serializers.CharField())
    next_step = serializers.CharField()
    run = WayShape(many=True)
    candidates = CandidateShape(many=True)


def cause(each: Cause) -> dict[str, Any]:
    row = each.row
    return {
        "id": str(row.pk),
        "verdict": str(each.verdict),
        "was": each.was,
        "agent": row.agent,
        "queue": row.queue,
        "broker": row.broker,
        "environment": row.environment,
        "sentence": each.sentence,
        "messages": row.messages,
        "frees": row.frees,
        "oldest_age_s": round(each.oldest_age_s, 1),
        "since": clock.rfc3339(row.since),
        "behind": str(each.root) if each.root else None,
        "evidence": each.evidence,
        "ruled_out": each.ruled_out,
        "missing": each.missing,
        "message_ids": each.message_ids,
        "next_step": each.next_step,
    }


def where(found: Found) -> dict[str, Any]:
    answer = found.answer
    return {
        "message_id": answer.message_id,
        "environment": answer.environment,
        "sentence": answer.sentence,
        "state": answer.state,
        "place": answer.place._asdict(),
        "age_s": round(answer.age_s, 1),
        "verdict": str(answer.verdict) if answer.verdict else None,
        "agent": answer.agent,
        "evidence": [evidence(each) for each in answer.evidence],
        "ruled_out": [_ruled_out(each) for each in answer.ruled_out],
        "missing": list(answer.missing),
        "next_step": answer.next_step,
        "run": [_hop(each) for each in found.run],
        "candidates": [_candidate(each) for each in found.others],
    }


def _ruled_out(each: RuledOut) -> dict[str, str]:
    return {"verdict": str(each.verdict), "because": each.because}


def _hop(each: Hop) -> dict[str, str]:
    return each._asdict()


def _candidate(each: Answer) -> dict[str, Any]:
    return {
        "message_id": each.message_id,
        "environment": each.environment,
        "sentence": each.sentence,
        "state": each.state,
        "verdict": str(each.verdict) if each.verdict else None,
    }
