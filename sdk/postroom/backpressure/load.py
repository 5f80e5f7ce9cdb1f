"""How busy this machine and this process are, asked of the operating system."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NO_LIMIT = 1 << 60
_in_flight: list[Callable[[], int]] = []


@dataclass(frozen=True, slots=True)
class SystemLoad:
    """Shares: 1 is all there is; `cpu` can be above it, when more wants to run than there are cores."""

    cpu: float
    memory: float
    process_bytes: int
    in_flight: int

    @property
    def busiest(self) -> float:
        """The scarcer of the two: what a heartbeat says as `load`."""
        return max(self.cpu, self.memory)


def get_system_load() -> SystemLoad:
    """Load now: of the container where there are limits, else of the machine. What cannot be known is 0."""
    return SystemLoad(_cpu(), _memory(), _process_bytes(), sum(count() for count in _in_flight))


def count_in_flight(count: Callable[[], int]) -> None:
    """Has `get_system_load` add what this counts: an agent says how many messages it handles."""
    _in_flight.append(count)


def forget(count: Callable[[], int]) -> None:
    if count in _in_flight:
        _in_flight.remove(count)


def _cpu() -> float:
    try:
        return round(os.getloadavg()[0] / _cores(), 4)
    except OSError:
        return 0.0


def _cores() -> float:
    """What this process may use: a container's quota, the cores it is bound to, else all."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    words = _text("/sys/fs/cgroup/cpu.max").split()
    if len(words) == 2 and words[0].isdigit():
        return min(float(bound), int(words[0]) / int(words[1])) or 1.0
    return float(bound)


def _memory() -> float:
    machine = _meminfo()
    total, free = machine.get("MemTotal", 0), machine.get("MemAvailable", 0)
    limit, used = _container()
    if 0 < limit < (total or NO_LIMIT):
        return round(used / limit, 4)
    return round(1 - free / total, 4) if total else 0.0


def _container() -> tuple[int, int]:
    """Limit and use of a container's memory in bytes; a limit of 0: there is none."""
    limit, used = _text("/sys/fs/cgroup/memory.max").strip(), _text("/sys/fs/cgroup/memory.current").strip()
    return (int(limit), int(used)) if limit.isdigit() and used.isdigit() else (0, 0)


def _meminfo() -> dict[str, int]:
    pairs = (line.split(":", 1) for line in _text("/proc/meminfo").splitlines() if ":" in line)
    return {name: int(value.split()[0]) * 1024 for name, value in pairs}


def _process_bytes() -> int:
    words = _text("/proc/self/statm").split()
    if len(words) > 1:
        return int(words[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource

    # Where there is no /proc: the most that it ever held; macOS counts bytes, others kilobytes.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""
