-- Snippet: append a call detail record; a revision is also found from the attempt's id.
local function append_record(attempt, id, outcome, rev, packed)
  local position = redis.call('XADD', base .. 'attempts', '*', 'a', attempt, 'c', id, 'o', outcome, 'r', rev, 'j', packed)
  if rev > 0 then
    redis.call('HSET', base .. 'revisions', attempt, position)
  end
end

-- Keep what the end of wrap-up needs.
local function start_wrapping(attempt, id, agent, rev, outcome, until_ms, packed)
  redis.call('ZADD', base .. 'wrapping', until_ms, attempt)
  redis.call('HSET', base .. 'wrap', attempt, id .. '|' .. agent .. '|' .. rev .. '|' .. outcome)
  redis.call('HSET', base .. 'wrap_record', attempt, packed)
end
