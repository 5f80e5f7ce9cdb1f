"""Where the bench of the questions keeps a store: for one run, or until it is told to drop it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import servers
from tests.support.house import House
from tests.support.span_stores import Home

FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Place:
    """A Postroom with a database of its own, and the store in it. `mark` is there once it was filled to be kept."""

    house: House
    home: Home
    mark: Path | None = None

    @property
    def is_filled(self) -> bool:
        return self.mark is not None and self.mark.exists()


@contextmanager
def of_one_run(engine: str) -> Iterator[Place]:
    """Empty; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder, servers.redis_server() as redis:
        data = Path(folder) / "data"
        if engine == "sqlite":
            yield _place(data, "", redis)
            return
        with servers.postgres_database(servers.postgres_server()) as url:
            yield _place(data, url, redis)


@contextmanager
def kept(engine: str, folder: Path, count: int) -> Iterator[Place]:
    """As the run before left it when that had filled it, else empty. It stays until `drop`."""
    own = _folder(folder, engine, count)
    mark = own / FILLED
    if not mark.exists():
        drop(engine, folder, count)
        own.mkdir(parents=True)
    url = _kept_database(count, make=not mark.exists()) if engine != "sqlite" else ""
    with servers.redis_server() as redis:
        yield _place(own / "data", url, redis, mark)


def drop(engine: str, folder: Path, count: int) -> None:
    """Remove what `kept` left, if anything."""
    own = _folder(folder, engine, count)
    if engine != "sqlite" and own.exists():
        servers.drop_database(servers.postgres_server(), _name(count))
    shutil.rmtree(own, ignore_errors=True)


def _place(data: Path, url: str, redis: str, mark: Path | None = None) -> Place:
    house = House(data, url, fresh=not (mark and mark.exists()))
    house.environ["POSTROOM_REDIS_URL"] = redis
    home = Home("postgresql", url) if url else Home("sqlite", str(data / "telemetry" / "spans"))
    return Place(house, home, mark)


def _folder(folder: Path, engine: str, count: int) -> Path:
    return folder / f"kept-{engine}-{count}"


def _kept_database(count: int, *, make: bool) -> str:
    server = servers.postgres_server()
    if make:
        servers.make_database(server, _name(count))
    return server.format(name=_name(count))


def _name(count: int) -> str:
    return f"postroom_kept_{count}"
