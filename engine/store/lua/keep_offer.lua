--[[
A new leader takes over a claimed contact that an agent looks at.

Guarantees: only while the attempt is claimed and not sent, and only for a higher or the same epoch.
KEYS: 1 campaign's base
ARGV: 1 attempt id, 2 epoch, 3 lease until (ms)
Returns: 1 kept, 0 it is not claimed any more.
]]
local base = KEYS[1]
local key = base .. 'a:' .. ARGV[1]
local a = redis.call('HMGET', key, 'st', 'ep')
if a[1] ~= 'claimed' or tonumber(a[2]) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', key, 'ep', ARGV[2])
redis.call('ZADD', base .. 'leases', ARGV[3], ARGV[1])
return 1
