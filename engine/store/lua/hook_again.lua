--[[
Deliver again what was delivered, or failed.

KEYS: 1 webhooks' base
ARGV: 1 webhook, 2 now (ms), then deliveries
Returns: how many of them are in the log.
]]
local id, n = ARGV[1], 0
local rows = KEYS[1] .. 'rows:' .. id
for at = 3, #ARGV do
  local text = redis.call('HGET', rows, ARGV[at])
  if text then
    local row = cjson.decode(text)
    row.status, row.tries, row.error, row.next_at = 'waiting', 0, '', tonumber(ARGV[2])
    redis.call('HSET', rows, ARGV[at], cjson.encode(row))
    redis.call('ZADD', KEYS[1] .. 'due:' .. id, ARGV[2], ARGV[at])
    n = n + 1
  end
end
return n
