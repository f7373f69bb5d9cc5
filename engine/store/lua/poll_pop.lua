--[[
Take polls that are due.

Guarantees: each once: its due instant moves ahead by the hold, so that only a poll whose worker was
lost comes back, as another try of the same slot.
KEYS: 1 due (zset), 2 plan (hash)
ARGV: 1 now (ms), 2 hold (ms), 3 how many
Returns: per poll {id, slot (ms), try}.
]]
local due, plan, now = KEYS[1], KEYS[2], tonumber(ARGV[1])
local polls = {}
local found = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #found, 2 do
  local id = found[i]
  local old = redis.call('HMGET', plan, id .. ':state', id .. ':slot', id .. ':try')
  local slot, try = string.format('%.0f', tonumber(found[i + 1])), 1
  if old[1] == 'out' or old[1] == 'run' then
    slot, try = old[2], tonumber(old[3]) + 1
  end
  redis.call('HSET', plan, id .. ':state', 'out', id .. ':slot', slot, id .. ':try', try)
  redis.call('ZADD', due, string.format('%.0f', now + tonumber(ARGV[2])), id)
  polls[#polls + 1] = {id, slot, tostring(try)}
end
return polls
