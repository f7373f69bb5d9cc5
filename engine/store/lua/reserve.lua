--[[
Reserve a number for one attempt, across campaigns.

Guarantees: granted only when the number is not on the do-not-call list, no other attempt holds it
and both limits allow one more; then it is held and counted in the same step. Asking again with the
same attempt grants without counting. Nothing expires into a permission: the expiry of the history
only removes what is older than every limit.
KEYS: 1 do-not-call hash, 2 history hash, 3 live hash (one shard)
ARGV: 1 digits, 2 attempt id, 3 now (ms), 4 most in 24 h or 0, 5 most in 7 days or 0
Returns: {'ok'}, {'dnc'}, {'live', attempt that holds it}, or {'limit_24h' or 'limit_7d', instant (ms) from which on it may}.
]]
local number, attempt, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local DAY_S, WEEK_S = 86400, 604800
if redis.call('HEXISTS', KEYS[1], number) == 1 then return {'dnc'} end
local owner = redis.call('HGET', KEYS[3], number)
if owner then
  local holder = owner:match('^[^|]+')
  if holder == attempt then return {'ok'} end
  return {'live', holder}
end
-- Instants are kept in whole seconds, rounded up, so that a limit never ends early.
local packed, instants = redis.call('HGET', KEYS[2], number) or '', {}
for i = 1, #packed, 4 do
  local at = struct.unpack('>I4', packed, i)
  if (at + WEEK_S) * 1000 > now then instants[#instants + 1] = at end
end

-- The instant from which on fewer than `most` calls lie within the span; nil: now.
local function wait_until(most, span)
  if most == 0 then return nil end
  local decisive = instants[#instants - most + 1]
  local free_at = decisive and (decisive + span) * 1000
  return free_at and free_at > now and free_at or nil
end

local week, day = wait_until(tonumber(ARGV[5]), WEEK_S), wait_until(tonumber(ARGV[4]), DAY_S)
if week and week >= (day or 0) then return {'limit_7d', string.format('%.0f', week)} end
if day then return {'limit_24h', string.format('%.0f', day)} end

local second = math.ceil(now / 1000)
instants[#instants + 1] = second
table.sort(instants)
local parts = {}
for i = math.max(1, #instants - 99), #instants do
  parts[#parts + 1] = struct.pack('>I4', instants[i])
end
redis.call('HSET', KEYS[2], number, table.concat(parts))
redis.call('EXPIRE', KEYS[2], WEEK_S + DAY_S)
redis.call('HSET', KEYS[3], number, attempt .. '|' .. second)
return {'ok'}
