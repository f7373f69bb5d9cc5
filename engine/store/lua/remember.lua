--[[
Take note of an abandoned call, a machine or a conversation, for lock-outs after it.

Guarantees: an instant only rises, so a repetition changes nothing. It asks for no live call: what is
learned late counts as well. Done before the attempt is settled: a kill in between leaves a note
without a record, never a record without its note.
KEYS: 1 do-not-call hash, 2 history hash, 3 live hash, 4 facts hash (one shard)
ARGV: 1 digits or person, 2 which (1 abandoned, 2 machine, 3 conversation), 3 instant (s),
  4 lifetime of the shard's notes (s)
Returns: nothing.
]]
local facts = redis.call('HGET', KEYS[4], ARGV[1])
local at = {0, 0, 0}
if facts then at = {struct.unpack('>I4I4I4', facts)} end
local which = tonumber(ARGV[2])
at[which] = math.max(at[which], tonumber(ARGV[3]))
redis.call('HSET', KEYS[4], ARGV[1], struct.pack('>I4I4I4', at[1], at[2], at[3]))
redis.call('EXPIRE', KEYS[4], ARGV[4])
