"""Drill `flood`: a fast sender into a slow agent. The queue stays at its limit, memory is flat, nothing is dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from postroom.drills import notes
from postroom.drills.children import Child
from postroom.drills.depth import depth_of
from postroom.drills.figures import Figure, Verdict, at_least, at_most, exactly, told
from postroom.drills.progress import Progress
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import until

AGENT = "postroom.drills.flood_agent:agent"
LIMIT = 500
# By depth each sender may overshoot by what it was given room for while the answer was on its way.
SLACK = {"redis": 0, "rabbitmq": LIMIT // 4}
BY = {"redis": "slots", "rabbitmq": "depth"}
# A process may take this much more at the end than it did when a fifth was through.
GROWTH = 1.2
# Below this, growth is the allocator's.
FLAT_BYTES = 20 * 1024 * 1024
SAMPLE_SECONDS = 0.25
PATIENCE_SECONDS = 120.0


class Samples:
    """Depth of the queue and memory of every process, taken again and again while it runs."""

    def __init__(self, scene: Scene, processes: dict[str, Child]) -> None:
        self._depth, self._processes = depth_of(scene.broker.plain, "flood"), processes
        self.depths: list[int] = []
        self.memory: dict[str, list[int]] = {name: [] for name in processes}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._take_all, daemon=True)

    def __enter__(self) -> Samples:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _take_all(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.depths.append(self._depth())
            for name, child in self._processes.items():
                if taken := resident(child.pid):
                    self.memory[name].append(taken)

    def growth(self, name: str) -> int:
        """By how many bytes a process grew from its settled size to its largest afterwards."""
        taken = self.memory[name]
        settled = taken[len(taken) // 5 :]
        return max(settled) - settled[0] if settled else 0

    def flat(self, name: str) -> bool:
        taken = self.memory[name]
        return self.growth(name) <= max(FLAT_BYTES, int((GROWTH - 1) * max(taken, default=0)))


def resident(pid: int) -> int:
    """What a process and its children hold in memory, in bytes; 0 when it is gone."""
    return sum(_resident(each) for each in (pid, *_children(pid)))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError):
        return 0


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def play(scene: Scene, verdict: Verdict) -> None:
    count, kind = scene.size.count, scene.broker.kind
    slow = str(scene.size["pause_us"] / 1e6)
    worker = scene.agent("flood", AGENT, "--concurrency", "1", "--pool", "threads", DRILL_SLOW_SECONDS=slow)
    source = scene.children.python(
        "source", "-m", "postroom.drills.flood_source", str(count), str(LIMIT), BY[kind]
    )
    progress = scene.progress("flood", count)
    with Samples(scene, {"sender": source, "agent": worker}) as samples:
        _until_through(scene, count, progress)
    progress.close()
    _judge(scene, verdict, samples, kind)


def _until_through(scene: Scene, count: int, progress: Progress) -> None:
    """As long as something moves, it may take as long as it takes."""
    taken = notes.count(scene.folder, "taken")
    while taken < count:
        until(_more_than(scene, taken), f"message {taken + 1} of {count}", PATIENCE_SECONDS, every=0.5)
        taken = notes.count(scene.folder, "taken")
        progress.at(taken, "messages taken")


def _more_than(scene: Scene, taken: int) -> Callable[[], bool]:
    return lambda: notes.count(scene.folder, "taken") > taken


def _judge(scene: Scene, verdict: Verdict, samples: Samples, kind: str) -> None:
    taken = [int(fields[0]) for fields in notes.read(scene.folder, "taken")]
    different = set(taken)
    limit = LIMIT + SLACK[kind]
    verdict.add(
        told("messages", scene.size.count),
        exactly("dropped", scene.size.count - len(different), 0),
        told("delivered twice", len(taken) - len(different)),
        told("limit", LIMIT),
        at_most("deepest queue", max(samples.depths, default=0), limit),
        at_least("samples of the queue at eight tenths of the limit or more", _full(samples), 1),
        *(_memory(samples, name) for name in samples.memory),
    )
    for name in samples.memory:
        verdict.add(exactly(f"the {name} grew", int(not samples.flat(name)), 0))


def _full(samples: Samples) -> int:
    return sum(depth >= LIMIT * 0.8 for depth in samples.depths)


def _memory(samples: Samples, name: str) -> Figure:
    largest = max(samples.memory[name], default=0) / 1e6
    return told(
        f"memory of the {name}, MB at most (grew by)", f"{largest:.0f} ({samples.growth(name) / 1e6:+.0f})"
    )


DRILL = Drill(
    "flood",
    "a fast sender into a slow agent: the queue stays at its limit, memory stays flat, nothing is dropped",
    play,
    # A million at the small size's pace would take hours; slower than its sender the agent is all the same.
    small=Size("small", 5_000, {"pause_us": 2_000}),
    full=Size("full", 1_000_000, {"pause_us": 100}),
    brokers=("redis", "rabbitmq"),
)
