"""The pure parts behind the pages of traces: what is hidden, what is drawn, what is compared, what is summed up."""

from __future__ import annotations

import pytest

from agents.spans import listing, payloads
from agents.spans.api import Trace
from agents.spans.values import Status, attributes_of, decode, encode
from agents.topology import anatomy
from dashboard import words
from dashboard.charts.compared import compare
from dashboard.charts.scatter import HEIGHT, WIDTH, quantiles, scatter
from dashboard.charts.waterfall import Mark, Tick, waterfall
from dashboard.pages.logs import severity_word
from tests.support.span_house import SECRET, line, story
from tests.support.traces import MS, span


# ---- Payloads --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.input.messages",
        "gen_ai.prompt.0.content",
        "gen_ai.tool.call.arguments",
        "llm.completions",
        "input.value",
        "traceloop.entity.output",
        "messaging.message.body",
        "message.headers",
        "http.request.header.authorization",
        "http.request.body",
        "url.query",
        "db.statement",
        "celery.args",
        "exception.locals",
    ],
)
def test_payload_keys__hidden(key: str) -> None:
    assert payloads.masked({key: "said"}) == {key: "[masked, 4 bytes]"}


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.usage.input_tokens",
        "gen_ai.request.model",
        "messaging.message.id",
        "messaging.message.body.size",
        "http.request.body.size",
        "http.route",
        "db.operation.name",
        "exception.message",
        "order.id",
    ],
)
def test_what_happened__shown(key: str) -> None:
    assert payloads.masked({key: "value"}) == {key: "value"}


def test_a_hidden_span_keeps_all_but_its_payloads() -> None:
    chat = story()[3]
    hidden = payloads.hidden(chat)
    assert SECRET.encode() not in hidden.attributes + hidden.events
    assert attributes_of(hidden.attributes)["order.id"] == "o-1"
    assert "too long" in decode(hidden.events)[0]["attributes"]["exception.message"]
    assert hidden._replace(attributes=chat.attributes, events=chat.events) == chat


# ---- The list --------------------------------------------------------------------------------------------------
def test_sum_up__lasts_until_the_last_end_and_not_the_root_s() -> None:
    row = listing.sum_up(Trace(story()), 0)
    assert (row.name, row.duration, row.state) == ("POST /documents", 1300 * MS, "with errors")


def test_sum_up__a_failed_root_is_a_failed_trace() -> None:
    row = listing.sum_up(Trace((span("a", 1, status=Status.ERROR), span("b", 2, parent=1))), 0)
    assert row.state == "failed"


def test_root__one_without_parent_else_the_first_orphan() -> None:
    late_root, orphan, child = span("a", 1, at=5), span("b", 2, parent=9), span("c", 3, parent=2, at=-5)
    assert listing.root_of([child, orphan, late_root]) == late_root
    assert listing.root_of([child, orphan]) == orphan


# ---- The waterfall ---------------------------------------------------------------------------------------------
def test_waterfall__columns_line_up() -> None:
    spans = story()
    drawn = waterfall(anatomy.read(spans), [line(spans[0], "x" * 500, 17)], {}, spans[0].start + 9_000 * MS)
    assert {len(drawn[name]) for name in ("lane", "depth", "at", "took", "name", "mark")} == {6}
    assert len(drawn["ids"]) == 6 * 16
    assert [drawn["names"][number] for number in drawn["name"]][:1] == ["POST /documents"]
    assert drawn["mark"][3] == Mark.ERROR
    assert [tick[2] for tick in drawn["ticks"]] == [Tick.ERROR, Tick.EVENT, Tick.LOG | Tick.ERROR]
    assert len(drawn["logs"][0][3]) == 200
    assert (drawn["end"], drawn["now"]) == (1300 * MS, 9_000 * MS)


def test_waterfall__a_wait_stands_in_the_row_of_who_waited() -> None:
    drawn = waterfall(anatomy.read(story()), [], {}, 0)
    (wait,) = [piece for piece in drawn["path"] if piece[3]]
    assert wait == [2, 110 * MS, 700 * MS, "extract.q"]


def test_waterfall__a_parent_that_is_not_there_is_marked() -> None:
    assert waterfall(anatomy.read([span("a", 2, parent=1)]), [], {}, 0)["mark"] == [Mark.ORPHAN]


# ---- The drawing -----------------------------------------------------------------------------------------------
def test_scatter__within_its_frame_the_longest_on_top() -> None:
    rows = [listing.sum_up(Trace((span("a", 1, trace=ms, at=ms, ms=ms),)), 1) for ms in (1, 10, 4_000)]
    drawn = scatter(rows)
    assert all(0 <= point.x <= WIDTH and 0 <= point.y <= HEIGHT for point in drawn.points)
    assert [point.took for point in sorted(drawn.points, key=lambda point: point.y)] == [
        4_000 * MS,
        10 * MS,
        MS,
    ]
    assert [each.took for each in drawn.lines] == [MS, 10 * MS, 100 * MS, 1_000 * MS]


def test_scatter__nothing_and_all_the_same() -> None:
    assert scatter([]).points == ()
    same = [listing.sum_up(Trace((span("a", 1, trace=number, ms=0),)), 1) for number in (1, 2)]
    assert len({(point.x, point.y) for point in scatter(same).points}) == 1


def test_quantiles__by_the_nearest_rank() -> None:
    assert quantiles(list(range(1, 101))) == (50, 95, 99)
    assert quantiles([7]) == (7, 7, 7)
    assert quantiles([]) == ()


# ---- Beside another --------------------------------------------------------------------------------------------
def test_compare__the_largest_difference_first_and_what_is_missing_named() -> None:
    here = [span("a", 1, name="x", ms=10), span("a", 2, name="y", ms=5)]
    there = [span("a", 1, name="x", ms=11, status=Status.ERROR), span("b", 2, name="z", ms=300)]
    found = compare(here, there)
    assert [(each.agent, each.operation, each.only, each.state) for each in found] == [
        ("b", "z", "there", "warn"),
        ("a", "y", "here", "warn"),
        ("a", "x", "", "bad"),
    ]
    assert [each.took for each in found] == [300.0, -5.0, 1.0]


# ---- Words -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("nanos", "says"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (85_000, "85.0 µs"),
        (240 * MS, "240 ms"),
        (1_320 * MS, "1.32 s"),
        (90 * 10**9, "1.50 min"),
    ],
)
def test_took(nanos: int, says: str) -> None:
    assert words.took(nanos) == says


@pytest.mark.parametrize(
    ("severity", "word"), [(0, "unset"), (1, "trace"), (10, "info"), (17, "error"), (24, "fatal")]
)
def test_severity_word(severity: int, word: str) -> None:
    assert severity_word(severity) == word


def test_an_encoded_mask_is_one_text() -> None:
    assert payloads.mask({"a": 1}) == f"[masked, {len(encode({'a': 1}))} bytes]"
