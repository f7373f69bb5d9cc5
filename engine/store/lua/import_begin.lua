--[[
Begin an import: from here on the campaign does not complete before it ends.

Guarantees: not on a final campaign; counted in the same step.
KEYS: 1 campaign's base
ARGV: 1 import id, then fields and values
Returns: 1 begun, -1 no such campaign, -2 the campaign is final.
]]
local base = KEYS[1]
local status = redis.call('HGET', base .. 'campaign', 'status')
if not status then return -1 end
if status == 'stopped' or status == 'completed' then return -2 end
redis.call('HSET', base .. 'i:' .. ARGV[1], 'status', 'uploading', unpack(ARGV, 2))
redis.call('HINCRBY', base .. 'campaign', 'importing', 1)
return 1
