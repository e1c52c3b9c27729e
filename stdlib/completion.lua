--- What may follow in a Lua text that is being typed.
--
-- It runs while somebody types: it never waits, calls nothing of the script's and raises nothing.
-- @module completion
local completion_hint = require "completion_hint"
local completion_infer = require "completion_infer"
local completion_phrase = require "completion_phrase"
local completion_slots = require "completion_slots"
local completion_types = require "completion_types"
local lexer = require "lexer"
local live_names = require "live_names"
local lua_manual = require "lua_manual"
local model = require "core.model"
local reference = require "reference"
local session = require "core.session"

local completion = {}

local MOST_BYTES = 16384 -- of the text in front of the cursor that are looked at
local MOST_BEHIND = 2048 -- behind it
local MOST_CANDIDATES = 200 -- that are given; `total` counts all

-- ---- texts in quotes ----

local ESCAPES = {["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\"}

-- A text as it stands between these quotes.
local function escape(text, quote)
  return (text:gsub("[%c\\" .. quote .. "]", function(char)
    return ESCAPES[char] or char == quote and "\\" .. char or ("\\%03d"):format(char:byte())
  end))
end

local function unescape(text)
  return (text:gsub("\\(.)", {n = "\n", r = "\r", t = "\t", ["\\"] = "\\", ['"'] = '"',
                              ["'"] = "'"}))
end

-- How strings are written where the cursor is: `write(text)`.
local function writer(phrase, text, cursor)
  local opener = phrase.opener
  if not opener then
    return function(value) return '"' .. escape(value, '"') .. '"' end
  end
  local closer = opener:gsub("%[", "]")
  local is_closed = text:sub(cursor + 1, cursor + #closer) == closer
  return function(value)
    local inner = #opener == 1 and escape(value, opener) or value
    return inner .. (is_closed and "" or closer)
  end
end

-- ---- collecting ----

-- What was found: `items` (`match`, which the typed word is compared with, `text`, `help`), and
-- `live`: sorted names with `text(name)` and `help`.
local function new_found()
  return {items = {}, has = {}, live = nil}
end

local function add(found, match, help, text)
  text = text or match
  if not found.has[text] then
    found.has[text] = true
    found.items[#found.items + 1] = {match = match, text = text, help = help}
  end
end

local function sort(found)
  table.sort(found.items, function(a, b) return a.match < b.match end)
  return found
end

-- ---- choosing ----

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

local function result(found, typed, from, cursor, word)
  local candidates, total, common = {}, 0, nil
  for way = 1, #WAYS do
    if total == 0 then
      candidates, total, common = choose(found, word or typed, way)
    end
  end
  if not common or total > 1 and not goes_on(common, typed) then
    common = typed
  end
  return {from = from, to = cursor + 1, candidates = candidates, total = total, common = common,
          is_missing = found.is_missing}
end

-- ---- names ----

local function add_globals(found, phrase, env)
  for name in pairs(phrase.defined) do
    add(found, name, "of this text")
  end
  completion_types.each_member({is = "value", value = env}, ".", function(name, help)
    add(found, name, help)
  end)
  for _, name in ipairs(reference.module_names()) do
    add(found, name, "a module")
  end
  for name, value in next, _G do
    if type(name) == "string" then
      local entry = lua_manual.find(value)
      add(found, name, entry and entry.arguments .. "  " .. entry.help or "of Lua")
    end
  end
  if phrase.word ~= "" then
    for _, word in ipairs(lexer.KEYWORDS) do
      add(found, word, "a keyword")
    end
  end
  return sort(found)
end

local function add_members(found, phrase, env, separator)
  local own = completion_infer.of_chain(phrase, env, #phrase.tokens - 1)
  if own then
    completion_types.each_member(own, separator, function(name, help)
      add(found, name, help)
    end)
  end
  return sort(found)
end

-- Modules that `require` finds.
local function add_module_names(found, write)
  for _, name in ipairs(reference.module_names()) do
    add(found, name, reference.module(name).help, write(name))
  end
  return found
end

-- The commands that begin with a backslash, by their names.
local function commands()
  local found = {}
  for name, command in next, require "prompt_commands" do
    found[name] = type(command) == "table" and command.usage and command or nil
  end
  return found
end

-- What `help` knows by name.
local function add_help_names(found, write)
  for _, kind in ipairs(reference.kinds()) do
    add(found, kind.name, kind.help, write(kind.name))
  end
  for name in pairs(commands()) do
    add(found, "\\" .. name, "a command", write("\\" .. name))
  end
  return add_module_names(found, write)
end

-- ---- arguments, options and values ----

-- Variables that hold a resource of the kind.
local function add_variables(found, kind, env)
  for name, value in next, env do
    local own = type(name) == "string" and type(value) == "userdata"
      and completion_types.of_value(value)
    if own and own.is == "resource" and own.kind == kind then
      add(found, name, "the " .. kind.name)
    end
  end
end

local function add_live(found, slot, write)
  local names, is_old = live_names.get(slot.names)
  found.is_missing = is_old and slot.names or nil
  found.live = names and {names = names, help = slot.refers and slot.refers.name,
    text = function(name)
      return write(slot.takes_id and model.format_id(slot.refers.name, slot.home, name) or name)
    end}
end

-- The values that a slot takes; false when nothing is known of them.
local function add_values(found, slot, phrase, env, write)
  for _, choice in ipairs(slot.choices or {}) do
    add(found, choice, choice == slot.default and "the default" or nil, write(choice))
  end
  if phrase.opener == nil and slot.is_boolean then
    local default = slot.default == "true" and "true" or "false"
    add(found, default, "the default")
    add(found, default == "true" and "false" or "true")
  end
  if phrase.opener == nil and slot.refers then
    add_variables(found, slot.refers, env)
  end
  if slot.names then
    add_live(found, slot, write)
  end
  return slot.choices or slot.is_boolean or slot.names or #found.items > 0
end

local function add_options(found, slot, phrase, text, cursor)
  local given = completion_phrase.keys_behind(text, cursor, MOST_BEHIND)
  local ending = text:find("^%s*=[^=]", cursor + 1) and "" or " = "
  for _, option in ipairs(slot.slots) do
    if not given[option.name] and not phrase.frame.keys[option.name] then
      local help = option.type and option.type .. ": " .. (option.help or "") or option.help
      add(found, option.name, help, option.name .. ending)
    end
  end
end

-- The call around the cursor, with the type of what is called.
local function find_call(phrase, env)
  local call = completion_phrase.string_call(phrase)
    or completion_phrase.call(phrase, phrase.frame)
  if call then
    call.own = completion_infer.of_chain(phrase, env, call.last)
    call.name = call.first == call.last and phrase.tokens[call.first].text or nil
  end
  return call
end

-- Whether the item of the innermost bracket begins at the cursor.
local function is_at_start(phrase)
  return phrase.frame.first == #phrase.tokens + 1
end

local function add_of_call(found, call, phrase, env, text, cursor, write)
  local slot, is_element = completion_slots.at(call.own, call.argument, call.path)
  local frame, tokens = phrase.frame, phrase.tokens
  local is_string_call = phrase.opener and not is_at_start(phrase)
    and not (frame.key and frame.first == #tokens - 1)
  if not slot then
    return false
  elseif is_string_call and #call.path == 0 and call.last == #tokens then
    return add_values(found, slot, phrase, env, write)
  elseif frame.what == "{" and frame.key and frame.first == #tokens - 1 then
    local inner = completion_slots.named(slot.slots, frame.key)
    return inner and not inner.is_list and add_values(found, inner, phrase, env, write)
  elseif not is_at_start(phrase) then
    return false
  elseif frame.what == "(" or is_element then
    return add_values(found, slot, phrase, env, write)
  elseif slot.slots and not phrase.opener then
    add_options(found, slot, phrase, text, cursor)
    return true
  end
  return false
end

-- ---- what it is that is typed ----

-- Functions whose argument is a name of something else than a resource.
local OF_NAMES = {require = add_module_names, help = add_help_names}

local function complete_lua(text, cursor, env)
  local phrase = completion_phrase.read(text, cursor, MOST_BYTES)
  local found = new_found()
  if not phrase or phrase.is_number then
    return result(found, "", cursor + 1, cursor)
  end
  local last, write = phrase.tokens[#phrase.tokens], writer(phrase, text, cursor)
  local separator = not phrase.opener and last and last.kind == "symbol"
    and last.text:match "^[.:]$"
  local call = not separator and find_call(phrase, env)
  local is_known = false
  if separator then
    add_members(found, phrase, env, separator)
  elseif call and phrase.opener and OF_NAMES[call.name] then
    sort(OF_NAMES[call.name](found, write))
  elseif call and call.own and call.own.is == "function" then
    is_known = add_of_call(found, call, phrase, env, text, cursor, write)
  end
  if not separator and not phrase.opener and not (is_known and phrase.word == "") then
    local own = result(found, phrase.word, phrase.from, cursor)
    if own.total > 0 and is_known then
      return own
    end
    add_globals(found, phrase, env)
  end
  local word = phrase.opener and #phrase.opener == 1 and unescape(phrase.word) or nil
  return result(found, phrase.word, phrase.from, cursor, word)
end

-- ---- lines with a backslash ----

-- The names of the profiles; none when the files that tell them cannot be read, which the
-- command says itself.
local function profiles()
  local is_fine, names = pcall(session.profiles)
  return is_fine and names or {}
end

-- What the arguments of commands are, by what their usage calls them.
local function add_command_arguments(found, usage)
  if usage:find "PROFILE" then
    for _, name in ipairs(profiles()) do
      add(found, name, "a profile")
    end
  end
  for first, second in usage:gmatch "(%l+)|(%l+)" do
    add(found, first)
    add(found, second)
  end
end

local function complete_command(text, cursor, env)
  local head = text:sub(1, cursor)
  local typed, from = head:match "^%s*\\([%w_?!-]*)$", nil
  local found = new_found()
  if typed then
    from = cursor - #typed
    for name, command in pairs(commands()) do
      add(found, "\\" .. name, command.help)
    end
    return result(sort(found), "\\" .. typed, from, cursor)
  end
  local name, start = head:match "^%s*\\([%w_?!-]+)%s+()"
  local command = name and commands()[name]
  if command and command.usage:find "EXPR" then
    local inner = complete_lua(text:sub(start), cursor - start + 1, env)
    inner.from, inner.to = inner.from + start - 1, inner.to + start - 1
    return inner
  elseif command then
    add_command_arguments(found, command.usage)
  end
  typed = head:match "%S*$"
  return result(found, typed, cursor - #typed + 1, cursor)
end

--- What may stand at the cursor.
-- @tparam string text what is typed, one or several lines
-- @tparam integer cursor how many bytes stand in front of it
-- @tparam table env the globals of the text
-- @treturn table `from` and `to`: the bytes from `from` up to but not including `to` are replaced
--   by a candidate; `candidates`, at most 200, each with `text`, `label` (what it is called) and
--   perhaps `help`; `total`, how many there are; `common`, what may replace the same bytes when
--   there are several; `is_missing`, the key of names to be read with `live_names.refresh`, or nil
function completion.at(text, cursor, env)
  if text:find "^%s*\\" then
    return complete_command(text, cursor, env)
  end
  return complete_lua(text, cursor, env)
end

--- What is to be said of the place of the cursor: the arguments of a call with the current one in
-- `<>`, or what a property is.
-- @tparam string text
-- @tparam integer cursor
-- @tparam table env
-- @treturn ?string one line, nil when there is nothing to say
function completion.hint(text, cursor, env)
  if not text:find "^%s*\\" then
    return completion_hint.text(text, cursor, env)
  end
end

return completion
