--- @include "contact"
-- Snippet: a disposition on the campaign's counters, and on the contact where another dial follows:
-- rules say how often it may.
local function count_disposition(id, code, kind)
  if code == '' then return end
  count('disposition:' .. code, 1)
  if kind == 'redial' or kind == 'callback' then
    redis.call('HINCRBY', contact_key(id), ':' .. code, 1)
  end
end
