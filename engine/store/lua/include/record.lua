-- Snippet: append a call detail record; a revision is also found from the attempt's id.
local function append_record(attempt, id, outcome, rev, packed)
  local position = redis.call('XADD', base .. 'attempts', '*', 'a', attempt, 'c', id, 'o', outcome, 'r', rev, 'j', packed)
  if rev > 0 then
    redis.call('HSET', base .. 'revisions', attempt, position)
  end
end

-- Keep what the end of wrap-up needs; counts: '1' where the attempt is held against the contact.
local function start_wrapping(attempt, id, agent, rev, outcome, until_ms, packed, counts)
  redis.call('ZADD', base .. 'wrapping', until_ms, attempt)
  local entry = {id, agent, rev, outcome, counts}
  redis.call('HSET', base .. 'wrap', attempt, table.concat(entry, '|'))
  redis.call('HSET', base .. 'wrap_record', attempt, packed)
end
