--[[
End one's own lease, so that another may lead at once.

Guarantees: only the owner of this epoch; the epoch itself stays.
KEYS: 1 lease
ARGV: 1 owner, 2 epoch
Returns: 1 ended, 0 not ours.
]]
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'owner', 'until')
return 1
