--[[
Add contacts that arrived; a number that the campaign has already is left out.

Guarantees: ids rise by one with every contact added; a contact is ready, counted and found as a
duplicate in the same step. Repeating a batch with the same token gives the answer of the first time.
KEYS: 1 campaign's base
ARGV: 1 batch token or '', 2 lifetime of the answer (ms), then per contact: class, digits, shard of
  the digits, priority, n, then n strings: fields and values of the contact's hash
Returns: an id per contact, 0 for a duplicate; -1 no such campaign; -2 the campaign is final.
]]
--- @include "contact"
local function class_number(class)
  local number = redis.call('HGET', base .. 'classes', class)
  if not number then
    number = tostring(redis.call('HLEN', base .. 'classes') + 1)
    redis.call('HSET', base .. 'classes', class, number)
    redis.call('HSET', base .. 'class_names', number, class)
  end
  return number
end

local status = redis.call('HGET', base .. 'campaign', 'status')
if not status then return -1 end
local remembered = ARGV[1] ~= '' and base .. 'batch:' .. ARGV[1]
if remembered then
  local answer = redis.call('GET', remembered)
  if answer then return cjson.decode(answer) end
end
if status == 'stopped' or status == 'completed' then return -2 end

local ids, at, class_of = {}, 3, {}
local last = tonumber(redis.call('HGET', counts, 'contacts') or 0)
while ARGV[at] do
  local name, digits, shard, priority, n = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  at = at + 5
  if redis.call('HSETNX', base .. 'phones:' .. shard, digits, last + 1) == 1 then
    last = last + 1
    local class = class_of[name] or class_number(name)
    class_of[name] = class
    redis.call('HSET', contact_key(last), 'p', digits, 'hc', class, unpack(ARGV, at, at + n - 1))
    count('contacts', 1)
    enter(last, class, nil, 'r')
    put_ready(last, 'n', class, priority, 0)
    ids[#ids + 1] = last
  else
    ids[#ids + 1] = 0
  end
  at = at + n
end
if remembered then
  redis.call('SET', remembered, cjson.encode(ids), 'PX', ARGV[2])
end
return ids
