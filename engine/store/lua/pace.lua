--[[
Ask whether a CRM account may be used now: one pace for all workers.

Guarantees: at most `burst` requests at once and `rate` a second after; none while the account rests.
KEYS: 1 the account's bucket (hash)
ARGV: 1 now (ms), 2 requests per second, 3 burst
Returns: ms to wait; 0: go, and it is counted.
]]
local now, gap = tonumber(ARGV[1]), 1000 / tonumber(ARGV[2])
local b = redis.call('HMGET', KEYS[1], 'next', 'rests_until')
local rests = tonumber(b[2] or 0)
if rests > now then return math.ceil(rests - now) end
local next_at = math.max(tonumber(b[1] or 0), now - gap * (tonumber(ARGV[3]) - 1))
if next_at > now then return math.ceil(next_at - now) end
redis.call('HSET', KEYS[1], 'next', string.format('%.3f', next_at + gap))
redis.call('PEXPIRE', KEYS[1], 86400000)
return 0
