"""Fingerprints: the same for the same fault elsewhere, another for another fault; tracebacks of many languages."""

from __future__ import annotations

from time import process_time

import pytest

from agents.deadletters import wire
from agents.deadletters.fingerprint import Died, form
from agents.deadletters.fingerprint.normalising import normalised
from agents.deadletters.services.grouping import died
from agents.deadletters.values import Origin
from tests.support.corpus import OPEN, failures, fit

PYTHON = """Traceback (most recent call last):
  File "{libs}/requests/adapters.py", line {line}, in send
    resp = conn.urlopen(
  File "{home}/pay/client.py", line 41, in charge
    raise
ConnectionRefusedError: [Errno 111] Connection refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{home}/pay/handler.py", line 12, in handle
    charge(order)
ValueError: order {order} is late
"""
JAVA = """java.lang.IllegalStateException: Could not book order {order}
\tat com.acme.orders.Booker.lambda$run$0(Booker.java:{line})
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:{line})
\t... 12 more
Caused by: java.sql.SQLException: Connection is closed
\tat com.acme.orders.Repo.save(Repo.java:9)
"""
JAVASCRIPT = """TypeError: Cannot read properties of undefined (reading 'total')
    at Order.sum ({home}/src/order.js:{line}:22)
    at processTicksAndRejections (node:internal/process/task_queues:95:5)
  [cause]: Error: connect ECONNREFUSED 10.0.0.{line}:5432
"""
GO = """panic: order {order} has no lines

goroutine {order} [running]:
main.(*Worker).handle(0xc0000b2000, {{0xc00001c0a8, 0x5}})
\t{home}/worker.go:{line} +0x1d
net/http.(*conn).serve(0xc0000)
\t/usr/local/go/src/net/http/server.go:{line} +0x1
"""
NET = """System.InvalidOperationException: Order {order} cannot be booked
 ---> System.TimeoutException: The operation has timed out.
   at Npgsql.Internal.NpgsqlConnector.Open()
   --- End of inner exception stack trace ---
   at Acme.Orders.Booker.<BookAsync>d__{order}.MoveNext() in {home}/Booker.cs:line {line}
"""
GROUPED = """  + Exception Group Traceback (most recent call last):
  |   File "{home}/fan.py", line 9, in fan
  | ExceptionGroup: unhandled errors in a TaskGroup ({number} sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "{home}/fan.py", line 4, in fetch
    | {first}
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "{home}/fan.py", line 4, in fetch
    | {second}
    +------------------------------------
"""
HERE = {"libs": "/usr/lib/python3.11/site-packages", "home": "/srv/app", "line": 86, "order": 7}
ELSEWHERE = {
    "libs": "/opt/venv/lib/python3.12/site-packages",
    "home": "/home/x/app",
    "line": 12,
    "order": 4711,
}


def of(traceback: str = "", message: str = "", type_: str = "Error", who: str = "pay") -> str:
    return form(Died(who, "exception", type_, message, traceback)).fingerprint


@pytest.mark.parametrize("traceback", [PYTHON, JAVA, JAVASCRIPT, GO, NET])
def test_same_fault_elsewhere__the_same(traceback: str) -> None:
    assert of(traceback.format(**HERE)) == of(traceback.format(**ELSEWHERE))


@pytest.mark.parametrize(
    ("traceback", "raised", "frames"),
    [
        (PYTHON, ["ConnectionRefusedError", "ValueError"], ("client:charge", "handler:handle")),
        (
            JAVA,
            ["IllegalStateException", "SQLException"],
            ("com.acme.orders.Booker.run", "com.acme.orders.Repo.save"),
        ),
        (JAVASCRIPT, ["TypeError", "Error"], ("Order.sum",)),
        (GO, ["panic"], ("worker:main.Worker.handle",)),
        (NET, ["InvalidOperationException", "TimeoutException"], ("Acme.Orders.Booker.BookAsync",)),
    ],
)
def test_traceback__its_chain_and_the_applications_own_frames(
    traceback: str, raised: list[str], frames: tuple[str, ...]
) -> None:
    found = form(Died("pay", "exception", traceback=traceback.format(**HERE)))
    assert ([each.type for each in found.raised], found.frames) == (raised, frames)


def test_another_agent_frame_or_cause__another() -> None:
    one = PYTHON.format(**HERE)
    others = [one.replace("handler.py", "other.py"), one.replace("ConnectionRefusedError", "KeyError")]
    assert len({of(one), of(one, who="mail"), *map(of, others)}) == 4


def test_side_by_side_in_any_order__the_same() -> None:
    first, second = "ValueError: x 12", "KeyError: 'amount'"
    one = GROUPED.format(home="/srv", number=2, first=first, second=second)
    other = GROUPED.format(home="/app", number=3, first=second, second="ValueError: x 13")
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        ("invoice INV-2024-12 of ana@acme.com", "invoice <n> of <email>"),
        ("expired at 2026-11-26T14:03:12.123Z", "expired at <time>"),
        ("talking to redis-0.cache.svc:6379 took 30s", "talking to <host> took <n>"),
        ("no customer 'acme corp'", "no customer <str>"),
        ("field 'amount' missing", "field 'amount' missing"),
        ("returned status 503", "returned status 503"),
        ("cannot open /var/lib/x/4711.json", "cannot open <path>"),
        ("got {'a': 1, 'b': [1, 2]}", "got <data>"),
        ("<Order at 0x7f12>", "<Order at <n>>"),
    ],
)
def test_message__without_what_differs(message: str, plain: str) -> None:
    assert normalised(message) == plain


def test_open_half_of_the_corpus__a_group_a_cause() -> None:
    grouped = [
        (each.cause, form(died(wire.of_data(each.letter, Origin()))).fingerprint) for each in failures(OPEN)
    ]
    found = fit(grouped)
    assert not found.mixed
    assert len(found.whole) >= 19


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a" * 2_000,
            "a." * 1_000,
            "'" * 2_000,
            "[" * 2_000,
            "{" * 2_000,
            "a@" * 1_000,
            "1:" * 1_000,
            "/" * 2_000,
        ),
        *(
            "/a " * 700,
            "a/" * 1_000,
            "C:\\" * 700,
            "-" * 2_000,
            "1 " * 1_000,
            "a:1 " * 500,
            "#<A" * 700,
            "{'a':" * 400,
        ),
        *(
            "code: " * 400,
            "()=(" * 500,
            " (is in module" * 150,
            "Jan 1 " * 300,
            "::1" * 600,
            "a'a" * 700,
            "(1,'" * 500,
        ),
    ],
)
def test_hostile_message__read_in_no_time(text: str) -> None:
    before = process_time()
    normalised(text)
    form(Died("pay", "exception", traceback=f"{text}\n" * 5 + f"    at {text}\n\t{text}"))
    assert process_time() - before < 1
