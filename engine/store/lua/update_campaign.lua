--[[
Save an administrator's edit.

Guarantees: not on a final campaign; with a version, only on that version; the version rises by one,
with an audit entry.
KEYS: 1 campaign's base
ARGV: 1 version or '', 2 now (ms), 3 actor, 4 audit detail (JSON), then fields and values
Returns: the new version; -1 no such campaign, -2 final, -3 another version.
]]
local base = KEYS[1]
local c = redis.call('HMGET', base .. 'campaign', 'status', 'version')
if not c[1] then return -1 end
if c[1] == 'stopped' or c[1] == 'completed' then return -2 end
if ARGV[1] ~= '' and ARGV[1] ~= c[2] then return -3 end
local version = tonumber(c[2]) + 1
redis.call('HSET', base .. 'campaign', 'version', version, 'updated_at', ARGV[2], unpack(ARGV, 5))
redis.call('XADD', base .. 'audit', '*', 'at', ARGV[2], 'actor', ARGV[3], 'action', 'edit', 'subject', 'campaign', 'detail', ARGV[4])
return version
