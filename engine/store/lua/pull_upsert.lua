--[[
Take a part of a CRM's page: new leads become contacts, known ones are changed.

Guarantees: a lead is one contact, found by its connector and external id; the same content changes
nothing; a finished contact never revives; a number that another contact of the campaign has is left
alone. Only for the reader that began last.
KEYS: 1 campaign's base
ARGV: 1 fence, 2 now (ms), then per lead: field and shard of its id, content hash, class, digits,
  shard of the digits, priority, m, n, then m strings: digits and shards of its other phones, then n
  strings: fields and values of the contact's hash
Returns: per lead {code, contact id}: 1 added, 2 changed, 3 the same, 4 duplicate number; -1 fenced;
  -2 the campaign is final or gone.
]]
--- @include "arrival"
if redis.call('HGET', base .. 'pull', 'fence') ~= ARGV[1] then return -1 end
local status = redis.call('HGET', base .. 'campaign', 'status')
if not status or status == 'stopped' or status == 'completed' then return -2 end
local list = redis.call('HGET', base .. 'pull', 'list') or '0'

local function add(digits, shard, class, priority, others, m, n)
  local id = tonumber(redis.call('HGET', counts, 'contacts') or 0) + 1
  if redis.call('HSETNX', base .. 'phones:' .. shard, digits, id) == 0 then return nil end
  redis.call('HSET', contact_key(id), 'p', digits, 'hc', class, unpack(ARGV, others + m, others + m + n - 1))
  if m > 0 then keep_phones(id, ARGV, others, m) end
  note_added(id, ARGV[2])
  redis.call('HINCRBY', base .. 'list_counts', list, 1)
  count('contacts', 1)
  enter(id, class, nil, 'r')
  put_ready(id, 'n', class, priority, 0)
  return id
end

local CONTENT = {t = 1, tz = 1, pr = 1}

local function forget_content(key)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if CONTENT[field:match('^(%a+)%d*$')] then redis.call('HDEL', key, field) end
  end
end

-- Another class or priority is another place to wait in.
local function move_place(id, c, class, priority)
  local state, old = c[1], c[2]
  if WAITING[state] and old ~= class then
    redis.call('HINCRBY', base .. 'waiting', old, -1)
    redis.call('HINCRBY', base .. 'waiting', class, 1)
  end
  if state == 'r' then
    take_out(id, state, c[3] or 'n', old)
    put_ready(id, c[3] or 'n', class, priority, c[4] or 0)
  end
end

local function edit(id, digits, shard, name, priority, others, m, n)
  local key = contact_key(id)
  local c = redis.call('HMGET', key, 's', 'hc', 'l', 'due', 'p', 'px')
  if c[5] ~= digits then
    -- The old number stays this contact's: it may have been called.
    if redis.call('HSETNX', base .. 'phones:' .. shard, digits, id) == 0
      and redis.call('HGET', base .. 'phones:' .. shard, digits) ~= tostring(id) then return false end
  end
  local class = place_of(name, c[2]:match('%.(%d+)$'))
  forget_content(key)
  redis.call('HSET', key, 'p', digits, 'hc', class, unpack(ARGV, others + m, others + m + n - 1))
  keep_phones(id, ARGV, others, m, c[6])
  move_place(id, c, class, priority)
  return true
end

local answers, at = {}, 3
while ARGV[at] do
  local field, index, hash = ARGV[at], base .. 'ext:' .. ARGV[at + 1], ARGV[at + 2]
  local name, digits, shard = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local priority, m, n = ARGV[at + 6], tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8])
  at = at + 9
  local known = redis.call('HGET', index, field)
  local id, old = (known or ''):match('^(%d+):(.*)$')
  local code = 3
  if not id then
    id = add(digits, shard, place_of(name, list), priority, at, m, n)
    code = id and 1 or 4
  elseif old ~= hash then
    code = edit(id, digits, shard, name, priority, at, m, n) and 2 or 4
  end
  if code < 3 then redis.call('HSET', index, field, id .. ':' .. hash) end
  answers[#answers + 1] = {code, tonumber(id) or 0}
  at = at + m + n
end
return answers
