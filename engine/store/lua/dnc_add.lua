--[[
Add many numbers of one shard to a do-not-call list.

Guarantees: a number that is there already keeps its entry.
KEYS: 1 do-not-call hash
ARGV: 1 value, then digits
Returns: how many are new.
]]
local n = 0
for i = 2, #ARGV do
  n = n + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[1])
end
return n
