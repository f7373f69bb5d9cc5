--[[
Set who works on what, from one side: the agents of a campaign or the campaigns of an agent.

Guarantees: both directions change in the same step; agents that do not exist are left out.
KEYS: 1 this side (id → other ids, comma-separated), 2 other side, 3 profile hash of agents
ARGV: 1 id on this side, 2 'agents' when the other ids are agents, else 'campaigns', then other ids
Returns: other ids that were added or removed.
]]
local id, wanted, order = ARGV[1], {}, {}
for i = 3, #ARGV do
  local exists = ARGV[2] ~= 'agents' or redis.call('HEXISTS', KEYS[3], ARGV[i]) == 1
  if exists and not wanted[ARGV[i]] then
    wanted[ARGV[i]] = true
    order[#order + 1] = ARGV[i]
  end
end

local function members(key, field)
  local found = {}
  for one in (redis.call('HGET', key, field) or ''):gmatch('%d+') do found[one] = true end
  return found
end

local function save(key, field, set)
  local list = {}
  for one in pairs(set) do list[#list + 1] = tonumber(one) end
  table.sort(list)
  if #list == 0 then return redis.call('HDEL', key, field) end
  return redis.call('HSET', key, field, table.concat(list, ','))
end

local function toggle(other, is_in)
  local set = members(KEYS[2], other)
  set[id] = is_in
  save(KEYS[2], other, set)
end

local changed, before = {}, members(KEYS[1], id)
for one in pairs(before) do
  if not wanted[one] then toggle(one, nil); changed[#changed + 1] = one end
end
for _, one in ipairs(order) do
  if not before[one] then toggle(one, true); changed[#changed + 1] = one end
end
save(KEYS[1], id, wanted)
return changed
