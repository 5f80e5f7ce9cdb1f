"""The pages of groups: groups first, what is held of each, why it is one, and only what one may see."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agents.deadletters.api import keep
from agents.deadletters.models import FailureGroup, GroupMove, GroupNote, GroupPart, GroupRate, Letter
from agents.deadletters.services import moving
from core import clock
from core.access.api import Scope
from tests.support.accounts import person, signed_in
from tests.support.letters import arrival

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])


@pytest.fixture
def ana() -> Client:
    return signed_in(person("ana", "operator"))


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content[:2000]
    return re.sub(r"\s+", " ", str(answer.content.decode()))


def group(title: str = "ValueError: amount is negative", letters: int = 2, **changes: Any) -> FailureGroup:
    """A group with so many held letters, as grouping leaves them."""
    now = clock.now()
    made: FailureGroup = FailureGroup.objects.create(
        environment="production", queue="extract", agent="extract", fingerprint=title[:40], title=title,
        deaths=letters, first_died_at=now - timedelta(hours=1), last_died_at=now, since=now, **changes,
    )  # fmt: skip
    kept = keep([arrival() for _ in range(letters)])
    Letter.objects.filter(pk__in=[each.letter_id for each in kept]).update(group=made)
    GroupPart.objects.filter(group=made).delete()
    GroupPart.objects.create(
        group=made, environment="production", queue="extract", agent="extract", version="1.8.2", deaths=letters,
        first_died_at=now, last_died_at=now,
    )  # fmt: skip
    minute = now.replace(second=0, microsecond=0)
    GroupRate.objects.create(group=made, seconds=60, at=minute, version="1.8.2", deaths=letters)
    return made


def test_groups_first__with_what_is_held(ana: Client) -> None:
    group("Timeout: no answer", 3)
    said = text(ana, "/letters?q=&view=")
    assert "Timeout: no answer" in said
    assert "<b>3</b>" in said
    assert "<polyline" in said
    assert "1.8.2" in said
    assert "amount is negative" in text(ana, "/letters?view=letters")


def test_nothing_held__is_good_news_and_the_rest_is_a_click_away(ana: Client) -> None:
    group("Timeout: no answer")
    Letter.objects.update(state="processed")
    assert "No letters held" in text(ana, "/letters")
    assert "Timeout: no answer" in text(ana, "/letters?view=groups&show=any")


def test_narrowed_by_triage_and_words(ana: Client) -> None:
    group("Timeout: no answer")
    group("ValueError: no amount", state="muted", muted_until=clock.now() + timedelta(hours=1))
    assert "Timeout" not in text(ana, "/letters?view=groups&triage=muted")
    assert "ValueError" not in text(ana, "/letters?view=groups&triage=new")
    assert "Timeout" in text(ana, "/letters?view=groups&q=timeout")
    FailureGroup.objects.update(muted_until=clock.now())
    assert "ValueError" in text(ana, "/letters?view=groups&triage=new")


def test_one_group__why_versions_notes_and_what_came_back(ana: Client) -> None:
    formed = {"who": "extract", "raised": [{"type": "ValueError", "message": "amount is negative"}]}
    made = group(formed=formed, came_back=2, came_back_at=clock.now())
    GroupNote.objects.create(group=made, at=clock.now(), by="ben", text="asked the bank")
    said = text(ana, f"/letters/groups/{made.pk}")
    for wanted in (
        "ValueError: amount is negative",
        "Came back after a redrive",
        "asked the bank",
        "Redrive 2…",
    ):
        assert wanted in said, wanted
    assert 'data-colour="1"' in said


def test_a_merged_group__leads_to_the_other(ana: Client) -> None:
    other, made = group("Timeout: no answer"), group("Timeout: none")
    FailureGroup.objects.filter(pk=made.pk).update(merged_into=other)
    assert ana.get(f"/letters/groups/{made.pk}")["Location"] == f"/letters/groups/{other.pk}"
    assert "Timeout: none" not in text(ana, "/letters?view=groups&show=any")


def test_only_groups_that_struck_where_one_may_see() -> None:
    made = group("Timeout: no answer")
    eva = signed_in(person("eva", "viewer", scope=Scope(queue="mail*")))
    assert eva.get(f"/letters/groups/{made.pk}").status_code == 404
    assert "Timeout" not in text(eva, "/letters")


def test_newer_groups__wait_behind_a_link(ana: Client) -> None:
    first = group("Timeout: no answer")
    group("ValueError: no amount")
    assert "1 new, show" in text(ana, f"/letters/groups/newer?view=groups&after={first.pk}")
    assert "new, show" not in text(ana, "/letters/groups/newer?after=nonsense")


def test_from_a_group_to_its_plan_and_its_letters(ana: Client) -> None:
    keep(
        [
            arrival(),
            arrival(),
            arrival(failure={"reason": "exception", "type": "Timeout", "message": "no answer"}, attempts=[]),
        ]
    )
    made = FailureGroup.objects.get(failure_type="ValueError")
    assert "Redrive 2…" in text(ana, f"/letters/groups/{made.pk}")
    answer = ana.post("/plans/new", {"action": "redrive", "group": str(made.pk)})
    assert "You will send 2 letters" in text(ana, answer["Location"])
    listed = text(ana, f"/letters?view=letters&group={made.pk}&state=any")
    assert listed.count('class="row-link"') == 2


def test_triage_by_a_form__only_from_what_was_on_the_screen(ana: Client) -> None:
    made = group()
    path = f"/letters/groups/{made.pk}"
    ana.post(f"{path}/triage", {"was": "new", "had": "", "to": "assigned", "reason": "mine"})
    made.refresh_from_db()
    assert (made.state, made.assigned_to) == ("assigned", "ana")
    late = ana.post(f"{path}/triage", {"was": "new", "had": "", "to": "resolved"}, follow=True)
    assert "Somebody was faster" in late.content.decode()
    ana.post(f"{path}/triage", {"was": "assigned", "had": "ana", "to": "muted", "mute": "1h"})
    made.refresh_from_db()
    assert made.triage == "muted"
    ana.post(f"{path}/note", {"text": "asked the bank", "link": "https://bank.example/1"})
    said = text(ana, path)
    assert "asked the bank" in said
    assert "mine" in said
    refused = ana.post(f"{path}/note", {"text": "x", "link": "javascript:alert(1)"}, follow=True)
    assert "A link begins with" in refused.content.decode()


def test_merged_and_split_by_forms(ana: Client) -> None:
    one, other = group("Timeout: no answer"), group("Timeout: none at all")
    ana.post(f"/letters/groups/{one.pk}/merge", {"other": str(other.pk)})
    assert Letter.objects.filter(group=one).count() == 4
    Letter.objects.filter(pk=Letter.objects.values("pk")[:1]).update(version="2.0")
    ana.post(f"/letters/groups/{one.pk}/split", {"field": "version", "value": "2.0"})
    assert Letter.objects.filter(group=one).count() == 3


def test_merge_of_many__both_pages_say_how_far_it_is_and_it_can_be_taken_back(
    ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "PORTION", 1)
    failure = {"reason": "exception", "type": "Timeout", "message": "no answer"}
    keep([arrival(), *(arrival(failure=failure, attempts=[]) for _ in range(3))])
    into, source = (FailureGroup.objects.get(failure_type=each) for each in ("ValueError", "Timeout"))
    said = ana.post(
        f"/letters/groups/{into.pk}/merge", {"other": str(source.pk)}, follow=True
    ).content.decode()
    assert "the letters that are there are on their way" in said
    assert "1 of 3 letters have gone" in text(ana, f"/letters/groups/{into.pk}")
    there = text(ana, f"/letters/groups/{source.pk}")
    assert "the letters go from here to" in there
    assert "Redrive 2…" in there
    assert "being merged" in text(ana, "/letters")
    move = GroupMove.objects.get()
    moving.go_on(move.pk)
    said = text(ana, f"/letters/groups/{into.pk}")
    assert "letters have gone" not in said
    assert "was merged into this one by ana" in said
    monkeypatch.setattr(moving, "PORTION", 5)
    back = ana.post(f"/letters/groups/{into.pk}/undo", {"move": str(move.pk)}, follow=True)
    assert "belong to Timeout: no answer again, and they are there" in back.content.decode()
    assert Letter.objects.filter(group=source).count() == 3
    again = ana.post(f"/letters/groups/{into.pk}/undo", {"move": str(move.pk)}, follow=True)
    assert "There is no such merge" in again.content.decode()


def test_triage__not_without_the_right() -> None:
    made = group()
    eva = signed_in(person("eva", "viewer"))
    assert "right to triage" in text(eva, f"/letters/groups/{made.pk}")
    assert eva.post(f"/letters/groups/{made.pk}/note", {"text": "x"}).status_code == 403
