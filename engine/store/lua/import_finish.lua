--[[
End an import, well or not; its chunks are removed.

Guarantees: once; the campaign's count of running imports falls in the same step.
KEYS: 1 campaign's base
ARGV: 1 import id, 2 status (done or failed), 3 error or ''
Returns: 1 ended, 0 had ended before or does not exist.
]]
local key = KEYS[1] .. 'i:' .. ARGV[1]
local i = redis.call('HMGET', key, 'status', 'chunks', 'chunks_done')
if not i[1] or i[1] == 'done' or i[1] == 'failed' then return 0 end
redis.call('HSET', key, 'status', ARGV[2], 'error', ARGV[3])
redis.call('HDEL', key, 'carry')
for chunk = tonumber(i[3] or 0), tonumber(i[2] or 0) - 1 do
  redis.call('UNLINK', key .. ':c:' .. chunk)
end
if redis.call('EXISTS', KEYS[1] .. 'campaign') == 1 then
  redis.call('HINCRBY', KEYS[1] .. 'campaign', 'importing', -1)
end
return 1
