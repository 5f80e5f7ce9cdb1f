"""How plans and operations read for programs."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from agents.deadletters.models import Letter
from agents.operations import selectors
from agents.operations.models import Item, Operation, OperationChange, Plan, Sample
from agents.operations.values import (
    Action,
    Grade,
    GuardKind,
    ItemState,
    PlanState,
    Standing,
    State,
    Verdict,
)
from core import clock
from dashboard import edit_samples
from dashboard.api import query

ACTIONS = [each.value for each in Action]
ITEM_STATES = [each.value for each in ItemState]
STATES = [each.value for each in State]
PLAN_STATES = [each.value for each in PlanState]
GUARDS = [each.value for each in GuardKind]
STANDINGS = [each.value for each in Standing]
VERDICTS = [each.value for each in Verdict]


# ---- What is asked ---------------------------------------------------------------------------------------------
class SelectionGiven(serializers.Serializer[Any]):
    """Which ones, in exactly one of these ways."""

    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text="Up to 10,000 letters."
    )
    group = serializers.CharField(required=False, help_text="A failure group's id.")
    filter = serializers.DictField(
        child=serializers.CharField(allow_blank=True),
        required=False,
        help_text="Names and values as GET /dead-letters takes them; {} is every letter that you may take.",
    )
    receipt = serializers.CharField(required=False, help_text="The id of the purge to take back.")
    queue = serializers.CharField(required=False, help_text="broker/name: messages that wait there.")
    messages = serializers.ListField(child=serializers.CharField(), required=False)


class PlanGiven(serializers.Serializer[Any]):
    """Which ones, and then what. Nothing happens to any of them yet."""

    action = serializers.ChoiceField(ACTIONS)
    select = SelectionGiven()
    options = serializers.DictField(
        required=False, help_text="See the guide on redriving; left out: its defaults."
    )


class EditSamplesAsked(serializers.Serializer[Any]):
    """An edit, as in a plan's options."""

    edit = serializers.DictField(help_text="`body`, `headers` or both, each a JSON Patch or a merge patch.")


class EditSampleShape(serializers.Serializer[Any]):
    """A member as the edit would change it. What is masked is masked before it is edited."""

    letter = serializers.UUIDField()
    masked = serializers.BooleanField(help_text="True: you may not read payloads there.")
    difference = serializers.ListField(
        child=serializers.CharField(), help_text="Line by line: ` ` stays, `-` goes, `+` comes."
    )
    problem = serializers.CharField(help_text="Why the edit does not fit it; empty: it fits.")
    note = serializers.CharField(help_text="Why there is no difference to show.")


class EditSamplesShape(serializers.Serializer[Any]):
    results = EditSampleShape(many=True)


class StartGiven(serializers.Serializer[Any]):
    """Carry a sealed plan out."""

    plan = serializers.UUIDField()
    reason = serializers.CharField(max_length=2_000)
    leave_out = serializers.ListField(child=serializers.ChoiceField(GUARDS), required=False)
    count = serializers.IntegerField(
        required=False, help_text="How many you mean; refused when the plan has another number."
    )


class ApproveGiven(serializers.Serializer[Any]):
    sha256 = serializers.CharField(help_text="The hash of the operation that you were shown.")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2_000)


class RejectGiven(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2_000)


class SettleGiven(serializers.Serializer[Any]):
    """What became of messages whose outcome is unknown."""

    verdict = serializers.ChoiceField(VERDICTS)
    letters = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text="Left out: all that are unknown."
    )
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2_000)


class PlanFilters(query.Filters):
    """Which plans."""

    state = serializers.ChoiceField(PLAN_STATES, required=False)
    action = serializers.ChoiceField(ACTIONS, required=False)


class OperationFilters(query.Filters):
    """Which operations."""

    state = serializers.ChoiceField(STATES, required=False)
    action = serializers.ChoiceField(ACTIONS, required=False)


class ItemFilters(query.Filters):
    """Which members."""

    state = serializers.ChoiceField(ITEM_STATES, required=False)


# ---- What is answered ------------------------------------------------------------------------------------------
class GuardShape(serializers.Serializer[Any]):
    """A warning, or the good news that there is none of its kind."""

    kind = serializers.ChoiceField(GUARDS)
    standing = serializers.ChoiceField(STANDINGS)
    sentence = serializers.CharField()
    count = serializers.IntegerField(allow_null=True)
    looked_at = serializers.IntegerField(allow_null=True)
    evidence = serializers.ListField(child=serializers.DictField())
    can_leave_out = serializers.BooleanField()


class ReachShape(serializers.Serializer[Any]):
    """Who and what it touches; null where nobody knows."""

    agents = serializers.ListField(child=serializers.CharField())
    tools = serializers.ListField(child=serializers.CharField())
    seconds = serializers.FloatField(allow_null=True)
    tokens = serializers.IntegerField(allow_null=True)


