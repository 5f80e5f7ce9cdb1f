"""What must happen in one step in Redis, as scripts.

A waiting message is kombu's JSON. It is never taken apart here (Lua would give an empty list back as an empty object):
each time it returns to its queue after a claim it gets one more space in front, which JSON permits, and whose number
is how often it was delivered before.

A claim is known by its tag, which no other claim ever has. So whoever comes late with an old tag finds nothing.
The names of the library's own keys are arguments: only the lists of the queues are keys, for they are what Redis is
asked to watch on behalf of an idle worker.
"""

from __future__ import annotations

from typing import Final

_NOW: Final = """
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end
"""

# KEYS: the lists to look in, in this order. ARGV: unacked, due, how many, lease, tag, first number, instance,
# then for each list the name of its queue. Answers tag, position of the list, message; and so on.
# The length of a list is read before and after each take: that is what makes Redis tell of the next push.
CLAIM: Final = (
    _NOW
    + """
local at, taken, answer = now(), 0, {}
for i, list in ipairs(KEYS) do
  while redis.call('LLEN', list) > 0 do
    if taken == tonumber(ARGV[3]) then return answer end
    local message, tag = redis.call('RPOP', list), ARGV[5] .. (tonumber(ARGV[6]) + taken)
    redis.call('HSET', ARGV[1], tag, cjson.encode({message, ARGV[7 + i], ARGV[7], at, list}))
    redis.call('ZADD', ARGV[2], at + tonumber(ARGV[4]), tag)
    taken = taken + 1
    answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = tag, i, message
  end
end
return answer
"""
)

# ARGV: due, lease, tags. Answers the tags that are no longer ours.
RENEW: Final = (
    _NOW
    + """
local until_, lost = now() + tonumber(ARGV[2]), {}
for i = 3, #ARGV do
  if redis.call('ZSCORE', ARGV[1], ARGV[i]) then
    redis.call('ZADD', ARGV[1], until_, ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
"""
)

# ARGV: unacked, due, tags. Answers how many were still claimed.
ACKNOWLEDGE: Final = """
local known = 0
for i = 3, #ARGV do
  known = known + redis.call('HDEL', ARGV[1], ARGV[i])
  redis.call('ZREM', ARGV[2], ARGV[i])
end
return known
"""

_GIVE_BACK: Final = """
local function give_back(unacked, due, tag, push)
  local held = redis.call('HGET', unacked, tag)
  redis.call('HDEL', unacked, tag)
  redis.call('ZREM', due, tag)
  if not held then return 0 end
  local claim = cjson.decode(held)
  redis.call(push, claim[5], ' ' .. claim[1])
  return 1
end
"""

# ARGV: unacked, due, RPUSH (to the head, next to go) or LPUSH (behind all others), tags. Answers how many went back.
GIVE_BACK: Final = (
    _GIVE_BACK
    + """
local back = 0
for i = 4, #ARGV do back = back + give_back(ARGV[1], ARGV[2], ARGV[i], ARGV[3]) end
return back
"""
)

# ARGV: unacked, due, delayed, delayed messages, how many of each, grace. Answers expired claims given back, delayed
# moved. The latest claim goes back first, so that the oldest message ends up at the head. A Redis that was away could
# not hear renewals: for the grace in seconds after its start nothing counts as expired.
SWEEP: Final = (
    _NOW
    + _GIVE_BACK
    + """
local at = now()
local expired = redis.call('ZRANGEBYSCORE', ARGV[2], '-inf', at, 'LIMIT', 0, ARGV[5])
if #expired > 0 then
  local server = redis.pcall('INFO', 'server')
  local up = type(server) == 'string' and server:match('uptime_in_seconds:(%d+)')
  if up and tonumber(up) < tonumber(ARGV[6]) then expired = {} end
end
for i = #expired, 1, -1 do give_back(ARGV[1], ARGV[2], expired[i], 'RPUSH') end
local due = redis.call('ZRANGEBYSCORE', ARGV[3], '-inf', at, 'LIMIT', 0, ARGV[5])
for _, tag in ipairs(due) do
  local held = redis.call('HGET', ARGV[4], tag)
  redis.call('ZREM', ARGV[3], tag)
  redis.call('HDEL', ARGV[4], tag)
  if held then
    local waiting = cjson.decode(held)
    redis.call('LPUSH', waiting[3], waiting[1])
  end
end
return {#expired, #due}
"""
)

# KEYS: the list. ARGV: message, the stream of events, events. The push and its `sent` events, or neither.
SEND: Final = """
for i = 3, #ARGV do redis.call('XADD', ARGV[2], '*', 'e', ARGV[i]) end
return redis.call('LPUSH', KEYS[1], ARGV[1])
"""

# KEYS: unacked, due, delayed, delayed messages, events, letters, settled marker, idempotency record, slots.
# ARGV: tag (empty: acknowledged before), marker's seconds, letter, record, record's seconds,
# retry's tag, its delay, its JSON, message id, events. Answers settled, again (it was settled before) or lost.
# A message that does not come back is in flight no longer: whoever waits for its slot may send.
SETTLE: Final = (
    _NOW
    + """
if ARGV[1] ~= '' and redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then
  return redis.call('EXISTS', KEYS[7]) == 1 and 'again' or 'lost'
end
if ARGV[1] == '' and redis.call('EXISTS', KEYS[7]) == 1 then return 'again' end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SET', KEYS[7], '', 'EX', ARGV[2])
for i = 10, #ARGV do redis.call('XADD', KEYS[5], '*', 'e', ARGV[i]) end
if ARGV[3] ~= '' then redis.call('XADD', KEYS[6], '*', 'l', ARGV[3]) end
if KEYS[8] ~= '' then
  redis.call('SET', KEYS[8], ARGV[4], 'PX', ARGV[5])
  redis.call('DEL', KEYS[8] .. ':running')
end
if ARGV[6] ~= '' then
  redis.call('ZADD', KEYS[3], now() + tonumber(ARGV[7]), ARGV[6])
  redis.call('HSET', KEYS[4], ARGV[6], ARGV[8])
else
  redis.call('ZREM', KEYS[9], ARGV[9])
end
return 'settled'
"""
)
