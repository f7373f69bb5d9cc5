--[[
Save an edit of a connector, or remove it.

Guarantees: only on the version that the edit was made from.
KEYS: 1 connectors (hash)
ARGV: 1 id, 2 version that it must have, 3 new JSON, or '' to remove
Returns: 1 saved, 0 another version is there, -1 no such connector.
]]
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text then return -1 end
if tostring(cjson.decode(text).version) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
