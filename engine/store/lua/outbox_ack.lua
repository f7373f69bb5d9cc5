--[[
The CRM was told of an attempt, need not be, or refuses it for good.

Guarantees: only for the pusher that began last; counted in the same step; what is refused is kept in
the dead letters, at most 10,000 of them.
KEYS: 1 campaign's base
ARGV: 1 fence, 2 position, 3 pushed, skipped or dead, 4 attempt, 5 reason of a dead one, 6 now (ms)
Returns: 1 noted, 0 fenced.
]]
local base = KEYS[1]
if redis.call('HGET', base .. 'push', 'fence') ~= ARGV[1] then return 0 end
redis.call('XACK', base .. 'attempts', 'writeback', ARGV[2])
redis.call('LREM', base .. 'redo', 1, ARGV[2])
redis.call('HINCRBY', base .. 'push', ARGV[3], 1)
redis.call('HDEL', base .. 'push', 'tries')
if ARGV[3] == 'pushed' then
  redis.call('HSET', base .. 'push', 'last_at', ARGV[6], 'error', '')
elseif ARGV[3] == 'dead' then
  redis.call('XADD', base .. 'dead', 'MAXLEN', '~', 10000, '*', 'position', ARGV[2], 'attempt', ARGV[4], 'reason', ARGV[5], 'at', ARGV[6])
end
return 1
