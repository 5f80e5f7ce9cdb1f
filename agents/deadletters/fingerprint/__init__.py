"""What makes two failures the same. Pure: how a death happened goes in, a short text and its parts come out.

The fingerprint stands on what stays when the same fault strikes again elsewhere: the types and messages of the chain of
exceptions (messages without what differs from one time to the next), the application's own frames (without lines and
folders), and the agent. `ALGORITHM` is part of it: a better one makes new fingerprints, and old groups stay.

No rule tells each value from each word. So a failure of another fingerprint is compared once more: of the same place,
and saying the same but for values, it is the same one (likeness.py). It may be if it says less, or in another language
(nearest.py).
"""

from agents.deadletters.fingerprint.forming import (
    ALGORITHM,
    Died,
    Formed,
    form,
    is_current,
    is_same_said,
    tell,
)
from agents.deadletters.fingerprint.likeness import Told, is_alike, says_more
from agents.deadletters.fingerprint.nearest import nearest

__all__ = [
    "ALGORITHM",
    "Died",
    "Formed",
    "Told",
    "form",
    "is_alike",
    "is_current",
    "is_same_said",
    "nearest",
    "says_more",
    "tell",
]
