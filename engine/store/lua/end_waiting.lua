--[[
End contacts that wait for a redial or a callback which the rules allow no more.

Guarantees: only one that still waits is ended, and its counters move in the same step.
KEYS: 1 campaign's base
ARGV: contact id and reason for each
Returns: how many were ended.
]]
--- @include "follow"
local n = 0
for i = 1, #ARGV, 2 do
  if WAITING[redis.call('HGET', contact_key(ARGV[i]), 's')] then
    follow(ARGV[i], 'done', ARGV[i + 1])
    n = n + 1
  end
end
return n
