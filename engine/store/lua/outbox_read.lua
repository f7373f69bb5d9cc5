--[[
Attempts of a campaign that the CRM was not told of yet.

Guarantees: each is given again until it is acknowledged, oldest first; only to the pusher that began
last. What an administrator asked to send again comes first.
KEYS: 1 campaign's base
ARGV: 1 fence, 2 how many
Returns: per attempt {position, attempt, contact, outcome, rev, packed record, 1 when a later record
  of it comes or is there}; -1 fenced.
]]
local base = KEYS[1]
local stream, GROUP = base .. 'attempts', 'writeback'
if redis.call('HGET', base .. 'push', 'fence') ~= ARGV[1] then return -1 end
redis.pcall('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
local rows = {}
for _, position in ipairs(redis.call('LRANGE', base .. 'redo', 0, ARGV[2] - 1)) do
  for _, row in ipairs(redis.call('XRANGE', stream, position, position)) do rows[#rows + 1] = row end
end
local function take(from)
  local found = redis.call('XREADGROUP', 'GROUP', GROUP, 'pusher', 'COUNT', ARGV[2], 'STREAMS', stream, from)
  if found then
    for _, row in ipairs(found[1][2]) do
      if row[2] then rows[#rows + 1] = row else redis.call('XACK', stream, GROUP, row[1]) end
    end
  end
end
if #rows == 0 then take('0') end
if #rows == 0 then take('>') end
local answers = {}
for _, row in ipairs(rows) do
  local f = {}
  for i = 1, #row[2], 2 do f[row[2][i]] = row[2][i + 1] end
  local newest = redis.call('HGET', base .. 'revisions', f.a)
  local later = redis.call('HEXISTS', base .. 'wrap', f.a) == 1 or (newest and newest ~= row[1])
  answers[#answers + 1] = {row[1], f.a, f.c, f.o, f.r, f.j, later and 1 or 0}
end
return answers
