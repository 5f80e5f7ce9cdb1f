"""How a letter is read: tracebacks folded, attempts side by side, bodies as trees, what a success has otherwise."""

from __future__ import annotations

from typing import Any

from agents.deadletters import facets
from agents.deadletters.values import Contents
from dashboard.pages import attempts, json_tree, nearest, tracebacks
from dashboard.pages.attempts import Try

PYTHON = """Traceback (most recent call last):
  File "/app/venv/lib/python3.11/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
                 ^^^^^^^^^^^^^^^^^^^^
  File "/app/venv/lib/python3.11/site-packages/celery/app/trace.py", line 736, in __protected_call__
    return self.run(*args, **kwargs)
  File "/app/shop/payments.py", line 41, in charge
    gateway.charge(order)
  File "/app/venv/lib/python3.11/site-packages/httpx/_client.py", line 914, in send
    raise exc
httpx.ConnectTimeout: timed out"""
NODE = """Error: refused
    at charge (/app/src/payments.js:12:9)
    at Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""


def test_a_traceback__libraries_folded_between_the_applications_frames() -> None:
    pieces = tracebacks.fold(PYTHON)
    assert [piece.frames for piece in pieces] == [0, 2, 0, 1, 0]
    assert pieces[2].text == '  File "/app/shop/payments.py", line 41, in charge\n    gateway.charge(order)'
    assert "\n".join(piece.text for piece in pieces) == PYTHON


def test_a_traceback__other_languages() -> None:
    assert [piece.frames for piece in tracebacks.fold(NODE)] == [0, 2]


def test_a_traceback__of_libraries_alone_is_whole() -> None:
    alone = "\n".join(PYTHON.splitlines()[:6] + PYTHON.splitlines()[-1:])
    assert [piece.frames for piece in tracebacks.fold(alone)] == [0]
    assert tracebacks.fold("") == []


def tried(**changes: Any) -> Try:
    return Try({"type": "Timeout", "message": "no answer", "host": "node-3", "version": "1.8.2"} | changes)


def test_attempts__what_changed_is_marked() -> None:
    lines = attempts.side_by_side([tried(), tried(host="node-4"), tried(host="node-4", message="refused")])
    assert {line.name: [cell.differs for cell in line.cells] for line in lines} == {
        "error": [False, False, True],
        "host": [False, True, False],
        "version": [False, False, False],
    }
    assert attempts.differing(lines) == "error, host"


def test_attempts__alike_or_none_at_all() -> None:
    assert attempts.differing(attempts.side_by_side([tried(), tried()])) == ""
    assert attempts.side_by_side([]) == []


def test_a_body__as_a_tree() -> None:
    root = json_tree.tree({"order": {"lines": [1, None], "note": "ü"}})
    assert root
    (order,) = root.inside
    lines, note = order.inside
    assert (order.size, lines.size, lines.kind) == ("2 fields", "2 values", "list")
    assert [(each.text, each.kind) for each in lines.inside] == [("1", "number"), ("null", "word")]
    assert (note.text, note.kind) == ('"ü"', "text")


def test_a_body__plain_or_very_long_is_no_tree() -> None:
    assert json_tree.tree("text") is None
    assert json_tree.tree(list(range(json_tree.MOST_NODES + 1))) is None


def test_a_success__only_what_differs() -> None:
    here = Contents(b'{"order": 7, "amount": -1, "to": null}', {"x-tenant": "a", "traceparent": "00-1"})
    there = Contents(b'{"order": 7, "amount": 12.5}', {"x-tenant": "b", "traceparent": "00-2"})
    assert [(each.name, each.here, each.there) for each in nearest.compared(here, there)] == [
        ("x-tenant", '"a"', '"b"'),
        ("body.amount", "-1", "12.5"),
        ("body.to", "null", ""),
    ]


def test_a_success__bodies_that_are_no_json() -> None:
    assert [each.name for each in nearest.compared(Contents(b"\xff"), Contents(b"plain"))] == ["body"]


def test_facets__each_value_with_its_count_and_only_some_tell_something() -> None:
    rows = [("Timeout", "pay", "p"), ("Timeout", "pay", ""), ("ValueError", "pay", "p")]
    error, queue, agent = facets.counted(rows, ("error", "queue", "agent"))
    assert (error.name, error.values, error.more) == ("error", [("Timeout", 2), ("ValueError", 1)], 0)
    assert (error.tells, queue.tells, agent.tells, agent.values) == (True, False, False, [("p", 2)])
