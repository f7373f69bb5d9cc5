--[[
The upload is complete: a worker may begin.

Guarantees: compare-and-set on the status uploading.
KEYS: 1 campaign's base
ARGV: 1 import id
Returns: 1 sealed, 0 not being uploaded.
]]
local key = KEYS[1] .. 'i:' .. ARGV[1]
if redis.call('HGET', key, 'status') ~= 'uploading' then return 0 end
redis.call('HSET', key, 'status', 'queued')
return 1
