--[[
Free a number, or a person, that an attempt holds.

Guarantees: only an attempt that holds it frees it, and only its own hold; a second time changes
nothing. A call that was never placed is taken out of the history again.
KEYS: 1 do-not-call hash, 2 history hash, 3 live hash, 4 facts hash (one shard)
ARGV: 1 digits or person, 2 attempt id, 3 was placed (1 or 0)
Returns: the person kept with it ('' for none); false when it was not held by this attempt.
]]
--- @include "holders"
local id = ARGV[1]
local own, others = split_holders(redis.call('HGET', KEYS[3], id), ARGV[2])
if not own then return false end
keep_holders(KEYS[3], id, others)
if ARGV[3] == '0' then
  keep_instants(KEYS[2], id, without(instants_of(redis.call('HGET', KEYS[2], id)), own.second))
end
return own.person
