--[[
Begin to read a campaign's contacts from its CRM.

Guarantees: who began before is fenced out from here on; another connector starts from nothing.
KEYS: 1 campaign's base
ARGV: 1 connector id, 2 its calling list as JSON, if it is new
Returns: {fence, position or ''}; -1 no such campaign.
]]
--- @include "list"
local base = KEYS[1]
if redis.call('EXISTS', base .. 'campaign') == 0 then return -1 end
local key = base .. 'pull'
if redis.call('HGET', key, 'connector') ~= ARGV[1] then
  redis.call('HDEL', key, 'position', 'done')
  redis.call('HSET', key, 'connector', ARGV[1], 'list', list_number(base, 'k' .. ARGV[1], ARGV[2]))
end
local fence = redis.call('HINCRBY', key, 'fence', 1)
return {fence, redis.call('HGET', key, 'position') or ''}
