--[[
Reserve a number, or a person, for one attempt, across campaigns; or only ask what stands against it.

Guarantees: granted only when no do-not-call list has it, no other attempt holds it, every limit
allows one more and no lock-out runs; then it is held and counted in the same step. Asking again with
the same attempt grants without counting. Nothing expires into a permission: the expiry of the
history only removes what is older than every limit. The same rules answer a mere question.
KEYS: 1 do-not-call hash of all campaigns, 2 history hash, 3 live hash, 4 facts hash, then further
  do-not-call hashes (all of one shard)
ARGV: 1 digits or person, 2 attempt id or '' to ask only, 3 now (ms), 4 most in 24 h or 0, 5 most in
  7 days or 0, then lock-outs (s) or 0: 6 after an abandoned call, 7 a machine, 8 a conversation;
  9 person to be kept with the number or ''
Returns: {} granted, or all that stands against it: {reason, from when on it may (ms), or the attempt
  that holds it, or '', …} with reasons dnc, live, limit_7d, limit_24h, after_abandon, after_machine,
  after_conversation.
]]
local id, attempt, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local DAY_S, WEEK_S = 86400, 604800
local against = {}

local function refuse(reason, value)
  against[#against + 1] = reason
  against[#against + 1] = value
end

local function refuse_until(reason, second)
  if second and second * 1000 > now then refuse(reason, string.format('%.0f', second * 1000)) end
end

for i = 1, #KEYS do
  if (i == 1 or i > 4) and against[1] == nil and redis.call('HEXISTS', KEYS[i], id) == 1 then
    refuse('dnc', '')
  end
end

local holder = (redis.call('HGET', KEYS[3], id) or ''):match('^[^|]+')
if holder and holder == attempt and #against == 0 then return against end
if holder and holder ~= attempt then refuse('live', holder) end

-- Instants are kept in whole seconds, rounded up, so that a limit never ends early.
local packed, instants = redis.call('HGET', KEYS[2], id) or '', {}
for i = 1, #packed, 4 do
  local at = struct.unpack('>I4', packed, i)
  if (at + WEEK_S) * 1000 > now then instants[#instants + 1] = at end
end

-- The instant from which on fewer than `most` calls lie within the span.
local function free_again(most, span)
  local decisive = most > 0 and instants[#instants - most + 1]
  return decisive and decisive + span
end

refuse_until('limit_7d', free_again(tonumber(ARGV[5]), WEEK_S))
refuse_until('limit_24h', free_again(tonumber(ARGV[4]), DAY_S))

local facts = redis.call('HGET', KEYS[4], id)
if facts then
  for i, reason in ipairs({'after_abandon', 'after_machine', 'after_conversation'}) do
    local at, lock_s = struct.unpack('>I4', facts, 4 * i - 3), tonumber(ARGV[5 + i])
    if at > 0 and lock_s > 0 then refuse_until(reason, at + lock_s) end
  end
end
if #against > 0 or attempt == '' then return against end

local second = math.ceil(now / 1000)
instants[#instants + 1] = second
table.sort(instants)
local parts = {}
for i = math.max(1, #instants - 99), #instants do
  parts[#parts + 1] = struct.pack('>I4', instants[i])
end
redis.call('HSET', KEYS[2], id, table.concat(parts))
redis.call('EXPIRE', KEYS[2], WEEK_S + DAY_S)
redis.call('HSET', KEYS[3], id, attempt .. '|' .. second .. (ARGV[9] ~= '' and '|' .. ARGV[9] or ''))
return against
