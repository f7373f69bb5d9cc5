-- Snippet: a message that is to be sent to a webhook, due at once.
local function new_delivery(id, now, message_id, event, body)
  local base = KEYS[1]
  local number = redis.call('INCR', base .. 'deliveries:' .. id)
  local row = cjson.encode({
    id = number, message_id = message_id, event = event, body = body, status = 'waiting',
    tries = 0, error = '', created_at = tonumber(now), next_at = tonumber(now),
  })
  redis.call('HSET', base .. 'rows:' .. id, number, row)
  redis.call('ZADD', base .. 'log:' .. id, number, number)
  redis.call('ZADD', base .. 'due:' .. id, now, number)
  return row
end
