--[[
Append a chunk to an upload.

Guarantees: chunk and count in the same step; only while it is being uploaded.
KEYS: 1 campaign's base
ARGV: 1 import id, 2 chunk, 3 now (ms)
Returns: chunks so far, -1 not being uploaded.
]]
local key = KEYS[1] .. 'i:' .. ARGV[1]
if redis.call('HGET', key, 'status') ~= 'uploading' then return -1 end
local n = redis.call('HINCRBY', key, 'chunks', 1)
redis.call('HINCRBY', key, 'n_bytes', #ARGV[2])
redis.call('HSET', key, 'appended_at', ARGV[3])
redis.call('SET', key .. ':c:' .. (n - 1), ARGV[2])
return n