class PlanShape(serializers.Serializer[Any]):
    """A plan; from `sealed` on nothing of it changes but its state and `late`."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(PLAN_STATES)
    action = serializers.ChoiceField(ACTIONS)
    count = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Over the action, the options and the members in their order.")
    late = serializers.IntegerField(help_text="How many came since, and are not in it.")
    guards = GuardShape(many=True)
    reach = ReachShape()
    needs_approval = serializers.CharField(help_text="The approval limit that it passes; empty: none.")
    select = serializers.DictField()
    options = serializers.DictField()
    trouble = serializers.CharField(help_text="Why it cannot be sealed; only while it is sealing.")
    operation = serializers.UUIDField(allow_null=True, help_text="What was started with it.")
    by = serializers.CharField()
    created_at = query.UtcTime()
    sealed_at = query.UtcTime(allow_null=True)
    expires_at = query.UtcTime()


class TallyShape(serializers.Serializer[Any]):
    """The members by state. The ten others always add up to `selected`."""

    selected = serializers.IntegerField()
    vars().update({state: serializers.IntegerField() for state in ITEM_STATES})


class GradesShape(serializers.Serializer[Any]):
    """By what evidence outcomes are known."""

    vars().update({grade.value: serializers.IntegerField() for grade in Grade})


class OperationShape(serializers.Serializer[Any]):
    """A plan that is carried out."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(STATES)
    action = serializers.ChoiceField(ACTIONS)
    plan = serializers.UUIDField()
    sha256 = serializers.CharField(help_text="The plan's hash with what was left out: what is approved.")
    reason = serializers.CharField()
    by = serializers.CharField()
    why = serializers.CharField(help_text="Why it is halted, or failed.")
    tally = TallyShape()
    grades = GradesShape()
    step = serializers.IntegerField(help_text="The canary step under way, from 0.")
    since = query.UtcTime()
    created_at = query.UtcTime()
    started_at = query.UtcTime(allow_null=True)
    ended_at = query.UtcTime(allow_null=True)


class ChangeShape(serializers.Serializer[Any]):
    """One line of the timeline."""

    before = serializers.CharField()
    after = serializers.CharField()
    at = query.UtcTime()
    by = serializers.CharField()
    said = serializers.CharField()


class WholeOperationShape(OperationShape):
    """With its timeline, the last first."""

    timeline = ChangeShape(many=True)


class ItemShape(serializers.Serializer[Any]):
    """A member, and where it is. `letter` is null where you may not see it."""

    ordinal = serializers.IntegerField()
    letter = serializers.UUIDField(allow_null=True)
    message_id = serializers.CharField()
    queue = serializers.CharField()
    state = serializers.ChoiceField(ITEM_STATES)
    number = serializers.IntegerField(help_text="The redrive number that its message carries; 0: none yet.")
    step = serializers.IntegerField()
    grade = serializers.CharField()
    why = serializers.CharField()
    since = query.UtcTime(allow_null=True)
    sent_at = query.UtcTime(allow_null=True)


class SampleShape(serializers.Serializer[Any]):
    """The figures at a moment."""

    at = query.UtcTime()
    spent = serializers.IntegerField()
    processed = serializers.IntegerField()
    failed = serializers.IntegerField()
    depth = serializers.IntegerField(allow_null=True)


class SettledShape(serializers.Serializer[Any]):
    settled = serializers.IntegerField(
        help_text="How many; those that were not unknown any more are passed over."
    )


def plan(row: Plan) -> dict[str, Any]:
    started = Operation.objects.filter(plan=row).values_list("pk", flat=True).first()
    return {
        "id": row.pk,
        "state": row.state_now,
        "action": row.action,
        "count": row.count,
        "sha256": row.sha256,
        "late": selectors.late(row),
        "guards": [each.dump() for each in row.warnings],
        "reach": row.touches.dump(),
        "needs_approval": row.needs_approval,
        "select": row.select,
        "options": row.options,
        "trouble": row.trouble,
        "operation": started,
        "by": row.by_name,
        **_times(row, "created_at", "sealed_at", "expires_at"),
    }


def operation(row: Operation) -> dict[str, Any]:
    names = ("number", "state", "action", "sha256", "reason", "why", "step")
    tally = {"selected": row.selected, **{state: getattr(row, state) for state in ITEM_STATES}}
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in names},
        "plan": row.plan_id,
        "by": row.by_name,
        "tally": tally,
        "grades": {str(grade): number for grade, number in row.grades.items()},
        **_times(row, "since", "created_at", "started_at", "ended_at"),
    }


def whole(row: Operation) -> dict[str, Any]:
    return {**operation(row), "timeline": [_change(each) for each in selectors.timeline(row)]}


def item(row: Item, letters: dict[Any, Letter]) -> dict[str, Any]:
    letter = letters.get(row.letter)
    names = ("ordinal", "state", "number", "step", "grade", "why")
    return {
        **{name: getattr(row, name) for name in names},
        "letter": letter.pk if letter else None,
        "message_id": letter.message_id if letter else row.message,
        "queue": letter.queue if letter else "",
        **_times(row, "since", "sent_at"),
    }


def sample(row: Sample) -> dict[str, Any]:
    names = ("spent", "processed", "failed", "depth")
    return {**{name: getattr(row, name) for name in names}, **_times(row, "at")}


def _change(row: OperationChange) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in ("before", "after", "by", "said")}, **_times(row, "at")}


def _times(row: Any, *names: str) -> dict[str, str | None]:
    found = {name: getattr(row, name) for name in names}
    return {name: clock.rfc3339(moment) if moment else None for name, moment in found.items()}


def edit_sample(each: edit_samples.Sample) -> dict[str, Any]:
    return {
        "letter": str(each.letter.pk),
        "masked": each.masked,
        "difference": each.lines,
        "problem": each.problem,
        "note": each.note,
    }
