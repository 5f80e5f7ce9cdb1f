"""The pages of plans and operations: forms first, the whole confirmation, rights said, and every figure a link."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from agents.deadletters.models import Letter
from agents.operations import api
from agents.operations.models import Item, Operation, Plan
from agents.operations.values import Flag, Guard, GuardKind, ItemState, Selection, Standing
from core import clock
from core.access.audit.models import Entry
from core.access.models import Approval, ApprovalLimit
from core.access.services import Actor
from tests.support.accounts import person, signed_in
from tests.support.plans import begun, held, sealed

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)


@pytest.fixture
def ana() -> Client:
    return signed_in(person("ana", "operator"))


@pytest.fixture
def vera() -> Client:
    return signed_in(person("vera", "viewer"))


def actor(name: str = "ben", role: str = "operator") -> Actor:
    from core.access import grants

    return Actor(grants.subject_of(person(name, role)), "tests")


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content[:2000]
    return re.sub(r"\s+", " ", str(answer.content.decode()))


def planned(client: Client, **data: Any) -> Plan:
    answer = client.post("/plans/new", data)
    assert answer.status_code == 302, answer.content
    return Plan.objects.get(pk=answer["Location"].rsplit("/", 1)[1].partition("?")[0])


# ---- A plan ----------------------------------------------------------------------------------------------------
def test_from_a_filter_to_an_operation__by_forms_alone(ana: Client) -> None:
    held(3)
    held(1, queue="other")
    plan = planned(ana, action="redrive", matching="1", queue="extract", state="held")
    assert plan.count == 3
    said = text(ana.get(f"/plans/{plan.pk}"))
    assert "You will send 3 letters to extract." in said
    assert plan.sha256 in said
    answer = ana.post(f"/plans/{plan.pk}/start", {"reason": "gateway repaired"})
    operation = Operation.objects.get()
    assert answer["Location"] == f"/operations/{operation.pk}"
    assert "gateway repaired" in text(ana.get(answer["Location"]))
    assert "It was carried out already." in text(ana.get(f"/plans/{plan.pk}"))


def test_a_plan_of_letters_by_id__and_of_nothing(ana: Client) -> None:
    one, *_ = held(2)
    assert planned(ana, action="redrive", id=[one]).count == 1
    Letter.objects.all().update(state="processed")
    empty = planned(ana, action="redrive", id=[one])
    assert "It has no members" in text(ana.get(f"/plans/{empty.pk}"))


def test_which_ones_is_not_clear__is_said_where_one_was(ana: Client) -> None:
    answer = ana.post("/plans/new", {"action": "redrive", "back": "/letters?q=x"}, follow=True)
    assert "in exactly one way" in text(answer)
    assert answer.redirect_chain[0][0] == "/letters?q=x"
    elsewhere = ana.post("/plans/new", {"action": "redrive", "back": "https://elsewhere.example/"})
    assert elsewhere["Location"] == "/letters"


def test_other_options_are_another_plan(ana: Client) -> None:
    held(4)
    first = planned(ana, action="redrive", matching="1")
    form = {
        "speed": "fixed",
        "rate": "5",
        "canary": "1 2",
        "same_failure_ratio": "20",
        "target_queue": "elsewhere",
    }
    answer = ana.post(f"/plans/{first.pk}/change", form)
    second = Plan.objects.exclude(pk=first.pk).get()
    assert answer["Location"] == f"/plans/{second.pk}"
    assert second.options["rate"] == 5
    assert second.options["canary"] == [1, 2]
    assert second.options["halt_when"]["same_failure_ratio"] == 0.2
    assert second.options["halt_when"]["consumer_down"] is False
    assert "to elsewhere." in text(ana.get(answer["Location"]))
    refused = ana.post(f"/plans/{first.pk}/change", {"canary": "many"}, follow=True)
    assert "canary: it is a list" in text(refused)


def test_large__the_count_is_typed_and_looked_at(ana: Client) -> None:
    held(101)
    plan = planned(ana, action="redrive", matching="1")
    assert "101 letters at once is a lot." in text(ana.get(f"/plans/{plan.pk}"))
    path, reason = f"/plans/{plan.pk}/start", {"reason": "because"}
    assert "Type 101 to confirm." in text(ana.post(path, reason), 422)
    assert "100 was typed, and the plan has 101." in text(ana.post(path, reason | {"count": "100"}), 422)
    assert "is no number" in text(ana.post(path, reason | {"count": "all"}), 422)
    assert not Operation.objects.exists()
    assert ana.post(path, reason | {"count": "101"}).status_code == 302


def test_no_reason__refused_and_what_was_typed_stays(ana: Client) -> None:
    held(1)
    plan = planned(ana, action="redrive", matching="1")
    assert "Say why, in a few words" in text(ana.post(f"/plans/{plan.pk}/start", {"reason": " "}), 422)


def test_guards__with_evidence_and_left_out_by_a_link(ana: Client) -> None:
    held(3)
    plan = planned(ana, action="redrive", matching="1")
    guard = Guard(
        GuardKind.TOOL_SUCCEEDED, Standing.WARN, "1 letter: a tool call succeeded before the failure", 1, 3,
        [{"says": "charge_card of trace 0af7", "age_s": 95, "link": "/traces/0af7"}],
    )  # fmt: skip
    fine = Guard(GuardKind.NO_CONSUMER, Standing.OK, "2 consumers live")
    flagged = {str(int(Flag.TOOL_SUCCEEDED)): 1}
    Plan.objects.update(guards=[fine.dump(), guard.dump()], flagged=flagged)
    Item.objects.filter(ordinal=2).update(flags=Flag.TOOL_SUCCEEDED)
    said = text(ana.get(f"/plans/{plan.pk}"))
    assert said.index("a tool call succeeded") < said.index("2 consumers live")
    assert "charge_card of trace 0af7" in said
    assert "leave 1 out" in said
    left = text(ana.get(f"/plans/{plan.pk}?leave_out=tool_succeeded"))
    assert "You will send 2 of 3 letters" in left
    assert "take 1 in again" in left
    ana.post(f"/plans/{plan.pk}/start", {"reason": "x", "leave_out": "tool_succeeded"})
    assert Operation.objects.get().mask == Flag.TOOL_SUCCEEDED


def test_what_arrives_since_is_said_and_not_in_it(ana: Client) -> None:
    held(1)
    plan = planned(ana, action="redrive", matching="1")
    held(2, died_at=clock.rfc3339(clock.now()))
    assert "2 letters arrived since the plan was sealed." in text(ana.get(f"/plans/{plan.pk}"))
    assert "2 letters arrived" in text(ana.get(f"/plans/{plan.pk}/late"))


def test_expired__says_so_and_offers_to_plan_again(ana: Client) -> None:
    held(1)
    plan = planned(ana, action="redrive", matching="1", queue="extract")
    Plan.objects.update(expires_at=clock.now())
    said = text(ana.get(f"/plans/{plan.pk}"))
    assert "The plan has expired" in said
    assert "Plan again" in said
    assert "The plan expired at" in text(ana.post(f"/plans/{plan.pk}/start", {"reason": "x"}), 422)


def test_without_the_right__the_button_is_there_and_says_why(ana: Client, vera: Client) -> None:
    held(1)
    plan = planned(ana, action="redrive", matching="1")
    said = text(vera.get(f"/plans/{plan.pk}"))
    assert "right to redrive" in said
    assert 'aria-disabled="true"' in said
    assert vera.post("/plans/new", {"action": "redrive", "matching": "1"}).status_code == 403
    assert vera.post(f"/plans/{plan.pk}/start", {"reason": "x"}).status_code == 403


def test_a_purge_says_that_it_can_be_taken_back(ana: Client) -> None:
    held(2)
    client = signed_in(person("root", "admin"))
    plan = planned(client, action="purge", matching="1")
    assert "You will throw away 2 letters. They can be taken back" in text(client.get(f"/plans/{plan.pk}"))


# ---- An operation ----------------------------------------------------------------------------------------------
def put(operation: Operation, **counts: int) -> None:
    """Where its members are, in its figures and one by one."""
    ids = iter(Item.objects.filter(plan=operation.plan_id).order_by("ordinal").values_list("pk", flat=True))
    for state, number in counts.items():
        for _ in range(number):
            Item.objects.filter(pk=next(ids)).update(state=state, since=clock.now(), why=f"why {state}")
    Operation.objects.filter(pk=operation.pk).update(**{"waiting": 0} | counts)


def test_the_tally__each_figure_leads_to_its_letters(ana: Client) -> None:
    operation = begun(actor(), 6)
    put(operation, processed=2, failed_same=1, unknown=1, waiting=2)
    said = text(ana.get(f"/operations/{operation.pk}"))
    assert 'data-count-of="processed">2<' in said
    assert "?items=failed_same#items" in said
    assert "why unknown" in said
    failed = text(ana.get(f"/operations/{operation.pk}?items=failed_same"))
    assert "why failed_same" in failed
    assert "why unknown" not in failed
    assert "amount is negative" in failed


def test_paused_resumed_cancelled_by_buttons(ana: Client) -> None:
    operation = begun(actor())
    path = f"/operations/{operation.pk}"
    for step, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert ana.post(f"{path}/{step}").status_code == 302
        operation.refresh_from_db()
        assert operation.state == state
    said = text(ana.get(path))
    assert "3 untouched." in said
    assert "Somebody was faster" in text(ana.post(f"{path}/pause", follow=True))
    assert ana.post(f"{path}/burn").status_code == 404


def test_a_viewer_sees_and_cannot_stop(ana: Client, vera: Client) -> None:
    operation = begun(actor())
    path = f"/operations/{operation.pk}"
    assert "right to redrive" in text(vera.get(path))
    assert vera.post(f"{path}/cancel").status_code == 403


def test_unknown_ones_are_settled_by_hand(ana: Client) -> None:
    operation = begun(actor(), 3)
    put(operation, processed=1, unknown=2)
    ids = Item.objects.filter(state=ItemState.UNKNOWN).values_list("letter", flat=True)
    Letter.objects.filter(pk__in=ids).update(state="unknown", redrives=1)
    Item.objects.filter(state=ItemState.UNKNOWN).update(number=1)
    path = f"/operations/{operation.pk}"
    assert "Failed: hold again" in text(ana.get(path))
    ana.post(f"{path}/settle", {"verdict": "processed", "letter": str(ids[0])})
    operation.refresh_from_db()
    assert (operation.processed, operation.unknown) == (2, 1)
    ana.post(f"{path}/settle", {"verdict": "failed", "all": "1"})
    operation.refresh_from_db()
    assert (operation.unknown, operation.failed_new) == (0, 1)
    assert "settled by hand" in text(ana.get(path))


def test_a_second_person__sees_the_same_seal_and_decides(ana: Client) -> None:
    ApprovalLimit.objects.create(action="redrive", above=1)
    operation = begun(actor(), 2)
    assert operation.state == api.State.AWAITING_APPROVAL
    path = f"/operations/{operation.pk}"
    assert "right to approve" in text(ana.get(path))
    olga = signed_in(person("olga", "approver"))
    said = text(olga.get(path))
    assert f'name="sha256" value="{operation.sha256}"' in said
    assert operation.plan.sha256 in text(olga.get(f"/plans/{operation.plan_id}"))
    assert path in text(olga.get("/approvals"))
    refused = olga.post(f"{path}/approve", {"sha256": "0" * 64}, follow=True)
    assert "Open it again and look" in text(refused)
    olga.post(f"{path}/approve", {"sha256": operation.sha256, "reason": "looked at it"})
    operation.refresh_from_db()
    assert operation.state == api.State.RUNNING
    assert Approval.objects.get().decision_reason == "looked at it"


def test_who_asked_takes_it_back(ana: Client) -> None:
    ApprovalLimit.objects.create(action="redrive", above=1)
    held(2)
    plan = planned(ana, action="redrive", matching="1")
    assert "Somebody else has to agree" in text(ana.get(f"/plans/{plan.pk}"))
    ana.post(f"/plans/{plan.pk}/start", {"reason": "x", "count": "2"})
    operation = Operation.objects.get()
    assert "somebody else has to agree" in text(ana.get(f"/operations/{operation.pk}"))
    ana.post(f"/operations/{operation.pk}/cancel")
    operation.refresh_from_db()
    assert operation.state == api.State.REJECTED


def test_the_list__running_first_then_history(ana: Client) -> None:
    ben = actor()
    over, going = begun(ben, reason="first try"), begun(ben, reason="second try")
    api.cancel(over, ben)
    said = text(ana.get("/operations"))
    assert said.index("second try") < said.index("History") < said.index("first try")
    assert str(going) in said
    narrowed = text(ana.get("/operations?state=done"))
    assert "first try" not in narrowed
    assert "Nothing that fits" in narrowed


def test_a_selection_is_kept_word_for_word_in_the_plan(ana: Client) -> None:
    plan = sealed(actor(), select=Selection(filter={"queue": "a b", "q": '"x<y"'}))
    Plan.objects.update(expires_at=clock.now())
    said = text(ana.get(f"/plans/{plan.pk}"))
    assert 'name="q" value="&quot;x&lt;y&quot;"' in said


# ---- Edit ------------------------------------------------------------------------------------------------------
def test_one_letter_is_edited_as_it_is__and_the_plan_carries_the_patch(ana: Client) -> None:
    (one,) = held(1)
    plan = planned(ana, action="redrive", id=[one])
    path = f"/plans/{plan.pk}/edit"
    shown = ana.post(f"/letters/{one}/reveal", {"plan": str(plan.pk)})
    assert shown["Location"] == path
    assert "&quot;order&quot;: 7" in text(ana.get(path))
    form = {"body": '{"order": 8}', "headers": '{"postroom-sender": "classify"}', "is": "message"}
    said = text(ana.post(path, form | {"do": "preview"}))
    assert '<span data-line="-">- &quot;order&quot;: 7' in said
    answer = ana.post(path, form | {"do": "seal"})
    made = Plan.objects.exclude(pk=plan.pk).get()
    assert answer["Location"] == f"/plans/{made.pk}"
    assert made.options["edit"] == {"body": [{"op": "replace", "path": "/order", "value": 8}]}
    assert "Each message is edited" in text(ana.get(answer["Location"]))
    assert Letter.objects.get().state == "held"


def test_many_are_edited_by_a_patch__seen_on_samples_first(ana: Client) -> None:
    held(4)
    plan = planned(ana, action="redrive", matching="1")
    path = f"/plans/{plan.pk}/edit"
    said = text(ana.post(path, {"body": '{"order": 9}', "headers": "", "do": "preview"}))
    assert said.count('data-line="+"') >= 3
    unfit = {"body": '[{"op": "remove", "path": "/nope"}]', "do": "preview"}
    assert "edit.body: step 0:" in text(ana.post(path, unfit))
    assert "it is no JSON" in text(ana.post(path, {"body": "{", "do": "seal"}), 422)
    assert Plan.objects.count() == 1


SECRET = b'{"order": 7, "password": "hunter2", "to": "ana@example.com"}'


def test_samples_are_masked__until_a_letter_is_shown_and_that_is_noted(ana: Client) -> None:
    failure = {"class": "permanent", "reason": "exception", "type": "ValueError", "message": "token=abc123"}
    (one, *_) = held(2, body=SECRET, failure=failure)
    plan = planned(ana, action="redrive", matching="1")
    path = f"/plans/{plan.pk}/edit"
    for patch in ('{"order": 9}', '[{"op": "copy", "from": "/password", "path": "/note"}]'):
        said = text(ana.post(path, {"body": patch, "headers": "", "do": "preview"}))
        assert 'data-line="+"' in said
        assert not [each for each in ("hunter2", "ana@example.com", "abc123") if each in said]
    unseen = '[{"op": "test", "path": "/password", "value": "hunter2"}, {"op": "remove", "path": "/order"}]'
    assert "within what is masked" in text(ana.post(path, {"body": unseen, "headers": "", "do": "preview"}))
    ana.post(f"/letters/{one}/reveal", {"plan": str(plan.pk)})
    said = text(ana.post(path, {"body": '{"password": "new"}', "headers": "", "do": "preview"}))
    assert said.count("hunter2") == 1
    assert said.count("Show unmasked") == 1
    assert Entry.objects.filter(action="letter.revealed").count() == 1


def test_one_letter_masked_again_meanwhile__what_was_typed_is_no_patch(ana: Client) -> None:
    (one,) = held(1, body=SECRET)
    plan = planned(ana, action="redrive", id=[one])
    path, form = f"/plans/{plan.pk}/edit", {"body": '{"order": 8}', "headers": "{}", "is": "message"}
    assert "hunter2" not in text(ana.get(path))
    assert "masked again by now" in text(ana.post(path, form | {"do": "seal"}), 422)
    assert Plan.objects.count() == 1


def test_without_the_right_to_edit__no_form(vera: Client, ana: Client) -> None:
    held(1)
    plan = planned(ana, action="redrive", matching="1")
    assert vera.get(f"/plans/{plan.pk}/edit").status_code == 403
