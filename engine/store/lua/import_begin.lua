--[[
Begin an import, which is a calling list: from here on the campaign does not complete before it ends.

Guarantees: not on a final campaign; counted in the same step.
KEYS: 1 campaign's base
ARGV: 1 import id, 2 list as JSON, then fields and values
Returns: 1 begun, -1 no such campaign, -2 the campaign is final.
]]
--- @include "list"
local base = KEYS[1]
local status = redis.call('HGET', base .. 'campaign', 'status')
if not status then return -1 end
if status == 'stopped' or status == 'completed' then return -2 end
redis.call('HSET', base .. 'i:' .. ARGV[1], 'status', 'uploading',
  'list', list_number(base, 'i' .. ARGV[1], ARGV[2]), unpack(ARGV, 3))
redis.call('HINCRBY', base .. 'campaign', 'importing', 1)
return 1
