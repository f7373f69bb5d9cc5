--[[
Deliveries of a webhook that are due.

Guarantees: they are due again after a hold, so that a worker that is lost loses none.
KEYS: 1 webhooks' base
ARGV: 1 webhook, 2 now (ms), 3 hold (ms), 4 how many
Returns: their rows (JSON).
]]
local due, rows = KEYS[1] .. 'due:' .. ARGV[1], {}
for _, number in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', ARGV[2], 'LIMIT', 0, ARGV[4])) do
  local row = redis.call('HGET', KEYS[1] .. 'rows:' .. ARGV[1], number)
  if row then
    redis.call('ZADD', due, string.format('%.0f', tonumber(ARGV[2]) + tonumber(ARGV[3])), number)
    rows[#rows + 1] = row
  else
    redis.call('ZREM', due, number)
  end
end
return rows
