"""Failures of other fingerprints that say the same at one place: one group, and in words why."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from agents.deadletters import fingerprint, wire
from agents.deadletters.api import Redrive, keep
from agents.deadletters.models import FailureGroup, GroupAlias, Letter
from agents.deadletters.services import grouping_by_place as by_place
from agents.deadletters.services import merging
from agents.deadletters.values import Arrival, State
from core.access import grants
from core.access.services import Actor
from tests.support.accounts import person, signed_in
from tests.support.corpus import FITTED, STILL_APART, fit, in_orders
from tests.support.letters import MAIN, letter

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
BATCH = 9
SAID = "run of {} needs more credits"


def overdrawn(workflow: str, said: str = SAID, function: str = "reserve", **changes: Any) -> Arrival:
    """A failure whose message names, without quotes, what the message that it died of carries."""
    message = said.format(workflow)
    where = f'  File "/app/wallet.py", line 8, in {function}\n    raise Overdrawn\n'
    failed = {"reason": "exception", "type": "Overdrawn", "message": message}
    attempt = {"traceback": f"Traceback (most recent call last):\n{where}Overdrawn: {message}"}
    body = json.dumps({"workflow": workflow}).encode()
    return wire.of_data(letter(body, failure=failed, attempts=[attempt], **changes), MAIN)


def actor() -> Actor:
    return Actor(grants.subject_of(person("ana", "operator"), via="session"), "192.0.2.9")


def test_another_value_at_the_same_place__the_same_group_and_in_words_why() -> None:
    keep([overdrawn("translation")])
    keep([overdrawn("backfill"), overdrawn("review")])
    group = FailureGroup.objects.get()
    assert group.deaths == 3
    assert group.title == "Overdrawn: run of <any> needs more credits"
    assert group.formed["raised"][0]["message"] == "run of <any> needs more credits"
    assert "“backfill” for “translation”" in group.formed["joined"][0]
    assert GroupAlias.objects.filter(group=group).count() == 3


def test_what_says_nothing_more__is_not_compared_with_others() -> None:
    keep([overdrawn(each) for each in ("translation", "backfill", "review")])
    assert GroupAlias.objects.exclude(place="").count() == 1


@pytest.mark.parametrize(
    "other",
    [
        overdrawn("backfill", function="refund"),
        overdrawn("backfill", said="run of {} needs another price"),
        overdrawn("backfill", agent="billing"),
        overdrawn("backfill", environment="staging"),
    ],
    ids=["function", "words", "agent", "environment"],
)
def test_another_place_or_other_words__a_group_of_its_own(other: Arrival) -> None:
    keep([overdrawn("translation")])
    keep([other])
    assert FailureGroup.objects.count() == 2


def test_dies_again_with_another_value__came_back() -> None:
    (first,) = keep([overdrawn("translation")])
    Letter.objects.update(state=State.DISPATCHED, redrives=1)
    keep([replace(overdrawn("backfill"), redrive=Redrive(first.letter_id, 1))])
    group = FailureGroup.objects.get()
    assert (group.deaths, group.came_back) == (2, 1)
    assert GroupAlias.objects.filter(group=group).count() == 2


def test_group_formed_earlier_of_what_says_the_same__lives_on() -> None:
    keep([overdrawn("translation")])
    old = "1." + "a" * 24
    FailureGroup.objects.update(fingerprint=old)
    GroupAlias.objects.update(fingerprint=old, place="", told={})
    Letter.objects.update(fingerprint=old)
    keep([overdrawn("backfill")])
    group = FailureGroup.objects.get()
    assert group.deaths == 2
    assert fingerprint.is_current(group.fingerprint)


def test_split_off_by_its_fingerprint__what_is_like_it_follows() -> None:
    keep(
        [
            overdrawn("translation"),
            overdrawn("of two words", said="run of {} here needs more credits: so it is"),
        ]
    )
    other = FailureGroup.objects.order_by("-pk")[0]
    group = FailureGroup.objects.order_by("pk")[0]
    ana = actor()
    merging.merge(group, [other], ana)
    first = Letter.objects.earliest("pk")
    new = merging.split(group, ana, field="fingerprint", value=first.fingerprint).into
    keep([overdrawn("backfill")])
    keep([overdrawn("review")])
    assert set(new.letters.values_list("failure_message", flat=True)) == {
        SAID.format(each) for each in ("translation", "backfill", "review")
    }


def test_merged_by_hand__what_is_like_the_other_one_follows() -> None:
    keep([overdrawn("translation"), overdrawn("translation", function="refund")])
    one, other = FailureGroup.objects.order_by("pk")
    merging.merge(one, [other], actor())
    keep([overdrawn("backfill"), overdrawn("backfill", function="refund")])
    one.refresh_from_db()
    assert one.letters.count() == 4


def test_of_many_at_one_place__only_the_newest_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_place, "MOST_COMPARED", 2)
    said = ["run of {} needs more credits", "no plan holds {}", "no price holds {}"]
    for each in said:
        keep([overdrawn("translation", said=each)])
    keep([overdrawn("backfill", said=said[0]), overdrawn("backfill", said=said[2])])
    assert FailureGroup.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_at_once_where_nobody_was_before__one_group() -> None:
    def capture(workflow: str) -> None:
        try:
            keep([overdrawn(workflow)])
        finally:
            connections.close_all()

    names = ["translation", "backfill", "review", "intake", "archive", "menus"]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(capture, names))
    group = FailureGroup.objects.get()
    assert group.deaths == len(names)


@pytest.mark.django_db(databases=["default", "telemetry"])
def test_page_and_api__say_what_was_joined() -> None:
    keep([overdrawn("translation"), overdrawn("backfill")])
    group = FailureGroup.objects.get()
    client: Client = signed_in(person("ana", "operator"))
    page = re.sub(r"\s+", " ", client.get(f"/letters/groups/{group.pk}").content.decode())
    assert "Taken for it too" in page
    assert "the same place and exceptions" in page
    answer = client.get(f"/api/v1/failure-groups/{group.pk}").json()
    assert answer["formed"]["joined"] == group.formed["joined"]


@pytest.mark.parametrize("part", FITTED)
def test_corpus_through_custody__one_group_a_cause(part: str) -> None:
    _, order = in_orders(part, [1])
    found: list[tuple[str, Any]] = []
    for at in range(0, len(order), BATCH):
        some = order[at : at + BATCH]
        kept = keep([wire.of_data(each.letter, MAIN) for each in some])
        letters = Letter.objects.in_bulk([each.letter_id for each in kept])
        # A group is of one environment.
        rows = [letters[each.letter_id] for each in kept]
        found += [
            (f"{of.cause} in {row.environment}", row.group_id) for of, row in zip(some, rows, strict=True)
        ]
    known = {each.cause for each in order} & STILL_APART
    assert {each.partition(" in ")[0] for each in fit(found).split} == known
    assert not fit(found).mixed
