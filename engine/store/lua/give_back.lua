--[[
End an attempt of which nothing was dialled: claimed and not sent, or sent and known never to have
left. No record is made.

Guarantees: only while the attempt is live, so a second time changes nothing; one that had been
marked sent is uncounted. The contact is ready again in its old place, parked, or done.
KEYS: 1 campaign's base
ARGV: 1 attempt id, 2 kind (back, park, callback, done), 3 its argument (due ms, reason or ''), 4 which
  phone from now on: same, next, drop (as of `turn_phone`)
Returns: 1 given back, 0 not live.
]]
--- @include "follow"
local attempt = ARGV[1]
local a = redis.call('HMGET', base .. 'a:' .. attempt, 'c', 'st', 'p')
if not a[1] then return 0 end
redis.call('DEL', base .. 'a:' .. attempt)
redis.call('ZREM', base .. 'leases', attempt)
if a[2] == 'sent' then
  count('attempts', -1)
  redis.call('HINCRBY', contact_key(a[1]), 'ns', -1)
end
follow(a[1], ARGV[2], ARGV[3])
turn_phone(a[1], ARGV[4], a[3])
return 1
