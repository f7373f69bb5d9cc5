--[[
Save a new agent or an edit of one.

Guarantees: an extension belongs to one agent; an edit is saved only on the profile that it was made
from.
KEYS: 1 profile hash, 2 extension hash
ARGV: 1 agent id, 2 extension, 3 new profile, 4 old profile or '' for a new agent
Returns: 1 saved, 0 the profile changed meanwhile, -1 the extension is another agent's.
]]
local id = ARGV[1]
if (redis.call('HGET', KEYS[1], id) or '') ~= ARGV[4] then return 0 end
local owner = redis.call('HGET', KEYS[2], ARGV[2])
if owner and owner ~= id then return -1 end
redis.call('HSET', KEYS[2], ARGV[2], id)
redis.call('HSET', KEYS[1], id, ARGV[3])
return 1
