--[[
Add contacts that arrived; a number that the campaign has already is left out.

Guarantees: ids rise by one with every contact added; a contact is ready, counted and found as a
duplicate in the same step. Another phone that another contact has stays with that one. Repeating a batch with the same token gives the answer of the first time.
KEYS: 1 campaign's base
ARGV: 1 batch token or '', 2 lifetime of the answer (ms), 3 now (ms), 4 calling list, 5 the contacts
  as one JSON array, for each: class, digits, shard of the digits, priority, m, n, then m strings:
  digits and shards of its other phones, then n strings: fields and values of the contact's hash
Returns: an id per contact, 0 for a duplicate; -1 no such campaign; -2 the campaign is final.
]]
--- @include "arrival"
local status = redis.call('HGET', base .. 'campaign', 'status')
if not status then return -1 end
local remembered = ARGV[1] ~= '' and base .. 'batch:' .. ARGV[1]
if remembered then
  local answer = redis.call('GET', remembered)
  if answer then return cjson.decode(answer) end
end
if status == 'stopped' or status == 'completed' then return -2 end

local given = cjson.decode(ARGV[5])
local ids, at, class_of, scores_of, n_new = {}, 1, {}, {}, 0
local last = tonumber(redis.call('HGET', counts, 'contacts') or 0)
local phones = base .. 'phones:'
while given[at] do
  local name, digits, shard, priority, m, n = unpack(given, at, at + 5)
  local others, fields = at + 6, at + 6 + m
  at = fields
  if redis.call('HSETNX', phones .. shard, digits, last + 1) == 1 then
    last = last + 1
    local class = class_of[name]
    if not class then
      class = place_of(name, ARGV[4])
      class_of[name], scores_of[class] = class, {}
    end
    -- As `enter` and `put_ready` do for one contact; a command for the whole batch is below.
    redis.call('HSET', contact_key(last), 'p', digits, 'hc', class, 's', 'r', unpack(given, at, at + n - 1))
    if m > 0 then keep_phones(last, given, others, m) end
    local scores = scores_of[class]
    -- As numbers: whole ones below 2^53 are written out exactly.
    local n_scores = #scores
    scores[n_scores + 1] = priority * 4398046511104 + last
    scores[n_scores + 2] = last
    n_new = n_new + 1
    ids[#ids + 1] = last
  else
    ids[#ids + 1] = 0
  end
  at = at + n
end
if n_new > 0 then
  redis.call('HINCRBY', base .. 'list_counts', ARGV[4], n_new)
  note_added(last - n_new + 1, ARGV[3])
  note_states(last - n_new + 1, string.rep('r', n_new))
  count('contacts', n_new)
  count('ready', n_new)
  for class, scores in pairs(scores_of) do
    if #scores > 0 then
      redis.call('ZADD', base .. 'ready:n:' .. class, unpack(scores))
      redis.call('SADD', base .. 'ready_places', 'n:' .. class)
      redis.call('HINCRBY', base .. 'waiting', class, #scores / 2)
    end
  end
end
if remembered then
  redis.call('SET', remembered, cjson.encode(ids), 'PX', ARGV[2])
end
return ids
