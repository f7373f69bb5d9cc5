--[[
Reserve a number, or a person, for one attempt, across campaigns; or only ask what stands against it.

Guarantees: granted only when no do-not-call list has it, no other attempt holds it, every limit
allows one more and no lock-out runs; then it is held and counted in the same step. Asking again with
the same attempt grants without counting. Asked `again` for a call that is made later than it was
reserved, the rules judge anew, without this attempt's own count, which moves to now where they grant
it; a refusal leaves hold and count to be released. By force it is granted whatever stands against it, beside
whoever holds it: for a call that was made, and for a person whom the campaign does not limit. Nothing expires into a permission: the expiry of the
history only removes what is older than every limit. The same rules answer a mere question.
KEYS: 1 do-not-call hash of all campaigns, 2 history hash, 3 live hash, 4 facts hash, then further
  do-not-call hashes (all of one shard)
ARGV: 1 digits or person, 2 attempt id or '' to ask only, 3 now (ms), 4 most in 24 h or 0, 5 most in
  7 days or 0, then lock-outs (s) or 0: 6 after an abandoned call, 7 a machine, 8 a conversation;
  9 person to be kept with the number or '', 10 words: 'force', 'again', both or none
Returns: {} granted, or all that stands against it: {reason, from when on it may (ms), or an attempt
  that holds it, or '', …} with reasons dnc, live, limit_7d, limit_24h, after_abandon, after_machine,
  after_conversation.
]]
--- @include "holders"
local id, attempt, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local by_force, again = ARGV[10]:find('force') ~= nil, ARGV[10]:find('again') ~= nil
local DAY_S, WEEK_S = 86400, 604800
local against = {}

local function refuse(reason, value)
  if by_force then return end
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

local own, others = split_holders(redis.call('HGET', KEYS[3], id), attempt)
if own and #against == 0 and not again then return against end
for _, holder in ipairs(others) do refuse('live', holder.attempt) end

local instants, known = {}, instants_of(redis.call('HGET', KEYS[2], id))
if own and again then without(known, own.second) end
for _, at in ipairs(known) do
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
keep_instants(KEYS[2], id, instants)
redis.call('EXPIRE', KEYS[2], WEEK_S + DAY_S)
others[#others + 1] = {attempt = attempt, second = second, person = ARGV[9]}
keep_holders(KEYS[3], id, others)
return against
