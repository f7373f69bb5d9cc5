--[[
Take over a call that lives although the store lost it: the server died with its last second.

Guarantees: only when the attempt is neither live nor ended here (ids rise with time, and a contact
has one attempt after the other), and its contact is not in flight; then the contact is in flight
with this attempt, which counts as sent. A finished contact stays finished: the attempt only gets its
record.
KEYS: 1 campaign's base
ARGV: 1 attempt id, 2 contact id, 3 digits, 4 number, 5 claimed at (ms), 6 sent at (ms),
  7 lease until (ms), 8 epoch, 9 caller id, 10 trunk, 11 node
Returns: 1 adopted, 0 not.
]]
--- @include "contact"
local attempt, id = ARGV[1], ARGV[2]
local key = base .. 'a:' .. attempt
local c = redis.call('HMGET', contact_key(id), 's', 'hc', 'l', 'la')
local state, last = c[1], c[4]
if not state or state == 'f' or redis.call('EXISTS', key) == 1 then return 0 end
if last and attempt <= last then return 0 end
if state == 'w' then
  redis.call('ZREM', base .. 'wrapping', last)
  redis.call('HDEL', base .. 'wrap', last)
  redis.call('HDEL', base .. 'wrap_record', last)
end
take_out(id, state, c[3] or 'n', c[2])
if not COMPLETE[state] then
  enter(id, c[2], state, 'f')
  redis.call('HSET', contact_key(id), 'a', attempt)
end
redis.call('HSET', key, 'c', id, 'p', ARGV[3], 'n', ARGV[4], 'st', 'sent', 'ca', ARGV[5], 'sa', ARGV[6],
  'ep', ARGV[8], 'ci', ARGV[9], 'tr', ARGV[10], 'nd', ARGV[11])
redis.call('ZADD', base .. 'leases', ARGV[7], attempt)
redis.call('HINCRBY', contact_key(id), 'ns', 1)
count('attempts', 1)
return 1
