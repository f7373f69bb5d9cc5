--[[
Read contacts: one by id, those after an id, or those of one state after an id.

A state is looked for in the bytes that `include/contact.lua` keeps, 64 KiB at once. Contacts of a
campaign from before that have none there; they are looked at one by one, so many in a call.
KEYS: 1 campaign's base
ARGV: 1 first id, 2 most contacts, 3 state code or '', 4 most contacts to look at one by one
Returns: {id after the last one looked at or 0 at the end, then per contact
  {id, name of its hours class, field, value, …}}.
]]
local base = KEYS[1]
local first, n, state = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local end_id = tonumber(redis.call('HGET', base .. 'counts', 'contacts') or 0)
local n_looks = tonumber(ARGV[4])
local PIECE = 65536
local found = {0}

local function take(id)
  local one = redis.call('HGETALL', base .. 'k:' .. id)
  if #one > 0 then
    local place = redis.call('HGET', base .. 'k:' .. id, 'hc')
    local class = redis.call('HGET', base .. 'class_names', place:match('^%d+'))
    table.insert(one, 1, class)
    table.insert(one, 1, id)
    found[#found + 1] = one
  end
end

-- False where the bound is reached first.
local function look_one_by_one(from, to)
  for id = from, to do
    if #found > n then return true end
    if n_looks == 0 then return false end
    n_looks, found[1] = n_looks - 1, id
    if redis.call('HGET', base .. 'k:' .. id, 's') == state then take(id) end
  end
  return true
end

local function look_in(bytes, from)
  local at = 0
  while #found <= n do
    at = string.find(bytes, state, at + 1, true)
    if not at then return end
    take(from + at - 1)
    found[1] = from + at - 1
  end
end

if state == '' then
  local last = math.min(first + n - 1, end_id)
  for id = first, last do take(id) end
  found[1] = last < end_id and last or 0
  return found
end
while first <= end_id and #found <= n do
  local last = math.min(first + PIECE - 1, end_id)
  local bytes = redis.call('GETRANGE', base .. 'states', first, last)
  if #bytes < last - first + 1 or string.find(bytes, '\0', 1, true) then
    found[1] = first - 1
    if not look_one_by_one(first, last) then return found end
  else
    look_in(bytes, first)
  end
  if #found <= n then first = last + 1 end
end
if first > end_id or found[1] == end_id then found[1] = 0 end
return found
