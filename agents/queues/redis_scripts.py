"""What is asked of Redis in one step, so that the figures of one queue belong together. They read and change nothing.

Only keys that were named are touched: a script never looks for keys. kombu keeps the priorities of a queue in lists
of their own, marked by its separator; a list that is empty does not exist.
"""

from __future__ import annotations

from typing import Final

# Of a message only its end is taken when it is long: kombu writes headers and properties behind the body.
WHOLE_BYTES: Final = 65_536
END_BYTES: Final = 16_384
TAIL_BYTES: Final = 900

# ARGV: names of queues. For each: how many wait, bytes of memory, and the next message of every priority.
QUEUES: Final = f"""
local function ending(text)
  if #text <= {WHOLE_BYTES} then return text end
  return string.sub(text, -{END_BYTES})
end
local answer = {{}}
for _, name in ipairs(ARGV) do
  local depth, memory, heads = 0, 0, {{}}
  for priority = 0, 9 do
    local list = priority == 0 and name or (name .. '\\6\\22' .. priority)
    local length = redis.pcall('LLEN', list)
    if type(length) == 'number' and length > 0 then
      depth = depth + length
      local bytes = redis.pcall('MEMORY', 'USAGE', list, 'SAMPLES', '5')
      if type(bytes) == 'number' then memory = memory + bytes end
      heads[#heads + 1] = ending(redis.call('LINDEX', list, -1))
    end
  end
  answer[#answer + 1] = {{depth, memory, heads}}
end
return answer
"""

# ARGV: a hash, cursor, how many. Answers the next cursor and the end of every value: where it says to whom it belongs.
TAILS: Final = f"""
local found = redis.call('HSCAN', ARGV[1], ARGV[2], 'COUNT', ARGV[3])
local tails = {{}}
for i = 2, #found[2], 2 do tails[#tails + 1] = string.sub(found[2][i], -{TAIL_BYTES}) end
return {{found[1], tails}}
"""
