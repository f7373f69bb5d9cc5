--[[
A page of a CRM is stored: take note of how far it was read, and of what came.

Guarantees: only for the reader that began last; position, counts and "read once to the end" in the
same step.
KEYS: 1 campaign's base
ARGV: 1 fence, 2 position, 3 connector when the whole list was read, or '', then names and numbers
  that are added to the counts
Returns: 1 noted, 0 fenced.
]]
local key = KEYS[1] .. 'pull'
if redis.call('HGET', key, 'fence') ~= ARGV[1] then return 0 end
redis.call('HSET', key, 'position', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', key, 'done', ARGV[3]) end
for i = 4, #ARGV, 2 do
  redis.call('HINCRBY', key, ARGV[i], ARGV[i + 1])
end
return 1
