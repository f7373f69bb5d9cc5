--[[
How many attempts wait for the CRM.

KEYS: 1 campaign's base
Returns: a number; those that were sent and not acknowledged included.
]]
local base = KEYS[1]
local n = redis.call('LLEN', base .. 'redo')
local groups = redis.pcall('XINFO', 'GROUPS', base .. 'attempts')
if groups.err then return n end
for _, flat in ipairs(groups) do
  local g = {}
  for i = 1, #flat, 2 do g[flat[i]] = flat[i + 1] end
  if g.name == 'writeback' then return n + g.pending + (g.lag or 1) end
end
return n + redis.call('XLEN', base .. 'attempts')
