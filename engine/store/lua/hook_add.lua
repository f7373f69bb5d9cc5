--[[
Queue one message for a webhook, beside its streams.

KEYS: 1 webhooks' base
ARGV: 1 webhook, 2 now (ms), 3 message id, 4 type, 5 body
Returns: its row (JSON).
]]
--- @include "delivery"
return new_delivery(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
