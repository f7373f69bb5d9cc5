--[[
Claim up to k contacts for dialling: due callbacks, then redials and new ones in the order asked for,
each by priority and age, over the hours classes that are open now.

Guarantees: only while the campaign is active and the caller leads (its epoch is not below the one
fenced); each contact gets one live attempt, in stage `claimed`, with a lease, and leaves its list in
the same step. Costs O(classes + k log n); at most 500 scheduled contacts that became due move to
the ready lists at a time, callbacks first.
KEYS: 1 campaign's base
ARGV: 1 now (ms), 2 lease until (ms), 3 epoch, 4 k, 5 order (redials_first, new_first, mixed), then k
  attempt ids, then names of open classes
Returns: per contact {attempt id, contact id, class, field, value, …} with its phone, name, external
  id and history; -1 fenced.
]]
--- @include "contact"
local now, lease_until, epoch, k = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local campaign = redis.call('HMGET', base .. 'campaign', 'status', 'epoch')
if epoch < tonumber(campaign[2] or 0) then return -1 end
if campaign[1] ~= 'active' then return {} end

local budget = 500
for _, queue in ipairs({'due:callback', 'due:redial'}) do
  local due = redis.call('ZRANGEBYSCORE', base .. queue, '-inf', now, 'WITHSCORES', 'LIMIT', 0, budget)
  for i = 1, #due, 2 do
    local id = due[i]
    local c = redis.call('HMGET', contact_key(id), 'hc', 'pr', 'l')
    redis.call('ZREM', base .. queue, id)
    put_ready(id, c[3] or 'n', c[1], c[2], due[i + 1])
    enter(id, c[1], 's', 'r')
  end
  budget = budget - #due / 2
end

local open, names = {}, {unpack(ARGV, 6 + k)}
if #names > 0 then
  for _, number in ipairs(redis.call('HMGET', base .. 'classes', unpack(names))) do
    if number then open[#open + 1] = number end
  end
end

local claims = {}
local FIELDS = {'p', 'ns', 'nm', 'x', 'na', 'nt', 'oa', 'ob', 'om', 'ox', 'on', 'oy', 'or', 'oi', 'of', 'oh', 'oc', 'ou', 'pk', 'ps', 'ca'}

local function more(claim, id, field)
  local i = 1
  local part = redis.call('HGET', contact_key(id), field .. i)
  while part do
    claim[#claim + 1] = field .. i
    claim[#claim + 1] = part
    i = i + 1
    part = redis.call('HGET', contact_key(id), field .. i)
  end
end

local function claim(id, class)
  local attempt = ARGV[6 + #claims]
  local c = redis.call('HMGET', contact_key(id), unpack(FIELDS))
  local number = tonumber(c[2] or 0) + 1
  redis.call('HSET', contact_key(id), 'a', attempt)
  redis.call('HSET', base .. 'a:' .. attempt, 'c', id, 'p', c[1], 'n', number, 'st', 'claimed', 'ca', now, 'ep', epoch)
  redis.call('ZADD', base .. 'leases', lease_until, attempt)
  enter(id, class, 'r', 'f')
  local one = {attempt, id, class}
  for i, field in ipairs(FIELDS) do
    if c[i] then
      one[#one + 1] = field
      one[#one + 1] = c[i]
    end
  end
  if c[3] and #c[3] > 60 then more(one, id, 'nm') end
  if c[4] and #c[4] > 60 then more(one, id, 'x') end
  if c[19] and #c[19] > 60 then more(one, id, 'pk') end
  claims[#claims + 1] = one
end

local function head(list, class)
  local first = redis.call('ZRANGE', base .. 'ready:' .. list .. ':' .. class, 0, 0, 'WITHSCORES')
  return first[1] and {id = first[1], score = tonumber(first[2]), class = class, list = list}
end

-- The older of equal priority, or where lists are mixed the one that had no turn last.
local function is_before(one, other, last)
  if one.list == other.list then return one.score < other.score end
  local by_priority = math.floor(one.score / 4398046511104) - math.floor(other.score / 4398046511104)
  if by_priority ~= 0 then return by_priority < 0 end
  return one.list ~= last
end

local ORDERS = {redials_first = {'c', 'r', 'n'}, new_first = {'c', 'n', 'r'}, mixed = {'c', 'rn'}}
local last = ARGV[5] == 'mixed' and (redis.call('HGET', base .. 'campaign', 'mixed') or 'n') or ''
for _, lists in ipairs(ORDERS[ARGV[5]]) do
  local heads = {}
  if #claims < k then
    for list in lists:gmatch('.') do
      for _, class in ipairs(open) do
        heads[#heads + 1] = head(list, class) or nil
      end
    end
  end
  while #claims < k and #heads > 0 do
    local best = 1
    for i = 2, #heads do
      if is_before(heads[i], heads[best], last) then best = i end
    end
    local chosen = heads[best]
    redis.call('ZREM', base .. 'ready:' .. chosen.list .. ':' .. chosen.class, chosen.id)
    claim(chosen.id, chosen.class)
    if lists == 'rn' then last = chosen.list end
    local next_head = head(chosen.list, chosen.class)
    if next_head then heads[best] = next_head else table.remove(heads, best) end
  end
end
if last ~= '' then redis.call('HSET', base .. 'campaign', 'mixed', last) end
for _, one in ipairs(claims) do
  one[3] = redis.call('HGET', base .. 'class_names', one[3])
end
return claims
