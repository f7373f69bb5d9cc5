--[[
Free a number, or a person, that an attempt holds.

Guarantees: only the attempt that holds it frees it; a second time changes nothing. A call that was
never placed is taken out of the history again.
KEYS: 1 do-not-call hash, 2 history hash, 3 live hash, 4 facts hash (one shard)
ARGV: 1 digits or person, 2 attempt id, 3 was placed (1 or 0)
Returns: the person kept with it ('' for none); false when it was not held by this attempt.
]]
local id = ARGV[1]
local owner, second, person = (redis.call('HGET', KEYS[3], id) or ''):match('^([^|]+)|(%d+)|?(.*)$')
if owner ~= ARGV[2] then return false end
redis.call('HDEL', KEYS[3], id)
if ARGV[3] == '1' then return person end
local packed, kept, dropped = redis.call('HGET', KEYS[2], id) or '', {}, false
for i = 1, #packed, 4 do
  local one = packed:sub(i, i + 3)
  if not dropped and struct.unpack('>I4', one) == tonumber(second) then
    dropped = true
  else
    kept[#kept + 1] = one
  end
end
if #kept > 0 then
  redis.call('HSET', KEYS[2], id, table.concat(kept))
else
  redis.call('HDEL', KEYS[2], id)
end
return person
