--[[
Count calls of caller ids before they are placed, each only as long as its number may show one more.

Guarantees: never more than the limit within the hours that count; asking and counting is one step.
KEYS: one hash for each caller id: hour since 1970 -> calls
ARGV: 1 hour now, 2 hours that count, 3 limit or 0 for none, then per call the number of its key
Returns: 1 or 0 per call.
]]
local hour, hours, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = {}
for i, key in ipairs(KEYS) do
  used[i] = 0
  local flat = redis.call('HGETALL', key)
  for j = 1, #flat, 2 do
    if tonumber(flat[j]) > hour - hours then
      used[i] = used[i] + tonumber(flat[j + 1])
    else
      redis.call('HDEL', key, flat[j])
    end
  end
end
local taken = {}
for i = 4, #ARGV do
  local n = tonumber(ARGV[i])
  local may = limit == 0 or used[n] < limit
  if may then
    used[n] = used[n] + 1
    redis.call('HINCRBY', KEYS[n], ARGV[1], 1)
    redis.call('EXPIRE', KEYS[n], (hours + 1) * 3600)
  end
  taken[#taken + 1] = may and 1 or 0
end
return taken
