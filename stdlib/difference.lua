--- How two values differ, in words: for test.equal.
-- @module difference
local difference = {}

local MOST = 10     -- differences that are told; the rest is counted
local WIDTH = 60    -- of a text that is shown whole
local BEFORE = 20   -- bytes of a long text that are shown before it differs
local MOST_LINES = 8 -- of a text of many lines, on each side

-- A text on one line, as Lua would read it.
local function quote(text)
  return (("%q"):format(text):gsub("\\\n", "\\n"):gsub("\r", "\\r"):gsub("\t", "\\t")
            :gsub("\\9", "\\t"):gsub("\\13", "\\r"))
end

local show

local function is_name(key)
  return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil
end

-- The keys of a table in an order: numbers first, then the rest by how they are shown.
local function sorted_keys(...)
  local keys, seen = {}, {}
  for i = 1, select("#", ...) do
    for key in pairs((select(i, ...))) do
      if not seen[key] then
        seen[key] = true
        keys[#keys + 1] = key
      end
    end
  end
  table.sort(keys, function(a, b)
    if type(a) == "number" and type(b) == "number" then
      return a < b
    elseif type(a) ~= type(b) then
      return type(a) == "number" or (type(b) ~= "number" and type(a) < type(b))
    end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function show_table(value, inside)
  if inside[value] then
    return "{...}"
  end
  inside[value] = true
  local parts, length, next_index = {}, 0, 1
  for _, key in ipairs(sorted_keys(value)) do
    local text = show(value[key], inside)
    if key == next_index then
      next_index = next_index + 1
    else
      text = (is_name(key) and key or "[" .. show(key, inside) .. "]") .. " = " .. text
    end
    parts[#parts + 1] = text
    length = length + #text + 2
    if length > WIDTH * 2 then
      parts[#parts + 1] = "..."
      break
    end
  end
  inside[value] = nil
  return "{" .. table.concat(parts, ", ") .. "}"
end

function show(value, inside)
  if type(value) == "string" then
    return quote(#value > WIDTH and value:sub(1, WIDTH) .. "..." or value)
  elseif type(value) == "table" then
    return show_table(value, inside or {})
  end
  return tostring(value)
end

--- A value on one line, cut where it gets long.
difference.show = show

-- Where two texts differ first; they do.
local function first_difference(a, b)
  local i = 1
  while a:byte(i) == b:byte(i) do
    i = i + 1
  end
  return i
end

-- A long text around a byte.
local function cut(text, at)
  local from = math.max(1, at - BEFORE)
  local to = from + WIDTH - 1
  return (from > 1 and "..." or "") .. quote(text:sub(from, to))
    .. (to < #text and "..." or "")
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = line
  end
  return lines
end

-- The lines in which two texts differ: those that both begin and end with are left out.
local function compare_lines(have, want)
  local a, b = lines_of(have), lines_of(want)
  local first, last_a, last_b = 1, #a, #b
  while first <= last_a and first <= last_b and a[first] == b[first] do
    first = first + 1
  end
  while last_a >= first and last_b >= first and a[last_a] == b[last_b] do
    last_a, last_b = last_a - 1, last_b - 1
  end
  local found = {("from line %d on"):format(first)}
  for _, side in ipairs {{"have", a, last_a}, {"want", b, last_b}} do
    for i = first, math.min(side[3], first + MOST_LINES - 1) do
      found[#found + 1] = ("%s %s"):format(side[1], quote(side[2][i]))
    end
    if side[3] >= first + MOST_LINES then
      found[#found + 1] = ("%s %d more lines"):format(side[1], side[3] - first - MOST_LINES + 1)
    elseif side[3] < first then
      found[#found + 1] = side[1] .. " no line here"
    end
  end
  return found
end

-- The lines that tell of one difference.
local function compare(have, want)
  if type(have) == "string" and type(want) == "string" then
    if have:find "\n" and want:find "\n" then
      return compare_lines(have, want)
    elseif #have > WIDTH or #want > WIDTH then
      local at = first_difference(have, want)
      return {("from byte %d on"):format(at), "have " .. cut(have, at), "want " .. cut(want, at)}
    end
  end
  local a, b = show(have), show(want)
  if a == b and type(have) ~= "table" then -- two values that look alike
    a, b = a .. " (" .. type(have) .. ")", b .. " (" .. type(want) .. ")"
  end
  return {"have " .. a, "want " .. b}
end

local function is_nan(value)
  return value ~= value
end

-- Calls tell(path, have, want) for each place in which two values differ.
local function walk(have, want, path, inside, tell)
  if rawequal(have, want) or (is_nan(have) and is_nan(want)) then
    return
  end
  if type(have) ~= "table" or type(want) ~= "table" then
    if have ~= want then
      tell(path, have, want)
    end
    return
  end
  if inside[have] == want then
    return -- a circle; it is being compared already
  end
  local outer = inside[have]
  inside[have] = want
  for _, key in ipairs(sorted_keys(have, want)) do
    walk(have[key], want[key],
         path .. (is_name(key) and "." .. key or "[" .. show(key) .. "]"), inside, tell)
  end
  inside[have] = outer
end

--- Whether two values are the same; tables are compared by what they hold.
-- @treturn boolean
function difference.is_same(have, want)
  local same = true
  walk(have, want, "", {}, function()
    same = false
  end)
  return same
end

--- Lines that tell in which places two values differ, or nil when they do not.
-- @treturn string
function difference.describe(have, want)
  local found, width = {}, 0
  local count = 0
  walk(have, want, "", {}, function(path, a, b)
    count = count + 1
    if count <= MOST then
      found[#found + 1] = {path = path, lines = compare(a, b)}
      width = math.max(width, #path)
    end
  end)
  if count == 0 then
    return nil
  end
  local lines = {}
  for _, place in ipairs(found) do
    for i, line in ipairs(place.lines) do
      local path = i == 1 and place.path or ""
      lines[#lines + 1] = width == 0 and line or path .. (" "):rep(width - #path + 2) .. line
    end
  end
  if count > MOST then
    lines[#lines + 1] = ("and %d more differences"):format(count - MOST)
  end
  return table.concat(lines, "\n")
end

return difference
