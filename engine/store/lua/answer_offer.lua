--[[
An agent's answer to an offer.

Guarantees: once, only by the agent it was made to, and only while it waits for an answer.
KEYS: 1 campaign's base
ARGV: 1 attempt id, 2 agent id, 3 answer (accepted or skipped), 4 skips allowed per contact
Returns: 1 taken, 0 there is no such offer any more, -1 it must not be skipped again.
]]
local base = KEYS[1]
local text = redis.call('HGET', base .. 'offers', ARGV[1])
if not text then return 0 end
local offer = cjson.decode(text)
if tostring(offer.agent_id) ~= ARGV[2] or offer.state ~= 'offered' then return 0 end
if ARGV[3] == 'skipped' then
  local skips = tonumber(redis.call('HGET', base .. 'skips', offer.contact_id) or 0)
  if skips >= tonumber(ARGV[4]) then return -1 end
  redis.call('HINCRBY', base .. 'skips', offer.contact_id, 1)
end
offer.state = ARGV[3]
redis.call('HSET', base .. 'offers', ARGV[1], cjson.encode(offer))
return 1
