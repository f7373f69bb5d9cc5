--[[
End an attempt: contact, counters, abandon ledger and call detail record in one step.

Guarantees: only while the attempt is live, so a second time changes nothing. An attempt of unknown
fate is remembered, so that `revise` can make it known later.
KEYS: 1 campaign's base
ARGV: 1 attempt id, 2 outcome, 3 its code, 4 counts (1 or 0), 5 trunk fault (1 or 0),
  6 kind (redial, callback, done, wrap), 7 its argument (due ms, reason, wrap-up until ms),
  8 packed record, 9 agent id or '', 10 which phone is next (same, next, drop), 11 how the ledger
  moves, 12 when the call was placed (ms), 13 the phone dialled (digits),
  14 what a key recorded in a call without an agent, or ''
Returns: 1 settled, 0 not live.
]]
--- @include "disposition"
--- @include "follow"
--- @include "ledger"
--- @include "outcome"
--- @include "record"
local attempt, outcome, code, kind, packed = ARGV[1], ARGV[2], ARGV[3], ARGV[6], ARGV[8]
local a = redis.call('HMGET', base .. 'a:' .. attempt, 'c', 'st')
local id = a[1]
if not id then return 0 end
redis.call('DEL', base .. 'a:' .. attempt)
redis.call('ZREM', base .. 'leases', attempt)
if a[2] ~= 'sent' then
  -- It has a record, so it was dialled after all.
  count('attempts', 1)
  redis.call('HINCRBY', contact_key(id), 'ns', 1)
end
count_outcome(id, outcome, code, 1)
count_disposition(id, ARGV[14], kind)
begin_ledger(ARGV[12])
move_ledger(ARGV[11], 1)
redis.call('HSET', contact_key(id), 'lo', code, 'la', attempt)
if ARGV[4] == '1' then redis.call('HINCRBY', contact_key(id), 'na', 1) end
if ARGV[5] == '1' then
  redis.call('HINCRBY', contact_key(id), 'nt', 1)
  count('trunk_faults', 1)
end
append_record(attempt, id, outcome, 0, packed)
turn_phone(id, ARGV[10], ARGV[13])
follow(id, kind, ARGV[7])
if kind == 'wrap' then start_wrapping(attempt, id, ARGV[9], 0, outcome, ARGV[7], packed, ARGV[4]) end
if outcome == 'unknown' then
  local dials = redis.call('HGET', contact_key(id), 'ns')
  local entry = {id, dials, code, ARGV[4], ARGV[5], ARGV[11]}
  redis.call('HSET', base .. 'unknown', attempt, table.concat(entry, '|'))
end
return 1
