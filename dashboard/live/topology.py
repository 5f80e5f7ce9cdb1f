"""The topic `topology`: nodes and lines of the last minutes, as figures and places.

Most rows are the same objects from one reading to the next, so that finding what changed costs little however
large the graph is.
"""

from __future__ import annotations

from agents.topology import selectors
from agents.topology.drawing import Drawn
from agents.topology.graph import Line
from agents.topology.recent import MINUTES, Recent
from core import clock
from core.access.api import SOMEWHERE, Permission, Place
from dashboard.live.api import Row, State

# The row that says what stretch of time the others are of.
WINDOW = "window"


class Topology:
    """Rows are numbered by this process: they change by the mere passing of minutes too, and the topology's own
    revision does not. It travels in the row `window`.
    """

    name = "topology"
    permission = Permission.SEE
    _read_at: tuple[int, int]

    def __init__(self) -> None:
        self._begin_anew()

    def load(self) -> State:
        at = selectors.revision(), int(clock.unix() // 60)
        if at[0] < self._read_at[0]:
            # Another database, or an older one brought back.
            self._begin_anew()
        if at != self._read_at:
            self._take(*at)
            self._read_at = at
        return State(None, self._rows)

    def _begin_anew(self) -> None:
        self._recent = Recent()
        self._rows: dict[str, Row] = {}
        self._read_at = (-1, -1)

    def _take(self, revision: int, minute: int) -> None:
        try:
            drawn, gone = self._recent.read(minute)
        except Exception:
            # What was half read is known no longer.
            self._begin_anew()
            raise
        rows = {id: row for id, row in self._rows.items() if id not in gone}
        rows |= {id: _row(each) for id, each in drawn.items()}
        rows[WINDOW] = _window(revision, minute)
        self._rows = rows


def _window(revision: int, minute: int) -> Row:
    data = {"revision": revision, "since": minute - MINUTES + 1, "until": minute + 1, "minutes": MINUTES}
    return Row(SOMEWHERE, data)


def _row(drawn: Drawn) -> Row:
    if isinstance(drawn.thing, Line):
        first, *others = _places(drawn)
        return Row(first, drawn.data, tuple(others))
    return Row(selectors.place_of(drawn.thing), drawn.data)


def _places(drawn: Drawn) -> dict[Place, None]:
    """A line is seen by whoever sees one of its ends."""
    return dict.fromkeys(place for edge in drawn.edges for place in selectors.places(edge))
