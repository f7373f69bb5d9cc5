--[[
End the wrap-up of a bridged attempt, with the agent's disposition or without one.

Guarantees: once; a second time, or after the time-out, changes nothing. The record gets a revision
with the disposition in the same step.
KEYS: 1 campaign's base
ARGV: 1 attempt id, 2 kind (redial, callback, done), 3 its argument (due ms or reason),
  4 disposition or '', 5 packed record, 6 agent who is to make the callback or '', 7 how the
  ledger moves, 8 which phone is next (same, next), 9 the phone dialled (digits), 10 counts (1; 0:
  the attempt is held against the contact no more)
Returns: 1 finished, 0 was not in wrap-up.
]]
--- @include "disposition"
--- @include "follow"
--- @include "ledger"
--- @include "record"
local attempt = ARGV[1]
local entry = redis.call('HGET', base .. 'wrap', attempt)
if not entry then return 0 end
local id, _, rev, outcome, counted = entry:match('^(%d+)|(%d*)|(%d+)|([%a_]+)|?(%d?)$')
redis.call('HDEL', base .. 'wrap', attempt)
redis.call('HDEL', base .. 'wrap_record', attempt)
redis.call('ZREM', base .. 'wrapping', attempt)
count_disposition(id, ARGV[4], ARGV[2])
if ARGV[10] == '0' and counted ~= '0' then redis.call('HINCRBY', contact_key(id), 'na', -1) end
append_record(attempt, id, outcome, tonumber(rev) + 1, ARGV[5])
move_ledger(ARGV[7], 1)
turn_phone(id, ARGV[8], ARGV[9])
local state = follow(id, ARGV[2], ARGV[3])
if ARGV[6] ~= '' and not COMPLETE[state] then
  redis.call('HSET', contact_key(id), 'ca', ARGV[6] .. '|' .. ARGV[3])
end
return 1
