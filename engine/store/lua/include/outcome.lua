-- Snippet: counters of an outcome, on the campaign and on the contact, by +1 or -1.
local PERSON = {answered = true, abandoned = true, hung_up_early = true}

local function count_outcome(id, outcome, code, by)
  count('outcome:' .. outcome, by)
  if PERSON[outcome] then count('answered_person', by) end
  if outcome == 'abandoned' then count('abandoned', by) end
  local field = 'o' .. code
  if redis.call('HINCRBY', contact_key(id), field, by) == 0 then
    redis.call('HDEL', contact_key(id), field)
  end
end
