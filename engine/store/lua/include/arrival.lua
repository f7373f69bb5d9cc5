--- @include "contact"
-- Snippet: what every new contact needs: the number of its hours class, where it waits, and when it
-- came.
local function class_number(class)
  local number = redis.call('HGET', base .. 'classes', class)
  if not number then
    number = tostring(redis.call('HLEN', base .. 'classes') + 1)
    redis.call('HSET', base .. 'classes', class, number)
    redis.call('HSET', base .. 'class_names', number, class)
  end
  return number
end

-- Ids rise with time, so the first id of each hour tells of every contact when it came.
local function note_added(first, now)
  redis.call('ZADD', base .. 'added', 'NX', first, string.format('%.0f', math.floor(now / 3600000)))
end

local function place_of(name, list)
  local number = class_number(name)
  return (not list or list == '0' or list == '') and number or number .. '.' .. list
end
