--[[
Claim up to k contacts for dialling: due callbacks, then redials and new ones in the order asked for,
each by priority, calling lists' weight and age, over the hours classes that are open now.

Guarantees: only while the campaign is active and the caller leads (its epoch is not below the one
fenced); each contact gets one live attempt, in stage `claimed`, with a lease, and leaves its list in
the same step. A due callback of one agent is looked at again later while that agent is not there and
its wait is not over (as the verdict `callback_agent` of core/why_not.py), so that it holds nobody up.
Costs O(places + k (places + log n)), a place being an open class in a calling list; at most 500 scheduled contacts that became due move to
the ready lists at a time, callbacks first.
KEYS: 1 campaign's base
ARGV: 1 now (ms), 2 lease until (ms), 3 epoch, 4 k, 5 order (redials_first, new_first, mixed), 6 how
  long a callback waits for its agent (ms), 7 when it is looked at again (ms), 8 ids of agents who are
  there, with commas around each, then k attempt ids, then names of open classes
Returns: per contact {attempt id, contact id, class, field, value, …} with its phone, `t`, the texts
  of who it is, its history, `l`, the list that it waited in, `la` and `lo`, its last ended attempt and
  the outcome of that, and `cl`, its calling list; -1 fenced.
]]
--- @include "contact"
--- @include "texts"
local now, lease_until, epoch, k = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local campaign = redis.call('HMGET', base .. 'campaign', 'status', 'epoch')
if epoch < tonumber(campaign[2] or 0) then return -1 end
if campaign[1] ~= 'active' then return {} end

-- Of a contact's callback: when it is looked at again because its agent is not there; nil: now.
local function again_at(callback)
  local agent, at = (callback or ''):match('^(%d+)|(%d+)$')
  if not agent or ARGV[8]:find(',' .. agent .. ',', 1, true) then return nil end
  local until_ms = tonumber(at) + tonumber(ARGV[6])
  if until_ms <= tonumber(now) then return nil end
  return string.format('%.0f', math.min(until_ms, tonumber(ARGV[7])))
end

local budget = 500
for _, queue in ipairs({'due:callback', 'due:redial'}) do
  local due = redis.call('ZRANGEBYSCORE', base .. queue, '-inf', now, 'WITHSCORES', 'LIMIT', 0, budget)
  for i = 1, #due, 2 do
    local id = due[i]
    local c = redis.call('HMGET', contact_key(id), 'hc', 'pr', 'l', 'ca')
    local later = again_at(c[4])
    if later then
      redis.call('ZADD', base .. queue, later, id)
    else
      redis.call('ZREM', base .. queue, id)
      put_ready(id, c[3] or 'n', c[1], c[2], due[i + 1])
      enter(id, c[1], 's', 'r')
    end
  end
  budget = budget - #due / 2
end

local is_open, names = {}, {unpack(ARGV, 9 + k)}
if #names > 0 then
  for _, number in ipairs(redis.call('HMGET', base .. 'classes', unpack(names))) do
    if number then is_open[number] = true end
  end
end

local claims = {}
local FIELDS = {'p', 'ns', 'na', 'nt', 'oa', 'ob', 'om', 'ox', 'on', 'oy', 'or', 'oi', 'of', 'oh', 'oc', 'ou', 'ps', 'ca', 'ci', 'l', 'la', 'lo', 't'}

local function end_of_head(text)
  return text:find('\n\n', 1, true)
end

