--[[
Live attempts, all or those whose lease ended before an instant.

KEYS: 1 campaign's base
ARGV: 1 highest lease end (ms) or '+inf'
Returns: per attempt {id, lease until (ms), field, value, …}, earliest lease first.
]]
local base = KEYS[1]
local leases = redis.call('ZRANGEBYSCORE', base .. 'leases', '-inf', ARGV[1], 'WITHSCORES')
local attempts = {}
for i = 1, #leases, 2 do
  local one = redis.call('HGETALL', base .. 'a:' .. leases[i])
  table.insert(one, 1, leases[i + 1])
  table.insert(one, 1, leases[i])
  attempts[#attempts + 1] = one
end
return attempts
