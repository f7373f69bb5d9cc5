--[[
A poll has ended: plan the next one.

Guarantees: only for the newest try of its slot. Without an error the next slot is one interval after
this one, or now where it was asked for or the poll took longer.
KEYS: 1 due (zset), 2 plan (hash)
ARGV: 1 id, 2 slot, 3 try, 4 now (ms), 5 instant (ms) of the next try after an error, or ''
Returns: instant (ms) at which the source is due, 0 not the newest try.
]]
local id, now = ARGV[1], tonumber(ARGV[4])
local p = redis.call('HMGET', KEYS[2], id .. ':slot', id .. ':try', id .. ':interval', id .. ':again')
if p[1] ~= ARGV[2] or p[2] ~= ARGV[3] then return 0 end
local state, at = 'idle', math.max(now, tonumber(p[1]) + tonumber(p[3]))
if ARGV[5] ~= '' then state, at = 'back', tonumber(ARGV[5]) end
if p[4] then at = now end
redis.call('HDEL', KEYS[2], id .. ':again')
redis.call('HSET', KEYS[2], id .. ':state', state)
redis.call('ZADD', KEYS[1], string.format('%.0f', at), id)
return string.format('%.0f', at)
