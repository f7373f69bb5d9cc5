--[[
Change what an administrator may change of a contact, while its campaign runs.

Guarantees: acts on the next claim: an inactive contact is not dialled from this instant on (an
attempt in flight goes on, one that is only claimed is not sent), an active one has its old place
again. A finished contact keeps its state.
KEYS: 1 campaign's base
ARGV: 1 contact id, 2 now (ms), 3 actor, 4 detail for the audit (JSON), 5 priority or '', 6 active (1, 0
  or ''), 7 line of the variables that the new ones were made from, or '-', then names of texts and their
  new lines or ''
Returns: 1 changed, 0 withdrawn or done (only its texts changed), -1 no such contact, -2 nothing, as
  somebody else changed the variables meanwhile.
]]
--- @include "contact"
--- @include "texts"
local id, key = ARGV[1], contact_key(ARGV[1])
local c = redis.call('HMGET', key, 's', 'hc', 'l', 'pr', 'due')
local state, class, list, due = c[1], c[2], c[3] or 'n', c[5]
if not state then return -1 end
if ARGV[7] ~= '-' and text_line(key, 'v') ~= ARGV[7] then return -2 end
redis.call('XADD', base .. 'audit', '*', 'at', ARGV[2], 'actor', ARGV[3], 'action', 'edit', 'subject', 'contact', 'detail', ARGV[4])

if ARGV[8] then replace_texts(key, {unpack(ARGV, 8)}) end
if COMPLETE[state] then return 0 end

if ARGV[5] ~= '' then
  redis.call('HSET', key, 'pr', ARGV[5])
  if state == 'r' then put_ready(id, list, class, ARGV[5], due) end
end
if ARGV[6] == '0' then
  redis.call('HSET', key, 'ia', 1)
  if WAITING[state] then
    take_out(id, state, list, class)
    enter(id, class, state, 'i')
  end
elseif ARGV[6] == '1' then
  redis.call('HDEL', key, 'ia')
  if state == 'i' and due and tonumber(due) > tonumber(ARGV[2]) then
    put_due(id, list, due)
    enter(id, class, state, 's')
  elseif state == 'i' then
    put_ready(id, list, class, redis.call('HGET', key, 'pr'), due)
    enter(id, class, state, 'r')
  end
end
return 1
