"""The headers that a message carries between agents: each name once, for senders, receivers and the server's tests.

The names are part of the contract. They are added to, never changed.
"""

from __future__ import annotations

from typing import Final

# W3C: which trace the message belongs to.
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
BAGGAGE: Final = "baggage"

# The message keeps its id when it is redriven.
MESSAGE_ID: Final = "postroom-message-id"
SENDER: Final = "postroom-sender"
SENDER_TOKEN: Final = "postroom-sender-token"
WORKFLOW: Final = "postroom-workflow"
# Where the content lies when it is too large for the broker.
CONTENT_REF: Final = "postroom-content-ref"
DEADLINE: Final = "postroom-deadline"
# The letter's id and the number of this redrive.
REDRIVE_ID: Final = "postroom-redrive-id"
REDRIVE_COUNT: Final = "postroom-redrive-count"
# Which message caused this one, and which conversation both belong to.
PARENT_ID: Final = "postroom-parent-id"
CONVERSATION_ID: Final = "postroom-conversation-id"
# What became of the attempts before this one; packed, see attempts.py.
ATTEMPTS: Final = "postroom-attempts"
# It was delivered before, and then sent back to its queue: a broker that says so of its own redeliveries forgets it.
REDELIVERED: Final = "postroom-redelivered"

ALL: Final = (
    TRACEPARENT,
    TRACESTATE,
    BAGGAGE,
    MESSAGE_ID,
    SENDER,
    SENDER_TOKEN,
    WORKFLOW,
    CONTENT_REF,
    DEADLINE,
    REDRIVE_ID,
    REDRIVE_COUNT,
    PARENT_ID,
    CONVERSATION_ID,
    ATTEMPTS,
    REDELIVERED,
)
