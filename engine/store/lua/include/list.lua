-- Snippet: a campaign's calling lists: 0 for what comes one by one, else an import or a connector.
-- Hashes `list_of` (`i<import>` or `k<connector>` -> number) and `lists` (number -> JSON).
local function list_number(base, source, json)
  local number = redis.call('HGET', base .. 'list_of', source)
  if not number then
    number = tostring(redis.call('HLEN', base .. 'list_of') + 1)
    redis.call('HSET', base .. 'list_of', source, number)
    redis.call('HSET', base .. 'lists', number, json)
  end
  return number
end
