-- Snippet: a contact's state, the list it waits in and the counters, always changed together.
-- States: r ready, s scheduled, i inactive, f in flight, w wrap-up, d done, x withdrawn.
-- Lists: n new, r redial, c callback, each by place: the number of the hours class, and after a dot
-- that of the calling list where it is not 0. Set `ready_places`: `<list>:<place>` of all that may
-- have somebody ready. Scores of ready contacts: priority * 2^42 + age, where age is
-- the contact's id in the new list and the instant (ms) at which it was due in the others.
local base = KEYS[1]
local counts = base .. 'counts'
local STATE = {r = 'ready', s = 'scheduled', i = 'inactive', f = 'in_flight', w = 'wrap_up', d = 'done', x = 'withdrawn'}
local COMPLETE = {d = true, x = true}
local WAITING = {r = true, s = true}
local DUE = {r = 'due:redial', c = 'due:callback', n = 'due:redial'}

local function contact_key(id)
  return base .. 'k:' .. id
end

local function count(name, by)
  redis.call('HINCRBY', counts, name, by)
end

-- States of all contacts, a byte each by id, so that a list of one state is found in a million.
local function note_states(first, states)
  redis.call('SETRANGE', base .. 'states', first, states)
end

-- The only place where a contact's state changes.
local function enter(id, class, from, to)
  if from then count(STATE[from], -1) end
  count(STATE[to], 1)
  if COMPLETE[to] then count('complete', 1) end
  if WAITING[to] and not WAITING[from] then
    redis.call('HINCRBY', base .. 'waiting', class, 1)
  elseif WAITING[from] and not WAITING[to] then
    redis.call('HINCRBY', base .. 'waiting', class, -1)
  end
  redis.call('HSET', contact_key(id), 's', to)
  note_states(id, to)
end

local function put_ready(id, list, class, priority, due)
  local age = list == 'n' and tonumber(id) or tonumber(due)
  local score = string.format('%.0f', (tonumber(priority) or 500) * 4398046511104 + age)
  redis.call('ZADD', base .. 'ready:' .. list .. ':' .. class, score, id)
  redis.call('SADD', base .. 'ready_places', list .. ':' .. class)
end

local function put_due(id, list, due)
  redis.call('ZADD', base .. DUE[list], due, id)
end

-- Take a waiting contact out of the list it is in.
local function take_out(id, state, list, class)
  if state == 'r' then
    redis.call('ZREM', base .. 'ready:' .. list .. ':' .. class, id)
  elseif state == 's' then
    redis.call('ZREM', base .. DUE[list], id)
  end
end

local function forget_plans(id)
  redis.call('HDEL', contact_key(id), 'a', 'due', 'l', 'wd', 'ia', 'ca')
end

local function put_phones(id, phones)
  redis.call('HSET', contact_key(id), 'p', table.remove(phones, 1))
  if #phones > 0 then
    redis.call('HSET', contact_key(id), 'ps', table.concat(phones, ','))
  else
    redis.call('HDEL', contact_key(id), 'ps')
  end
end

-- What an attempt to `dialled` (digits) makes of the contact's phones: how is next (it comes again
-- after all others) or drop (never again); the only phone stays. An attempt whose fate became known
-- late may have turned them before: next then turns no further, and drop takes the phone dialled.
local function turn_phone(id, how, dialled)
  local c = redis.call('HMGET', contact_key(id), 'p', 'ps', 'px')
  if not c[2] or (how ~= 'next' and how ~= 'drop') then return end
  if how == 'next' and c[1] ~= dialled then return end
  local left, found = {}, false
  for phone in (c[1] .. ',' .. c[2]):gmatch('%d+') do
    if phone == dialled then found = true else left[#left + 1] = phone end
  end
  if not found then return end
  if how == 'next' then left[#left + 1] = dialled end
  put_phones(id, left)
  if how == 'drop' then
    redis.call('HSET', contact_key(id), 'px', (c[3] and c[3] .. ',' or '') .. dialled)
  end
end