-- Who the contact is; its other texts are left where they are.
local function head_of(id, first)
  local text = read_texts(contact_key(id), first, end_of_head)
  return text:sub(1, end_of_head(text) or #text)
end

local function claim(id, class)
  local attempt = ARGV[9 + #claims]
  local c = redis.call('HMGET', contact_key(id), unpack(FIELDS))
  local number = tonumber(c[2] or 0) + 1
  redis.call('HSET', contact_key(id), 'a', attempt)
  redis.call('HSET', base .. 'a:' .. attempt, 'c', id, 'p', c[1], 'n', number, 'st', 'claimed', 'ca', now, 'ep', epoch)
  redis.call('ZADD', base .. 'leases', lease_until, attempt)
  enter(id, class, 'r', 'f')
  local one = {attempt, id, class, 'cl', class:match('%.(%d+)$') or '0'}
  if c[#FIELDS] then c[#FIELDS] = head_of(id, c[#FIELDS]) end
  for i, field in ipairs(FIELDS) do
    if c[i] then
      one[#one + 1] = field
      one[#one + 1] = c[i]
    end
  end
  claims[#claims + 1] = one
end

-- Lists take turns by weight at equal priority: a list's turn comes when its virtual time is the
-- lowest, and each contact moves it on by 1 / weight. One that had nothing to do begins at the time
-- of the others, so that it neither catches up nor starves (start-time fair queueing).
local weights, times = {}, {}
local function flat_to(t, flat)
  for i = 1, #flat, 2 do t[flat[i]] = tonumber(flat[i + 1]) end
end

local function time_of(number)
  return math.max(times[number] or 0, times.now or 0)
end

local function take_turn(number)
  times.now = time_of(number)
  times[number] = times.now + 1 / (weights[number] or 1)
end

local function head(list, place)
  local first = redis.call('ZRANGE', base .. 'ready:' .. list .. ':' .. place, 0, 0, 'WITHSCORES')
  if not first[1] then
    redis.call('SREM', base .. 'ready_places', list .. ':' .. place)
    return nil
  end
  local score = tonumber(first[2])
  return {
    id = tonumber(first[1]), score = score, priority = math.floor(score / 4398046511104),
    place = place, list = list, number = place:match('%.(%d+)$') or '0',
  }
end

-- By priority, then calling lists by their turns, then the older; where new ones and redials are
-- mixed the kind that had no turn last.
local function is_before(one, other, last)
  if one.priority ~= other.priority and one.list ~= 'c' then return one.priority < other.priority end
  if one.number ~= other.number and one.list ~= 'c' then
    local mine, theirs = time_of(one.number), time_of(other.number)
    if mine ~= theirs then return mine < theirs end
    return tonumber(one.number) < tonumber(other.number)
  end
  if one.list ~= other.list then return one.list ~= last end
  if one.score ~= other.score then return one.score < other.score end
  return one.id < other.id
end

local ORDERS = {redials_first = {'c', 'r', 'n'}, new_first = {'c', 'n', 'r'}, mixed = {'c', 'rn'}}
local last = ARGV[5] == 'mixed' and (redis.call('HGET', base .. 'campaign', 'mixed') or 'n') or ''
local places, several, any = redis.call('SMEMBERS', base .. 'ready_places'), false, nil
for _, each in ipairs(places) do
  local number = each:match('%.(%d+)$') or '0'
  several = several or (any ~= nil and any ~= number)
  any = number
end
if several then
  flat_to(weights, redis.call('HGETALL', base .. 'list_weights'))
  flat_to(times, redis.call('HGETALL', base .. 'list_times'))
end
for _, lists in ipairs(ORDERS[ARGV[5]]) do
  local heads = {}
  if #claims < k then
    for _, each in ipairs(places) do
      local list, place = each:match('^(%a):(.+)$')
      if lists:find(list, 1, true) and is_open[place:match('^%d+')] then
        heads[#heads + 1] = head(list, place)
      end
    end
  end
  while #claims < k and #heads > 0 do
    local best = 1
    for i = 2, #heads do
      if is_before(heads[i], heads[best], last) then best = i end
    end
    local chosen = heads[best]
    redis.call('ZREM', base .. 'ready:' .. chosen.list .. ':' .. chosen.place, chosen.id)
    claim(tostring(chosen.id), chosen.place)
    if lists == 'rn' then last = chosen.list end
    if several and lists ~= 'c' then take_turn(chosen.number) end
    local next_head = head(chosen.list, chosen.place)
    if next_head then heads[best] = next_head else table.remove(heads, best) end
  end
end
if last ~= '' then redis.call('HSET', base .. 'campaign', 'mixed', last) end
if several then
  for number, at in pairs(times) do
    redis.call('HSET', base .. 'list_times', number, string.format('%.9f', at))
  end
end
for _, one in ipairs(claims) do
  one[3] = redis.call('HGET', base .. 'class_names', one[3]:match('^%d+'))
end
return claims
