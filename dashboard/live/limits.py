"""Every limit and interval of live, in one place. Seconds, bytes and counts."""

from __future__ import annotations

# ---- How often a topic is read --------------------------------------------------------------------------------
FRAMES_A_SECOND = 4
RELOAD_EVERY = 10.0  # without any hint
RELOAD_WHEN_DEAF = 1.0  # while hints cannot arrive
RETRY_AFTER = 1.0  # when a load failed
LOAD_IS_LATE_AFTER = 3.0
LOADERS = 4

# ---- Whether hints arrive --------------------------------------------------------------------------------------
PROBE_EVERY = 1.0
DEAF_AFTER = 3.0
REDIS_ANSWERS_WITHIN = 2.0

# ---- What a socket may have on its way ------------------------------------------------------------------------
# Daphne buffers without end what a client does not read. So a socket has at most a window of unacknowledged frames.
# A single frame is no longer than this; a longer change comes in parts.
FRAME_BYTES = 256 * 1024
WINDOW_FRAMES = 32
WINDOW_BYTES = 256 * 1024
MARK_AFTER_FRAMES = 8
MARK_AFTER_BYTES = WINDOW_BYTES // 4
MARK_EVERY = 5.0
MARK_TIMEOUT = 15.0
TICK_EVERY = 1.0
# Between so many sends the event loop looks after everybody else.
SENDS_IN_A_ROW = 100

# ---- What a client may do --------------------------------------------------------------------------------------
MESSAGE_BYTES = 4096
MESSAGES_A_SECOND = 50
MESSAGES_AT_ONCE = 100
SUBSCRIPTIONS = 32
SOCKETS_PER_SUBJECT = 32
SOCKETS_PER_PROCESS = 4096

# ---- Whether a socket may still be here -----------------------------------------------------------------------
ACCESS_EVERY = 1.0
PROVE_AGAIN_AFTER = 30.0
UNPROVEN_FOR = 60.0
