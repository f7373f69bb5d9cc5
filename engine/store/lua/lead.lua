--[[
Become leader or stay it.

Guarantees: one leader at a time; the epoch rises whenever a lease begins that does not continue a
running one, so what was decided under an older one can be told and refused.
KEYS: 1 lease
ARGV: 1 owner, 2 now (ms), 3 lease until (ms), 4 epoch to renew, or '' to acquire
Returns: epoch, 0 when it is somebody else's or, for a renewal, over.
]]
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'until')
local epoch = tonumber(lease[2] or 0)
local runs = lease[1] and tonumber(lease[3]) >= tonumber(ARGV[2])
local ours = runs and lease[1] == ARGV[1]
if ARGV[4] ~= '' then
  if not ours or epoch ~= tonumber(ARGV[4]) then return 0 end
elseif not ours then
  if runs then return 0 end
  epoch = epoch + 1
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', epoch, 'until', ARGV[3])
return epoch
