--[[
Shut out every leader below an epoch from a campaign.

Guarantees: the epoch only rises.
KEYS: 1 campaign's base
ARGV: 1 epoch
Returns: 1 fenced, 0 a higher epoch is there, -1 no such campaign.
]]
local key = KEYS[1] .. 'campaign'
if redis.call('EXISTS', key) == 0 then return -1 end
if tonumber(redis.call('HGET', key, 'epoch') or 0) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', key, 'epoch', ARGV[1])
return 1
