--[[
Make deliveries of a webhook out of events of one stream.

Guarantees: the place in the stream moves in the same step, and only from where the events were read,
so that each event becomes one delivery.
KEYS: 1 webhooks' base
ARGV: 1 webhook, 2 stream, 3 old place, 4 new place, 5 now (ms), then per event message id, type, body
Returns: 1 taken, 0 the place was moved by another, or the webhook is gone.
]]
--- @include "delivery"
local base, id, stream = KEYS[1], ARGV[1], ARGV[2]
local cursors = base .. 'cursor:' .. id
local start = redis.call('HGET', cursors, 'start')
if not start then return 0 end
if (redis.call('HGET', cursors, stream) or (start .. '-0')) ~= ARGV[3] then return 0 end
redis.call('HSET', cursors, stream, ARGV[4])
for at = 6, #ARGV, 3 do
  new_delivery(id, ARGV[5], ARGV[at], ARGV[at + 1], ARGV[at + 2])
end
return 1
