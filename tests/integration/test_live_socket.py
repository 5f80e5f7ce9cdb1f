"""Live over real sockets: Daphne, a Redis, a database, accounts; one board that the tests write to."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from core import clock
from dashboard.live import limits
from dashboard.live.frames import Close
from tests.support.live_client import LiveClient, client
from tests.support.live_house import LiveHouse, Web


@pytest.fixture(scope="module")
def house(redis_server: str) -> Iterator[LiveHouse]:
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        place = LiveHouse(Path(folder) / "data", redis_server)
        yield place
        place.close()


@pytest.fixture(scope="module")
def web(house: LiveHouse) -> Iterator[Web]:
    with house.web() as web:
        yield web


@pytest.fixture(scope="module")
def viewer(house: LiveHouse) -> str:
    return house.token("viewer-of-all")


async def _reaches(reader: LiveClient, revision: int, seconds: float = 15) -> None:
    await reader.until(lambda: reader.revision() == revision, f"revision {revision}", seconds)


# ---- Frames ----------------------------------------------------------------------------------------------------
async def test_change_with_a_hint__arrives_as_a_delta_within_a_moment(
    house: LiveHouse, web: Web, viewer: str
) -> None:
    async with client(web.live, viewer) as reader:
        await reader.follow("board")
        before = reader.revision()
        revision = house.board.put({"a": {"n": 1}})
        hinted = clock.monotonic()
        await asyncio.gather(asyncio.to_thread(house.hint), _reaches(reader, revision))
        assert clock.monotonic() - hinted < limits.RELOAD_EVERY / 2
        assert reader.seen[-1]["kind"] == "delta"
        assert reader.seen[-1]["base"] == before
        assert reader.rows()["a"] == {"n": 1}


async def test_lost_hint__caught_up_by_the_reload_without_one(
    house: LiveHouse, web: Web, viewer: str
) -> None:
    async with client(web.live, viewer) as reader:
        await reader.follow("board")
        revision = house.board.put({"a": {"n": 2}})
        await _reaches(reader, revision, limits.RELOAD_EVERY + 5)


async def test_two_web_processes__the_same_revision_and_rows(house: LiveHouse, web: Web, viewer: str) -> None:
    with house.web() as other:
        async with client(web.live, viewer) as one, client(other.live, viewer) as two:
            await asyncio.gather(one.follow("board"), two.follow("board"))
            revision = house.board.put({f"row-{n}": {"n": n} for n in range(20)})
            await asyncio.to_thread(house.hint)
            await asyncio.gather(_reaches(one, revision), _reaches(two, revision))
            assert one.rows() == two.rows()


async def test_source_without_revision__followed_all_the_same(
    house: LiveHouse, web: Web, viewer: str
) -> None:
    async with client(web.live, viewer) as reader:
        await reader.follow("unnumbered")
        house.board.put({"c": {"n": 3}})
        await asyncio.to_thread(house.hint, "unnumbered")
        await reader.until(lambda: reader.rows("unnumbered").get("c") == {"n": 3}, "the row")


async def test_lost_delta__asked_again_and_equal_at_the_end(house: LiveHouse, web: Web, viewer: str) -> None:
    async with client(web.live, viewer) as reader, client(web.live, viewer) as faithful:
        await asyncio.gather(reader.follow("board"), faithful.follow("board"))
        reader.lose = lambda frame: frame.get("revision") == lost
        lost = house.board.put({"gap": {"n": 1}})
        await asyncio.to_thread(house.hint)
        await _reaches(faithful, lost)
        last = house.board.put({"gap": {"n": 2}})
        await asyncio.to_thread(house.hint)
        await asyncio.gather(_reaches(reader, last), _reaches(faithful, last))
        assert reader.kinds("board") == ["snapshot", "delta", "snapshot"]
        assert reader.rows() == faithful.rows()


async def test_unsubscribed_topic__silent_until_followed_again(
    house: LiveHouse, web: Web, viewer: str
) -> None:
    async with client(web.live, viewer) as reader, client(web.live, viewer) as other:
        await asyncio.gather(reader.follow("board"), other.follow("board"))
        await reader.say("unsubscribe", topic="board")
        revision = house.board.put({"hidden": {"n": 1}})
        await asyncio.to_thread(house.hint)
        await _reaches(other, revision)
        await reader.say("subscribe", topic="board")
        await _reaches(reader, revision)
        assert reader.kinds("board") == ["snapshot", "snapshot"]


async def test_unknown_topic__refused_with_a_sentence_and_the_socket_goes_on(web: Web, viewer: str) -> None:
    async with client(web.live, viewer) as reader:
        await reader.say("subscribe", topic="nothing")
        await reader.until(lambda: "nothing" in reader.fresh, "the refusal")
        assert "no topic 'nothing'" in reader.fresh["nothing"]["reason"]
        await reader.follow("processes")


async def test_processes__each_kind_has_a_row(web: Web, viewer: str) -> None:
    async with client(web.live, viewer) as reader:
        await reader.follow("processes")
        kinds = {row["kind"] for row in reader.rows("processes").values()}
        assert kinds == {"web", "intake", "worker", "beat", "watcher", "redis"}


# ---- Who may come in -------------------------------------------------------------------------------------------
async def test_nobody__closed_with_sign_in(web: Web) -> None:
    async with client(web.live, Origin=web.origin) as reader:
        assert await reader.until_closed() == Close.SIGN_IN
        assert reader.seen[0]["kind"] == "error"


async def test_unknown_token__closed_with_sign_in(web: Web) -> None:
    async with client(web.live, "Bearer prm_never-made") as reader:
        assert await reader.until_closed() == Close.SIGN_IN


async def test_account_without_the_right_to_see__closed_with_no_right(house: LiveHouse, web: Web) -> None:
    writer = house.token("writes-only", "ingest")
    async with client(web.live, writer) as reader:
        assert await reader.until_closed() == Close.NO_RIGHT
        assert "see" in reader.seen[0]["reason"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_foreign_origin__refused_before_the_socket_opens(web: Web, viewer: str, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with client(web.live, viewer, Origin=origin):
            pass


async def test_session_with_our_origin__accepted(house: LiveHouse, web: Web) -> None:
    async with client(web.live, Cookie=house.people("sign-in", "ana", "viewer"), Origin=web.origin) as reader:
        await reader.follow("board")


async def test_session_without_an_origin__refused(house: LiveHouse, web: Web) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with client(web.live, Cookie=house.people("sign-in", "ben", "viewer")):
            pass


async def test_other_path__refused(web: Web, viewer: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with client(web.live + "/more", viewer):
            pass


# ---- Who may stay ----------------------------------------------------------------------------------------------
async def test_revoked_token__closed_within_seconds(house: LiveHouse, web: Web) -> None:
    async with client(web.live, house.token("to-revoke")) as reader:
        await reader.follow("board")
        await asyncio.to_thread(house.people, "revoke", "to-revoke")
        assert await reader.until_closed(5) == Close.SIGN_IN


@pytest.mark.parametrize("how", ["password", "sign-out"])
async def test_session_that_ends__closed_within_seconds(house: LiveHouse, web: Web, how: str) -> None:
    name = f"ends-by-{how}"
    cookie = house.people("sign-in", name, "viewer")
    async with client(web.live, Cookie=cookie, Origin=web.origin) as reader:
        await reader.follow("board")
        await asyncio.to_thread(house.people, how, cookie if how == "sign-out" else name)
        assert await reader.until_closed(5) == Close.SIGN_IN


async def test_more_rights__more_rows_within_seconds(house: LiveHouse, web: Web) -> None:
    house.board.put({"here": {"n": 1}}, environment="production")
    house.board.put({"there": {"n": 1}}, environment="test")
    cookie = house.people("sign-in", "cleo", "viewer", "test")
    async with client(web.live, Cookie=cookie, Origin=web.origin) as reader:
        await reader.follow("board")
        assert set(reader.rows()) == {"there"}
        await asyncio.to_thread(house.people, "give", "cleo", "viewer", "production")
        await reader.until(lambda: "here" in reader.rows(), "the rows of the other environment", 5)
        assert reader.seen[-1]["kind"] == "snapshot"


# ---- What clients do wrong -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", Close.MALFORMED),
        ('{"type":"ack","mark":"never"}', Close.MALFORMED),
        (b"\x00", Close.MALFORMED),
        (json.dumps({"type": "subscribe", "topic": "x" * limits.MESSAGE_BYTES}), Close.TOO_LARGE),
    ],
)
async def test_malformed_message__an_error_frame_and_the_end(
    web: Web, viewer: str, message: str | bytes, code: Close
) -> None:
    async with client(web.live, viewer) as reader:
        await reader.connection.send(message)
        assert await reader.until_closed() == code
        assert reader.seen[-1]["kind"] == "error"
        assert reader.seen[-1]["code"] == code


async def test_flood_of_messages__closed(web: Web, viewer: str) -> None:
    async with client(web.live, viewer) as reader:
        for _ in range(2 * limits.MESSAGES_AT_ONCE):
            await reader.say("unsubscribe", topic="board")
        assert await reader.until_closed() == Close.TOO_MANY


async def test_too_many_sockets_of_one_account__closed(house: LiveHouse, web: Web) -> None:
    token = house.token("has-many-tabs")
    held = [client(web.live, token) for _ in range(limits.SOCKETS_PER_SUBJECT)]
    readers = [await each.__aenter__() for each in held]
    await asyncio.gather(*(reader.follow("board") for reader in readers))
    async with client(web.live, token) as one_more:
        assert await one_more.until_closed() == Close.TOO_MANY
    for each in held:
        await each.__aexit__(None, None, None)
    async with client(web.live, token) as after:
        await after.follow("board")


async def test_client_that_does_not_acknowledge__closed_as_silent(web: Web, viewer: str) -> None:
    async with client(web.live, viewer) as reader:
        reader.acknowledges = False
        code = await reader.until_closed(limits.MARK_EVERY + limits.MARK_TIMEOUT + 10)
        assert code == Close.SILENT
