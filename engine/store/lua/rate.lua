--[[
Take one request of a rate that is shared by all processes (a leaky bucket, as GCRA counts it).

Guarantees: no more than burst + rate * t requests pass in any time t; a refused one costs nothing.
KEYS: 1 the bucket
ARGV: 1 now (ms), 2 milliseconds that each request takes at this rate, 3 requests at once
Returns: 0 it may pass, or the milliseconds after which it might.
]]
local now, each, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local free_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now)) + each
local too_early = free_at - now - each * most
if too_early > 0 then return math.ceil(too_early) end
redis.call('SET', KEYS[1], string.format('%.3f', free_at), 'PX', math.ceil(free_at - now) + 1000)
return 0
