--[[
Keep what a campaign has learned where campaigns of the same team find it.

Guarantees: no more than so many are kept; the oldest go. An older one never replaces a newer one.
KEYS: 1 knowledge by campaign (hash), 2 when each was kept (zset)
ARGV: 1 campaign, 2 kept at (ms), 3 knowledge as JSON, 4 how many are kept
Returns: 1 kept, 0 a newer one is there.
]]
local newest = redis.call('ZSCORE', KEYS[2], ARGV[1])
if newest and tonumber(newest) > tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
local surplus = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[4])
if surplus > 0 then
  for _, old in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
    redis.call('ZREM', KEYS[2], old)
    redis.call('HDEL', KEYS[1], old)
  end
end
return 1
