--[[
Mark attempts as sent, just before their originates: what is marked may have been dialled.

Guarantees: true only while the campaign is active, the caller leads and claimed the attempt itself,
its lease runs, nothing was marked before and nobody withdrew the contact or made it inactive. Counts
the attempt; the first one begins the abandon ledger.
KEYS: 1 campaign's base
ARGV: 1 now (ms), 2 lease until (ms), 3 epoch, 4 keep the caller id for redials (1 or 0), then per
  attempt: id, caller id, trunk, node
Returns: 1 or 0 per attempt; -1 fenced.
]]
--- @include "contact"
--- @include "ledger"
local now, lease_until, epoch = ARGV[1], ARGV[2], tonumber(ARGV[3])
local campaign = redis.call('HMGET', base .. 'campaign', 'status', 'epoch')
if epoch < tonumber(campaign[2] or 0) then return -1 end

local function mark(attempt, caller_id, trunk, node)
  local key = base .. 'a:' .. attempt
  local a = redis.call('HMGET', key, 'st', 'ep', 'c')
  if a[1] ~= 'claimed' or tonumber(a[2]) ~= epoch or campaign[1] ~= 'active' then return 0 end
  local lease = redis.call('ZSCORE', base .. 'leases', attempt)
  if not lease or tonumber(lease) < tonumber(now) then return 0 end
  local off = redis.call('HMGET', contact_key(a[3]), 'wd', 'ia')
  if off[1] or off[2] then return 0 end
  redis.call('HSET', key, 'st', 'sent', 'sa', now, 'ci', caller_id, 'tr', trunk, 'nd', node)
  redis.call('ZADD', base .. 'leases', lease_until, attempt)
  redis.call('HINCRBY', contact_key(a[3]), 'ns', 1)
  if ARGV[4] == '1' then redis.call('HSET', contact_key(a[3]), 'ci', caller_id) end
  count('attempts', 1)
  begin_ledger(now)
  return 1
end

local marked = {}
for i = 5, #ARGV, 4 do
  marked[#marked + 1] = mark(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return marked
