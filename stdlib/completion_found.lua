--- What completion found, and the choice of what fits what is typed.
-- @module completion_found
local live_names = require "live_names"

local completion_found = {}
completion_found.__index = completion_found

local MOST_CANDIDATES = 200 -- that are given; `total` counts all

--- An empty collection.
-- Besides what is added, `live` may be sorted names, as a table of `names`, `text(name)` and
-- `help`; `is_missing` the key of names that should be read.
-- @treturn table with the methods below
function completion_found.new()
  return setmetatable({items = {}, has = {}}, completion_found)
end

--- Add something, once.
-- @tparam string match what the typed word is compared with
-- @tparam[opt] string help
-- @tparam[opt=match] string text what is put into the line
function completion_found:add(match, help, text)
  text = text or match
  if not self.has[text] then
    self.has[text] = true
    self.items[#self.items + 1] = {match = match, text = text, help = help}
  end
end

--- Sort what was added so far.
function completion_found:sort()
  table.sort(self.items, function(a, b) return a.match < b.match end)
end

local WAYS = {
  function(match, word) return match:sub(1, #word) == word end,
  function(match, word) return match:sub(1, #word):lower() == word:lower() end,
  function(match, word) return match:lower():find(word:lower(), 1, true) ~= nil end,
}

local function matching_items(found, word, is_match)
  local chosen = {}
  for _, item in ipairs(found.items) do
    local is_hidden = item.match:find "^_" and word:sub(1, 1) ~= "_"
    if not is_hidden and is_match(item.match, word) then
      chosen[#chosen + 1] = item
    end
  end
  return chosen
end

-- The names that match, as a list with a first and a last: the sorted list itself when it is by
-- prefix.
local function matching_names(live, word, way)
  if not live then
    return {}, 1, 0
  elseif way == 1 then
    return live.names, live_names.range(live.names, word)
  end
  local chosen = {}
  for _, name in ipairs(live.names) do
    chosen[#chosen + 1] = WAYS[way](name, word) and name or nil
  end
  return chosen, 1, #chosen
end

-- What two texts begin with both, without half a character or half an escape.
local function common_start(a, b)
  local length = 0
  while length < #a and length < #b and a:byte(length + 1) == b:byte(length + 1) do
    length = length + 1
  end
  if length == #a and length == #b then
    return a
  end
  local start = a:sub(1, length)
  while length > 0 and (a:byte(length + 1) or 0) & 0xC0 == 0x80 do
    length = length - 1
    start = a:sub(1, length)
  end
  return #start:match "\\*$" % 2 == 1 and start:sub(1, -2) or start
end

local function choose(found, word, way)
  local items = matching_items(found, word, WAYS[way])
  local names, first, last = matching_names(found.live, word, way)
  local candidates, common = {}, nil
  for _, item in ipairs(items) do
    common = common and common_start(common, item.text) or item.text
    if #candidates < MOST_CANDIDATES then
      candidates[#candidates + 1] = {text = item.text, label = item.match, help = item.help}
    end
  end
  if first <= last then -- they are sorted: what the first and the last have in common all have
    local both = common_start(found.live.text(names[first]), found.live.text(names[last]))
    common = common and common_start(common, both) or both
  end
  for i = first, math.min(last, first + MOST_CANDIDATES - #candidates - 1) do
    candidates[#candidates + 1] = {text = found.live.text(names[i]), label = names[i],
                                   help = found.live.help}
  end
  return candidates, #items + math.max(last - first + 1, 0), common
end

-- Whether a text has all that was typed, at most with a quote in front.
local function goes_on(text, typed)
  local inner = text:match "^[\"']?(.*)$"
  return text:sub(1, #typed):lower() == typed:lower()
    or inner:sub(1, #typed):lower() == typed:lower()
end

--- The answer of `completion.at`: by prefix, else by prefix in any case, else anywhere in any case.
-- @tparam string typed what is typed of it in the text
-- @tparam integer from the byte where that begins
-- @tparam integer cursor
-- @tparam[opt=typed] string word what it means
-- @treturn table
function completion_found:result(typed, from, cursor, word)
  local candidates, total, common = {}, 0, nil
  for way = 1, #WAYS do
    if total == 0 then
      candidates, total, common = choose(self, word or typed, way)
    end
  end
  if not common or total > 1 and not goes_on(common, typed) then
    common = typed
  end
  return {from = from, to = cursor + 1, candidates = candidates, total = total, common = common,
          is_missing = self.is_missing}
end

return completion_found
