"""What makes two failures the same. Pure: how a death happened goes in, a short text and its parts come out.

The fingerprint stands on what stays when the same fault strikes again elsewhere: the types and messages of the chain of
exceptions (messages without what differs from one time to the next), the application's own frames (without lines and
folders), and the agent. `ALGORITHM` is part of it: a better one makes new fingerprints, and old groups stay.
"""

from agents.deadletters.fingerprint.forming import (
    ALGORITHM,
    Died,
    Formed,
    form,
    is_current,
    is_same_said,
)

__all__ = ["ALGORITHM", "Died", "Formed", "form", "is_current", "is_same_said"]
