--- @include "contact"
-- Snippet: what follows for a contact that is in flight, in wrap-up or waiting.
-- kind: back (ready again, in its old place), redial, callback, park (argument: due ms),
-- done (argument: reason), wrap (waits for its disposition).
-- A contact that was withdrawn meanwhile is dialled no more, one that was made inactive waits until
-- it is active again; a finished one never revives.
local function follow(id, kind, argument)
  local key = contact_key(id)
  local c = redis.call('HMGET', key, 's', 'hc', 'l', 'pr', 'due', 'wd', 'ia')
  local from, class, list = c[1], c[2], c[3] or 'n'
  if COMPLETE[from] then return from end
  take_out(id, from, list, class)
  if kind == 'wrap' then
    redis.call('HDEL', key, 'a')
    enter(id, class, from, 'w')
    return 'w'
  end
  if kind == 'done' then
    redis.call('HSET', key, 'dr', argument)
    enter(id, class, from, 'd')
    forget_plans(id)
    return 'd'
  end
  if c[6] then
    redis.call('HSET', key, 'dr', 'withdrawn')
    enter(id, class, from, 'x')
    forget_plans(id)
    return 'x'
  end
  redis.call('HDEL', key, 'a')
  if kind == 'redial' then list = 'r' elseif kind == 'callback' then list = 'c' end
  if kind == 'redial' or kind == 'callback' then redis.call('HDEL', key, 'ca') end
  if kind ~= 'back' then redis.call('HSET', key, 'l', list, 'due', argument) end
  if c[7] then
    enter(id, class, from, 'i')
    return 'i'
  end
  if kind == 'back' then
    put_ready(id, list, class, c[4], c[5])
    enter(id, class, from, 'r')
    return 'r'
  end
  put_due(id, list, argument)
  enter(id, class, from, 's')
  return 's'
end
