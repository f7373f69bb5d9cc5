--[[
Add a prefix to, or remove it from, the do-not-call prefixes.

Guarantees: the version moves with every change in the same step, so that no reader keeps old ones.
KEYS: 1 prefixes hash, 2 version
ARGV: 1 scope and digits, 2 value, '' to remove
Returns: 1 changed, 0 was so before.
]]
local changed
if ARGV[2] == '' then
  changed = redis.call('HDEL', KEYS[1], ARGV[1])
else
  changed = redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
end
if changed == 1 then redis.call('INCR', KEYS[2]) end
return changed
