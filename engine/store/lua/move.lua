--[[
Change a campaign's status, with the audit entry.

Guarantees: compare-and-set on the status it leaves, and on its reason where that is given.
KEYS: 1 campaign's base
ARGV: 1 from, 2 to, 3 reason, 4 actor, 5 now (ms), 6 reason that it must have, preceded by =, or ''
Returns: 1 moved, 0 the status is another, -1 no such campaign.
]]
local base = KEYS[1]
local status = redis.call('HGET', base .. 'campaign', 'status')
if not status then return -1 end
if status ~= ARGV[1] then return 0 end
local reason = redis.call('HGET', base .. 'campaign', 'reason') or ''
if ARGV[6] ~= '' and ARGV[6] ~= '=' .. reason then return 0 end
redis.call('HSET', base .. 'campaign', 'status', ARGV[2], 'reason', ARGV[3], 'updated_at', ARGV[5])
local detail = cjson.encode({from = ARGV[1], to = ARGV[2], reason = ARGV[3]})
redis.call('XADD', base .. 'audit', '*', 'at', ARGV[5], 'actor', ARGV[4], 'action', 'status', 'subject', 'campaign', 'detail', detail)
return 1
