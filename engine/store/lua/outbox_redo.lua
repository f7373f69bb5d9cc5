--[[
Send dead letters again.

KEYS: 1 campaign's base
ARGV: 1 how many at most
Returns: how many wait again.
]]
local base, n = KEYS[1], 0
for _, row in ipairs(redis.call('XRANGE', base .. 'dead', '-', '+', 'COUNT', ARGV[1])) do
  redis.call('RPUSH', base .. 'redo', row[2][2])
  redis.call('XDEL', base .. 'dead', row[1])
  n = n + 1
end
return n
