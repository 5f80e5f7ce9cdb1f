"""Of what was said at one place: what is a failure like, and to which group does it belong so?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

from agents.deadletters.fingerprint.likeness import Told, could_be, is_alike


def nearest(told: Told, known: Sequence[tuple[Told, Hashable]]) -> int | None:
    """Which of those that are known at this place, each with its group, it is like: the first that says the same. Else
    the first that it could be, if all of that group say nothing against it, and no other group could be it as well:
    what says little must not bring two causes together."""
    alike = next((at for at, (other, _) in enumerate(known) if is_alike(told, other)), None)
    if alike is not None:
        return alike
    of_group: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at, (_, group) in enumerate(known):
        of_group[group].append(at)
    fit = [those for those in of_group.values() if all(_fits(told, known[at][0]) for at in those)]
    return fit[0][0] if len(fit) == 1 else None


def _fits(one: Told, other: Told) -> bool:
    return is_alike(one, other) or could_be(one, other)
