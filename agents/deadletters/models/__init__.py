"""The tables of custody, by what they are about."""

from agents.deadletters.models.finding import LetterText, MaskRule
from agents.deadletters.models.groups import (
    FailureGroup,
    GroupAlias,
    GroupChange,
    GroupNote,
    GroupPart,
    GroupRate,
    GroupSplit,
)
from agents.deadletters.models.letters import Death, Failed, Letter, LetterChange, StoredContents
from agents.deadletters.models.moves import GroupMove
from agents.deadletters.models.sources import LetterSource

__all__ = [
    "Death",
    "Failed",
    "FailureGroup",
    "GroupAlias",
    "GroupChange",
    "GroupMove",
    "GroupNote",
    "GroupPart",
    "GroupRate",
    "GroupSplit",
    "Letter",
    "LetterChange",
    "LetterSource",
    "LetterText",
    "MaskRule",
    "StoredContents",
]
