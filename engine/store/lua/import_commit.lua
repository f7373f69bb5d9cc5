--[[
Take note of what a worker has done of an import.

Guarantees: position and counts move in one step, and only from the position before, so that a
second worker or a repetition counts nothing twice. Chunks that are done are removed.
KEYS: 1 campaign's base
ARGV: 1 import id, 2 chunks done now, 3 carry, 4 line, 5 created, 6 rejected, 7 duplicates,
  8 bytes done, or '' for those of the chunks, then rejected rows as JSON
Returns: 1 noted, 0 this position or the status does not allow it.
]]
local key = KEYS[1] .. 'i:' .. ARGV[1]
local i = redis.call('HMGET', key, 'status', 'chunks_done', 'line')
local before, now = tonumber(i[2] or 0), tonumber(ARGV[2])
if i[1] ~= 'queued' and i[1] ~= 'running' then return 0 end
if now < before or (now == before and tonumber(ARGV[4]) <= tonumber(i[3] or 0)) then return 0 end
for chunk = before, now - 1 do
  redis.call('HINCRBY', key, 'bytes_done', redis.call('STRLEN', key .. ':c:' .. chunk))
  redis.call('UNLINK', key .. ':c:' .. chunk)
end
redis.call('HSET', key, 'status', 'running', 'chunks_done', now, 'carry', ARGV[3], 'line', ARGV[4])
redis.call('HINCRBY', key, 'created', ARGV[5])
redis.call('HINCRBY', key, 'rejected', ARGV[6])
redis.call('HINCRBY', key, 'duplicates', ARGV[7])
if ARGV[8] ~= '' then redis.call('HSET', key, 'bytes_done', ARGV[8]) end
for row = 9, #ARGV do
  redis.call('RPUSH', key .. ':rejected', ARGV[row])
end
return 1
