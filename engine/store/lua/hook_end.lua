--[[
A try to deliver has ended.

Guarantees: counted once; of those that ended only a bounded number is remembered, the newest; those
that wait are never forgotten. Nothing of a webhook that is gone comes back.
KEYS: 1 webhooks' base
ARGV: 1 webhook, 2 delivery, 3 row (JSON), 4 status, 5 instant (ms) of the next try or '', 6 how many
  rows are remembered
Returns: 1.
]]
local id, number = ARGV[1], ARGV[2]
local rows, log, due = KEYS[1] .. 'rows:' .. id, KEYS[1] .. 'log:' .. id, KEYS[1] .. 'due:' .. id
if redis.call('HEXISTS', rows, number) == 0 then return 1 end
redis.call('HSET', rows, number, ARGV[3])
if ARGV[5] ~= '' then
  redis.call('ZADD', due, ARGV[5], number)
  return 1
end
redis.call('ZREM', due, number)
redis.call('HINCRBY', KEYS[1] .. 'counts:' .. id, ARGV[4], 1)
local over = redis.call('ZCARD', log) - redis.call('ZCARD', due) - tonumber(ARGV[6])
if over <= 0 then return 1 end
for _, old in ipairs(redis.call('ZRANGE', log, 0, over + redis.call('ZCARD', due))) do
  if over <= 0 then break end
  if not redis.call('ZSCORE', due, old) then
    redis.call('ZREM', log, old)
    redis.call('HDEL', rows, old)
    over = over - 1
  end
end
return 1
