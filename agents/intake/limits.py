"""Every limit of intake, in one place. Each is told to the sender when it is passed, never silently enforced."""

from __future__ import annotations

KIB, MIB = 1 << 10, 1 << 20

# ---- One request -------------------------------------------------------------------------------------------------
MAX_SENT_BYTES = 8 * MIB
MAX_BODY_BYTES = 16 * MIB
# What one request may unfold into. A JSON object takes at least two bytes and a hundred in memory.
MAX_ITEMS = 20_000
MAX_JSON_OBJECTS = 1_000_000
# gRPC gives a message to Python whole, so its limit is the usual one of OTLP/gRPC receivers.
MAX_GRPC_BYTES = 4 * MIB

# ---- All requests together ---------------------------------------------------------------------------------------
# Bodies wait as they were sent, packed.
MAX_BYTES_IN_FLIGHT = 32 * MIB
MAX_REQUESTS_IN_FLIGHT = 1_000
# Rows that were decoded and are not written yet: handed on in groups of the first, kept ahead up to the second.
ROW_WEIGHT = 1 * KIB
MAX_WEIGHT_TOGETHER = 2 * MIB
MAX_WEIGHT_AHEAD = 12 * MIB
RETRY_AFTER_SECONDS = 1
MAX_GRPC_CALLS = 64
# A sender that stops in the middle of its body gives its place back.
BODY_SECONDS = 30
DRAIN_SECONDS = 2

# ---- One span or log record --------------------------------------------------------------------------------------
# A name may stand in an index, whose entries are small.
MAX_NAME = 512
MAX_VALUE = 64 * KIB
MAX_KEY = 256
MAX_ATTRIBUTES = 256
MAX_EVENTS = 256
MAX_LINKS = 1_024
MAX_DEPTH = 16
MAX_NESTED = 1 * MIB
