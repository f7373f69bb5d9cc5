-- Snippet: the abandon ledger's counters, moved in the step that writes the record they follow from.
-- Hash `ledger`: first (ms, the first call of all) and `t:<count>`, `b:<block>:<count>`; hashes
-- `ledger:h` and `ledger:m`: `<bucket>:<count>` by hours and minutes since 1970.
-- Counts: p people, a abandoned, c connected, m machines, s machines that agents met.
local LEDGER = {'p', 'a', 'c', 'm', 's'}
local HOUR, BLOCK_HOURS = 3600000, 720

local function begin_ledger(at)
  redis.call('HSETNX', base .. 'ledger', 'first', at)
end

-- moved: '' or `<answered at, ms>|<by how much each count moves>`, separated by bars.
local function move_ledger(moved, sign)
  local at, deltas = moved:match('^(%d+)|(.+)$')
  if not at then return end
  local hour, minute = math.floor(at / HOUR), math.floor(at / 60000)
  local first = tonumber(redis.call('HGET', base .. 'ledger', 'first') or at)
  local block = math.max(0, math.floor((hour - math.floor(first / HOUR)) / BLOCK_HOURS))
  local i = 0
  for delta in deltas:gmatch('-?%d+') do
    i = i + 1
    local by = tonumber(delta) * sign
    if by ~= 0 then
      redis.call('HINCRBY', base .. 'ledger', 't:' .. LEDGER[i], by)
      redis.call('HINCRBY', base .. 'ledger', 'b:' .. block .. ':' .. LEDGER[i], by)
      redis.call('HINCRBY', base .. 'ledger:h', hour .. ':' .. LEDGER[i], by)
      redis.call('HINCRBY', base .. 'ledger:m', minute .. ':' .. LEDGER[i], by)
    end
  end
end
