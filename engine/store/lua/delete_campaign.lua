--[[
Delete a draft: from here on nothing finds it; its contacts are removed after.

Guarantees: compare-and-set on the status draft.
KEYS: 1 campaign's base
Returns: contacts that are to be removed; -1 no such campaign, -2 not a draft.
]]
local base = KEYS[1]
local status = redis.call('HGET', base .. 'campaign', 'status')
if not status then return -1 end
if status ~= 'draft' then return -2 end
local contacts = tonumber(redis.call('HGET', base .. 'counts', 'contacts') or 0)
redis.call('DEL', base .. 'campaign')
return contacts
