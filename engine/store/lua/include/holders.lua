-- Snippet: who holds a number or a person, and when it was called.
-- Holders: `attempt|second[|person]`, with a comma between where there are several: calls that were
-- taken by force. Instants: 4 bytes each, in whole seconds, rounded up, so that a limit
-- never ends early; at most the last 100.
-- The hold of this attempt, or nil, and those of others.
local function split_holders(packed, attempt)
  local own, others = nil, {}
  for one, second, person in (packed or ''):gmatch('([^|,]+)|(%d+)|?([^,]*)') do
    local holder = {attempt = one, second = tonumber(second), person = person}
    if one == attempt then own = holder else others[#others + 1] = holder end
  end
  return own, others
end

local function keep_holders(key, id, holders)
  local parts = {}
  for i, one in ipairs(holders) do
    parts[i] = one.attempt .. '|' .. one.second .. (one.person ~= '' and '|' .. one.person or '')
  end
  if #parts == 0 then return redis.call('HDEL', key, id) end
  redis.call('HSET', key, id, table.concat(parts, ','))
end

local function instants_of(packed)
  local found = {}
  for i = 1, #(packed or ''), 4 do found[#found + 1] = (struct.unpack('>I4', packed, i)) end
  return found
end

local function keep_instants(key, id, instants)
  local parts = {}
  for i = math.max(1, #instants - 99), #instants do
    parts[#parts + 1] = struct.pack('>I4', instants[i])
  end
  if #parts == 0 then return redis.call('HDEL', key, id) end
  redis.call('HSET', key, id, table.concat(parts))
end

-- The same instants with one of this second less.
local function without(instants, second)
  for i, at in ipairs(instants) do
    if at == second then
      table.remove(instants, i)
      return instants
    end
  end
  return instants
end
