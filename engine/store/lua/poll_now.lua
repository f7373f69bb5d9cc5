--[[
Poll sources now; one that is being polled is polled again right after.

KEYS: 1 due (zset), 2 plan (hash)
ARGV: 1 now (ms), then ids
Returns: how many of them are polled at all.
]]
local n = 0
for at = 2, #ARGV do
  local id = ARGV[at]
  local state = redis.call('HGET', KEYS[2], id .. ':state')
  if state == 'out' or state == 'run' then
    redis.call('HSET', KEYS[2], id .. ':again', 1)
  elseif state then
    redis.call('ZADD', KEYS[1], ARGV[1], id)
  end
  if state then n = n + 1 end
end
return n
