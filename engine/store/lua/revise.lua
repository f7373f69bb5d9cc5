--[[
Make the fate of an attempt known that was settled as unknown: a second record of it.

Guarantees: only unknown → known, once. Counters move by the difference; an unknown fate has no
disposition. The contact follows only while nothing else happened to it since: not finished, not in
flight, not dialled again. A phone is dropped or turned by the one that this attempt dialled, and
dropped whatever happened since.
KEYS: 1 campaign's base
ARGV: as of settle
Returns: 1 revised, 0 was not unknown.
]]
--- @include "disposition"
--- @include "follow"
--- @include "ledger"
--- @include "outcome"
--- @include "record"
local attempt, outcome, code, kind, packed = ARGV[1], ARGV[2], ARGV[3], ARGV[6], ARGV[8]
local entry = redis.call('HGET', base .. 'unknown', attempt)
if not entry or outcome == 'unknown' then return 0 end
local id, dials, old_code, counted, fault, moved = entry:match('^(%d+)|(%d+)|(%a+)|(%d)|(%d)|?(.*)$')
redis.call('HDEL', base .. 'unknown', attempt)
count_outcome(id, 'unknown', old_code, -1)
count_outcome(id, outcome, code, 1)
count_disposition(id, ARGV[14], kind)
move_ledger(moved, -1)
move_ledger(ARGV[11], 1)
local by_count, by_fault = tonumber(ARGV[4]) - tonumber(counted), tonumber(ARGV[5]) - tonumber(fault)
if by_count ~= 0 then redis.call('HINCRBY', contact_key(id), 'na', by_count) end
if by_fault ~= 0 then
  redis.call('HINCRBY', contact_key(id), 'nt', by_fault)
  count('trunk_faults', by_fault)
end
append_record(attempt, id, outcome, 1, packed)
local c = redis.call('HMGET', contact_key(id), 's', 'ns')
if c[2] == dials then redis.call('HSET', contact_key(id), 'lo', code) end
local follows = WAITING[c[1]] and c[2] == dials
if follows or ARGV[10] == 'drop' then turn_phone(id, ARGV[10], ARGV[13]) end
if follows then
  follow(id, kind, ARGV[7])
  if kind == 'wrap' then start_wrapping(attempt, id, ARGV[9], 1, outcome, ARGV[7], packed, ARGV[4]) end
end
return 1
