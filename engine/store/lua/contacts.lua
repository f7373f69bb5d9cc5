--[[
Read contacts: one by id, or those after an id.

KEYS: 1 campaign's base
ARGV: 1 first id, 2 most ids to look at, 3 state code or ''
Returns: {id after the last one looked at or 0 at the end, then per contact
  {id, name of its hours class, field, value, …}}.
]]
local base = KEYS[1]
local first, n = tonumber(ARGV[1]), tonumber(ARGV[2])
local end_id = tonumber(redis.call('HGET', base .. 'counts', 'contacts') or 0)
local last = math.min(first + n - 1, end_id)
local found = {last < end_id and last or 0}
for id = first, last do
  local key = base .. 'k:' .. id
  if ARGV[3] == '' or redis.call('HGET', key, 's') == ARGV[3] then
    local one = redis.call('HGETALL', key)
    if #one > 0 then
      local class = redis.call('HGET', base .. 'class_names', redis.call('HGET', key, 'hc'))
      table.insert(one, 1, class)
      table.insert(one, 1, id)
      found[#found + 1] = one
    end
  end
end
return found
