--[[
Keep what a CRM pushed.

Guarantees: a message is taken once, whole or not at all; old records go, and no more than a bound
are kept.
KEYS: 1 inbox (stream), 2 mark of the message
ARGV: 1 seconds for which a message is known, 2 most records, 3 instant (ms) before which records
  have ended, then the records
Returns: how many were kept; -1 there is no room, -2 the message was taken before.
]]
if redis.call('EXISTS', KEYS[2]) == 1 then return -2 end
redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[3])
if redis.call('XLEN', KEYS[1]) + #ARGV - 3 > tonumber(ARGV[2]) then return -1 end
redis.call('SET', KEYS[2], 1, 'EX', ARGV[1])
for i = 4, #ARGV do redis.call('XADD', KEYS[1], '*', 'r', ARGV[i]) end
return #ARGV - 3
