--[[
Make the plan of polls what the campaigns ask for now.

Guarantees: a new source is due at once; a changed interval counts from the last slot and acts at
once; what is not asked for any more is not polled. A poll that runs, or waits after an error, keeps
its instant.
KEYS: 1 due (zset), 2 plan (hash)
ARGV: 1 now (ms), then per source: id, interval (ms)
Returns: sources that are planned.
]]
local due, plan, now, wanted = KEYS[1], KEYS[2], tonumber(ARGV[1]), {}
for at = 2, #ARGV, 2 do
  local id, interval = ARGV[at], ARGV[at + 1]
  wanted[id] = true
  local old = redis.call('HMGET', plan, id .. ':interval', id .. ':state', id .. ':slot')
  if not old[1] then
    redis.call('HSET', plan, id .. ':interval', interval, id .. ':state', 'idle', id .. ':slot', now)
    redis.call('ZADD', due, now, id)
  elseif old[1] ~= interval then
    redis.call('HSET', plan, id .. ':interval', interval)
    if old[2] == 'idle' then
      redis.call('ZADD', due, string.format('%.0f', math.max(now, tonumber(old[3]) + tonumber(interval))), id)
    end
  end
end
for _, id in ipairs(redis.call('ZRANGE', due, 0, -1)) do
  if not wanted[id] then
    redis.call('ZREM', due, id)
    redis.call('HDEL', plan, id .. ':interval', id .. ':state', id .. ':slot', id .. ':try', id .. ':again')
  end
end
return redis.call('ZCARD', due)
