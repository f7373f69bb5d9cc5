--[[
Begin to write back a campaign's attempts.

Guarantees: who began before is fenced out from here on.
KEYS: 1 campaign's base
Returns: the fence.
]]
return redis.call('HINCRBY', KEYS[1] .. 'push', 'fence', 1)
