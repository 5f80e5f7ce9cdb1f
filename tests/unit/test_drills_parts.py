"""What drills are made of: a wire that can be cut, notes that are read as they grow, orders that agents follow."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.drills import brokers, notes
from postroom.drills.crashes import FOLDER
from postroom.drills.faults import orders
from postroom.drills.faults.proxy import Wire, through, wire_to
from postroom.drills.waiting import NeverCameError


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of somebody who answers what is said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        yield int(server.getsockname()[1])


def _echo(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            while said := connection.recv(100):
                connection.sendall(said)


@pytest.fixture
def wire(echo: int) -> Iterator[Wire]:
    wire = wire_to(f"redis://127.0.0.1:{echo}/0")
    yield wire
    wire.close()


def test_a_wire_passes_on_in_both_directions(wire: Wire) -> None:
    with socket.create_connection(("127.0.0.1", wire.port), 5) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


def test_a_wire_that_is_cut__ends_what_is_open_and_refuses(wire: Wire) -> None:
    with socket.create_connection(("127.0.0.1", wire.port), 5) as client:
        client.sendall(b"hello")
        client.recv(100)
        wire.cut()
        assert client.recv(100) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", wire.port), 5)


def test_a_wire_that_is_mended__is_where_it_was(wire: Wire) -> None:
    port = wire.port
    wire.cut()
    wire.mend()
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"again")
        assert client.recv(100) == b"again"


def test_an_address_through_the_wire_keeps_all_but_the_host(wire: Wire) -> None:
    assert through("postroom+redis://:secret@10.0.0.1:7000/2", wire) == (
        f"postroom+redis://:secret@127.0.0.1:{wire.port}/2"
    )


def append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as notes_file:
        notes_file.write(text)


def test_notes_are_read_once_as_they_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    tail = notes.Tail(tmp_path, "seen")
    assert tail.new() == []
    notes.note("seen", "a", 1)
    assert tail.new() == [["a", "1"]]
    append(tmp_path / "seen.notes", "b\t2\nhalf a li")
    assert tail.new() == [["b", "2"]]
    append(tmp_path / "seen.notes", "ne\n")
    assert tail.new() == [["half a line"]]
    assert notes.count(tmp_path, "seen") == 3


def test_orders_hold_until_they_are_taken_back(tmp_path: Path) -> None:
    assert orders.current(tmp_path, "extract") == {}
    orders.give(tmp_path, "extract", orders.SLOW, seconds=2)
    assert orders.current(tmp_path, "extract") == {"do": "slow", "seconds": 2}
    orders.take_back(tmp_path, "extract")
    assert orders.current(tmp_path, "extract") == {}


def test_a_broker_that_never_answers_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "silent"
    silent.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n", encoding="utf-8")
    silent.chmod(0o700)
    monkeypatch.setattr(brokers, "_redis_program", lambda: str(silent))
    monkeypatch.setattr(brokers, "START_SECONDS", 1.0)
    with pytest.raises(NeverCameError, match="the drill's Redis to answer"):
        brokers.PrivateRedis(tmp_path)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text(encoding='utf-8').strip()}").exists()
