"""Where a drill plays: a folder, a broker of its own, a Postroom, processes; and how large it is played."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from postroom.drills import brokers, house
from postroom.drills.brokers import Broker
from postroom.drills.children import Child, Children
from postroom.drills.figures import Verdict
from postroom.drills.house import Postroom
from postroom.drills.progress import Progress

if TYPE_CHECKING:
    from postroom import Agent

BROKER = "drill"
SDK = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it: `small` fits into a coffee, `full` is the one that the promise is made for."""

    name: str
    count: int
    numbers: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a drill has while it runs. All of it ends with the drill."""

    folder: Path
    broker: Broker
    postroom: Postroom
    children: Children
    size: Size

    def agent(self, name: str, where: str, *options: str, **environ: str) -> Child:
        """A worker process of the agent at `MODULE:NAME`."""
        return self.children.python(name, "-m", "postroom", "worker", where, *options, **environ)

    def sender(self, name: str) -> Agent:
        """Somebody in the drill's own process who sends messages and takes none."""
        from postroom import Agent

        told = self.postroom
        return Agent(
            name, handler=lambda message: None, broker_url=self.broker.url, url=told.url, token=told.token
        )

    def progress(self, title: str, whole: int) -> Progress:
        return Progress(title, whole)


@dataclass(frozen=True, slots=True)
class Drill:
    """One of the seven: what it provokes, in which sizes, on which brokers."""

    name: str
    about: str
    play: Callable[[Scene, Verdict], None]
    small: Size
    full: Size
    brokers: tuple[str, ...] = ("redis",)


def run(drill: Drill, kind: str, size: Size) -> Verdict:
    """Play it once. What goes wrong on the way is part of the verdict."""
    verdict = Verdict(f"{drill.name} on {kind}", size.name)
    try:
        with _scene(kind, size) as scene:
            drill.play(scene, verdict)
    except Exception as problem:
        verdict.trouble = f"{type(problem).__name__}: {problem}"
    return verdict


@contextmanager
def _scene(kind: str, size: Size) -> Iterator[Scene]:
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True))
        )
        broker = stack.enter_context(brokers.private(kind, folder))
        told = stack.enter_context(house.postroom(folder, BROKER, broker.plain))
        environ = _environ(folder, broker, told)
        children = stack.enter_context(Children(folder, environ))
        yield Scene(folder, broker, told, children, size)


def _environ(folder: Path, broker: Broker, told: Postroom) -> dict[str, str]:
    """What every process of the drill is started with."""
    ours = {
        "POSTROOM_BROKER_URL": broker.url,
        "POSTROOM_BROKER_NAME": BROKER,
        "POSTROOM_SPOOL": str(folder / "spool"),
        "DRILL_FOLDER": str(folder),
        "PYTHONPATH": os.pathsep.join([str(SDK), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    return dict(os.environ) | told.environ | ours
