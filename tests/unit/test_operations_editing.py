"""A message is changed by a patch, whole or not at all, and never into something that its consumer cannot read."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.operations import json_patch
from agents.operations.editing import EditRefusedError, difference, edited
from agents.operations.message import Message

# A busy machine makes examples slowly; how fast is not what is asked here.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TASK = Message(b'[[7], {"card": "old"}, {"chord": null}]', {"task": "book", "lang": "py"})
ORDER = Message('{"order": 7, "note": "Übung"}'.encode(), {"kind": "order"})
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ([1, 3], [{"op": "add", "path": "/1", "value": 2}], [1, 2, 3]),
        ([1], [{"op": "add", "path": "/-", "value": 2}], [1, 2]),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": None}], {"a": None}),
        ({"a": {"b": 1}}, [{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "c": 1}),
        ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
        ({"a/b": {"~": 1}}, [{"op": "replace", "path": "/a~1b/~0", "value": 2}], {"a/b": {"~": 2}}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}], {"a": 1}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": 5}], 5),
        ([1, 2], [{"op": "move", "from": "/0", "path": "/1"}], [2, 1]),
    ],
)
def test_json_patch(before: Any, patch: Any, after: Any) -> None:
    untouched = copy.deepcopy(before)
    assert json_patch.applied(before, patch) == after
    assert before == untouched


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ({"op": "add"}, "a list of steps"),
        ([{"op": "grow", "path": "/a"}], "step 0: `op` is one of"),
        ([{"op": "add", "path": "/a"}], "needs `value`"),
        ([{"op": "remove", "path": "/z"}], "there is no 'z'"),
        ([{"op": "replace", "path": "/list/01", "value": 1}], "there is no '01'"),
        ([{"op": "add", "path": "/list/9", "value": 1}], "no place in a list of 2"),
        ([{"op": "add", "path": "a", "value": 1}], "begins with /"),
        ([{"op": "test", "path": "/a", "value": True}], "not what the test says"),
        ([{"op": "move", "from": "/list", "path": "/list/0"}], "into itself"),
        ([{"op": "add", "path": "/a/b", "value": 1}], "neither an object nor a list"),
        ([{"op": "add", "path": "/b", "value": 1}, {"op": "remove", "path": "/z"}], "step 1"),
    ],
)
def test_json_patch__refused_with_the_step(patch: Any, says: str) -> None:
    with pytest.raises(json_patch.PatchError, match=says):
        json_patch.applied({"a": 1, "list": [1, 2]}, patch)


@PATIENT
@given(values, values)
def test_a_value_that_is_put_in_is_there_and_goes_away_again(value: Any, given_: Any) -> None:
    holder = {"kept": value}
    there = json_patch.applied(holder, [{"op": "add", "path": "/new", "value": given_}])
    assert there == {"kept": value, "new": given_}
    assert json_patch.applied(there, [{"op": "remove", "path": "/new"}]) == holder


@PATIENT
@given(values, st.dictionaries(st.text(max_size=3), values, max_size=3))
def test_merge_patch__laid_over_twice_is_laid_over_once(value: Any, patch: Any) -> None:
    once = json_patch.merged(value, patch)
    assert json_patch.merged(once, patch) == once


def test_edit_of_body_and_headers__and_the_original_stays() -> None:
    edit = {
        "body": [{"op": "replace", "path": "/1/card", "value": "new"}],
        "headers": {"lang": None, "why": "card"},
    }
    found = edited(TASK, edit)
    assert json.loads(found.body) == [[7], {"card": "new"}, {"chord": None}]
    assert found.headers == {"task": "book", "why": "card"}
    assert b"old" in TASK.body


def test_no_edit__the_very_same_message() -> None:
    assert edited(TASK, None) is TASK
    assert edited(TASK, {}) is TASK


def test_merge_patch_of_a_task__refused_with_what_would_do() -> None:
    with pytest.raises(EditRefusedError, match="use a JSON Patch") as refused:
        edited(TASK, {"body": {"card": "new"}})
    assert refused.value.field == "edit.body"


@pytest.mark.parametrize(
    ("message", "edit", "says"),
    [
        (TASK, {"body": [{"op": "remove", "path": "/2"}]}, "arguments, keyword arguments"),
        (Message(b"\xff"), {"body": {"a": 1}}, "no JSON"),
        (ORDER, {"headers": {"postroom-redrive-count": 9}}, "written by Postroom itself"),
        (ORDER, {"headers": [{"op": "replace", "path": "", "value": []}]}, "headers are an object"),
        (ORDER, {"body": [{"op": "remove", "path": "/card"}]}, "there is no 'card'"),
    ],
)
def test_edit_that_does_not_fit__refused(message: Message, edit: Any, says: str) -> None:
    with pytest.raises(EditRefusedError, match=says):
        edited(message, edit)


def test_difference__shows_what_changed_and_nothing_for_nothing() -> None:
    after = edited(ORDER, {"body": {"order": 8}})
    changed = [
        line for line in difference(ORDER, after) if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]
    assert changed == ['-  "order": 7,', '+  "order": 8,']
    assert difference(ORDER, ORDER) == []
    assert "Übung" in after.body.decode()
