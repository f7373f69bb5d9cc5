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

-- Other phones of a contact: m strings of `given`, digits and shards. One that another contact has
-- stays with that one; `dropped` (digits by commas) are not in use.
local function keep_phones(id, given, from, m, dropped)
  local kept, out = {}, ',' .. (dropped or '') .. ','
  for i = from, from + m - 1, 2 do
    local digits, table_key = given[i], base .. 'phones:' .. given[i + 1]
    local mine = redis.call('HSETNX', table_key, digits, id) == 1
      or redis.call('HGET', table_key, digits) == tostring(id)
    if mine and not out:find(',' .. digits .. ',', 1, true) then kept[#kept + 1] = digits end
  end
  if #kept > 0 then
    redis.call('HSET', contact_key(id), 'ps', table.concat(kept, ','))
  else
    redis.call('HDEL', contact_key(id), 'ps')
  end
end
