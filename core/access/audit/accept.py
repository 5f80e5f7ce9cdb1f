"""An operator's word that the chain is to be trusted from here on, although its checkpoints say otherwise.

For a database restored from a backup, or a host with a new data directory. It mends nothing: an entry that does not
fit is broken as before. The word, and what a verification found just before it, go into the trail.
"""

from __future__ import annotations

from django.db import transaction

from core.access.api import Subject
from core.access.audit import checkpoints
from core.access.audit.api import Action, Target, record
from core.access.audit.models import Entry
from core.access.audit.verify import verify
from core.databases import DEFAULT


def accept(by: Subject, why: str) -> int:
    """Record the word, then begin the checkpoints with it. Returns the entry's sequence."""
    found = verify()
    with transaction.atomic(using=DEFAULT):
        sequence = record(
            Action.AUDIT_CHECKPOINTS_STARTED,
            by=by,
            on=Target("audit trail"),
            source="manage.py",
            why=why,
            before={"verify": str(found)},
        )
    entry = Entry.objects.using(DEFAULT).get(sequence=sequence)
    checkpoints.start_over(checkpoints.Kind.ACCEPTED, sequence, entry.hash)
    return sequence
