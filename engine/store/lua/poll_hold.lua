--[[
A poll begins or goes on: it is not due again before the hold has passed.

Guarantees: only for the newest try of its slot, and to begin only once.
KEYS: 1 due (zset), 2 plan (hash)
ARGV: 1 id, 2 slot, 3 try, 4 now (ms), 5 hold (ms), 6 state that it must have, `out` or `run`
Returns: 1 held, 0 another try has taken over or the source is not polled any more.
]]
local id = ARGV[1]
local p = redis.call('HMGET', KEYS[2], id .. ':state', id .. ':slot', id .. ':try')
if p[1] ~= ARGV[6] or p[2] ~= ARGV[2] or p[3] ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[2], id .. ':state', 'run')
redis.call('ZADD', KEYS[1], string.format('%.0f', tonumber(ARGV[4]) + tonumber(ARGV[5])), id)
return 1
