--[[
Complete a campaign in which nothing is left to do.

Guarantees: only an active one that is not Live, imports nothing, whose CRM list (if it has one)
was read to its end, and whose contacts are all complete; an attempt in flight or a wrap-up keeps its
contact incomplete.
KEYS: 1 campaign's base
ARGV: 1 now (ms)
Returns: 1 completed now, 0 not.
]]
local base = KEYS[1]
local c = redis.call('HMGET', base .. 'campaign', 'status', 'live', 'importing', 'pulls')
if c[1] ~= 'active' or c[2] == '1' or tonumber(c[3] or 0) > 0 then return 0 end
if (c[4] or '') ~= '' and redis.call('HGET', base .. 'pull', 'done') ~= c[4] then return 0 end
local n = redis.call('HMGET', base .. 'counts', 'contacts', 'complete')
if tonumber(n[2] or 0) < tonumber(n[1] or 0) then return 0 end
redis.call('HSET', base .. 'campaign', 'status', 'completed', 'reason', '', 'updated_at', ARGV[1])
local detail = cjson.encode({from = 'active', to = 'completed', reason = ''})
redis.call('XADD', base .. 'audit', '*', 'at', ARGV[1], 'actor', 'engine', 'action', 'status', 'subject', 'campaign', 'detail', detail)
return 1
