--[[
Withdraw a contact: it is dialled no more.

Guarantees: at once from every state; an attempt in flight or a wrap-up goes on, and what would have
been a redial after it becomes withdrawn. Complete once; a finished contact stays as it is.
KEYS: 1 campaign's base
ARGV: 1 contact id, 2 now (ms), 3 actor
Returns: 1 changed, 0 was finished or withdrawn before, -1 no such contact.
]]
--- @include "contact"
local id = ARGV[1]
local key = contact_key(id)
local c = redis.call('HMGET', key, 's', 'hc', 'l', 'wd')
local state = c[1]
if not state then return -1 end
if COMPLETE[state] or c[4] then return 0 end
redis.call('XADD', base .. 'audit', '*', 'at', ARGV[2], 'actor', ARGV[3], 'action', 'withdraw', 'subject', 'contact', 'detail', cjson.encode({contact_id = tonumber(id)}))
if not WAITING[state] and state ~= 'i' then
  redis.call('HSET', key, 'wd', 1)
  return 1
end
take_out(id, state, c[3] or 'n', c[2])
enter(id, c[2], state, 'x')
redis.call('HSET', key, 'dr', 'withdrawn')
forget_plans(id)
return 1
