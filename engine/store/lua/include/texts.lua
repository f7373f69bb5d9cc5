-- Snippet: a contact's texts, as `engine/store/contact_texts.py` tells: lines `<name><JSON>` in the
-- fields t, t1, t2, …, those of who it is first, then an empty line, then the others.
local TEXT_BYTES = 64

local function text_field(n)
  return n == 0 and 't' or 't' .. n
end

-- The text and how many fields it has; with `is_enough` only as many as it asks for. A field that
-- is followed by another is at most 3 bytes short of being full.
local function read_texts(key, first, is_enough)
  local text, n, part = '', 0, first or redis.call('HGET', key, 't')
  while part do
    text, n = text .. part, n + 1
    if #part < TEXT_BYTES - 3 or (is_enough and is_enough(text)) then break end
    part = redis.call('HGET', key, text_field(n))
  end
  return text, n
end

local function end_of(text, from)
  local to = math.min(from + TEXT_BYTES - 1, #text)
  while to < #text and text:byte(to + 1) >= 128 and text:byte(to + 1) < 192 do to = to - 1 end
  return to
end

-- The line of this name, '' without one.
local function text_line(key, name)
  for each in read_texts(key):gmatch('[^\n]+') do
    if each:match('^%a+') == name then return each end
  end
  return ''
end

local function write_texts(key, text, n_before)
  local n, from = 0, 1
  while from <= #text do
    local to = end_of(text, from)
    redis.call('HSET', key, text_field(n), text:sub(from, to))
    n, from = n + 1, to + 1
  end
  for i = n, n_before - 1 do redis.call('HDEL', key, text_field(i)) end
end

local function with_line(part, name, line)
  local lines = line ~= '' and {line} or {}
  for each in part:gmatch('[^\n]+') do
    if each:match('^%a+') ~= name then lines[#lines + 1] = each end
  end
  return table.concat(lines, '\n')
end

-- `lines`: {name, line or '', …}; the name is of who it is, everything else of the rest.
local function replace_texts(key, lines)
  local text, n = read_texts(key)
  local last = text:find('\n\n', 1, true)
  local head, rest = text:sub(1, last and last - 1 or #text), last and text:sub(last + 2) or ''
  for i = 1, #lines, 2 do
    if lines[i] == 'nm' then
      head = with_line(head, lines[i], lines[i + 1])
    else
      rest = with_line(rest, lines[i], lines[i + 1])
    end
  end
  write_texts(key, head .. (rest ~= '' and '\n\n' .. rest or ''), n)
end
