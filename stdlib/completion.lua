--- What may follow in a Lua text that is being typed.
--
-- It runs while somebody types: it never waits, calls nothing of the script's and raises nothing.
-- @module completion
local completion_command = require "completion_command"
local completion_found = require "completion_found"
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

local completion = {}

local MOST_BYTES = 16384 -- of the text in front of the cursor that are looked at
local MOST_BEHIND = 2048 -- behind it

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

-- ---- names ----

-- A place: `text`, `cursor`, `env`, `phrase`, `found`, and `write(text)`, which gives a string as
-- it is written there.

local function add_globals(place)
  local found = place.found
  for name in pairs(place.phrase.defined) do
    found:add(name, "of this text")
  end
  completion_types.each_member({is = "value", value = place.env}, ".", function(name, help)
    found:add(name, help)
  end)
  for _, name in ipairs(reference.module_names()) do
    found:add(name, "a module")
  end
  for name, value in next, _G do
    if type(name) == "string" then
      local entry = lua_manual.find(value)
      found:add(name, entry and entry.arguments .. "  " .. entry.help or "of Lua")
    end
  end
  for _, word in ipairs(place.phrase.word ~= "" and lexer.KEYWORDS or {}) do
    found:add(word, "a keyword")
  end
  found:sort()
end

local function add_members(place, separator)
  local phrase, found = place.phrase, place.found
  local own = completion_infer.of_chain(phrase, place.env, #phrase.tokens - 1)
  if own then
    completion_types.each_member(own, separator, function(name, help)
      found:add(name, help)
    end)
    found:sort()
  end
end

-- Modules that `require` finds.
local function add_module_names(place)
  for _, name in ipairs(reference.module_names()) do
    place.found:add(name, reference.module(name).help, place.write(name))
  end
end

-- What `help` knows by name.
local function add_help_names(place)
  for _, kind in ipairs(reference.kinds()) do
    place.found:add(kind.name, kind.help, place.write(kind.name))
  end
  for name, command in pairs(completion_command.all()) do
    place.found:add("\\" .. name, command.help, place.write("\\" .. name))
  end
  add_module_names(place)
end

-- ---- arguments, options and values ----

-- Variables that hold a resource of the kind.
local function add_variables(place, kind)
  local names = {}
  for name, value in next, place.env do
    local own = type(name) == "string" and type(value) == "userdata"
      and completion_types.of_value(value)
    names[#names + 1] = own and own.is == "resource" and own.kind == kind and name or nil
  end
  table.sort(names)
  for _, name in ipairs(names) do
    place.found:add(name, "the " .. kind.name)
  end
end

local function add_live(place, slot)
  local names, is_old = live_names.get(slot.names)
  local kind = slot.refers
  place.found.is_missing = is_old and slot.names or nil
  place.found.live = names and {names = names, help = kind and kind.name, text = function(name)
    return place.write(slot.takes_id and model.format_id(kind.name, slot.home, name) or name)
  end}
end

local function add_boolean(place, default)
  place.found:add(default == "true" and "true" or "false", "the default")
  place.found:add(default == "true" and "false" or "true")
end

-- The values that a slot takes; false when nothing is known of them.
local function add_values(place, slot)
  local is_bare = place.phrase.opener == nil
  for _, choice in ipairs(slot.choices or {}) do
    place.found:add(choice, choice == slot.default and "the default" or nil, place.write(choice))
  end
  if is_bare and slot.is_boolean then
    add_boolean(place, slot.default)
  end
  if is_bare and slot.refers then
    add_variables(place, slot.refers)
  end
  if slot.names then
    add_live(place, slot)
  end
  return (slot.choices or slot.is_boolean or slot.names or #place.found.items > 0) and true or false
end

local function add_options(place, slot)
  local given = completion_phrase.keys_behind(place.text, place.cursor, MOST_BEHIND)
  local ending = place.text:find("^%s*=%f[^=]", place.cursor + 1) and "" or " = "
  for _, option in ipairs(slot.slots) do
    if not given[option.name] and not place.phrase.frame.keys[option.name] then
      local help = option.type and option.type .. ": " .. (option.help or "") or option.help
      place.found:add(option.name, help, option.name .. ending)
    end
  end
end

-- Whether the item of the innermost bracket begins at the cursor.
local function is_at_start(phrase)
  return phrase.frame.first == #phrase.tokens + 1
end

-- Whether the cursor is just behind `name =` in a table.
local function is_behind_key(phrase)
  local frame = phrase.frame
  return frame.what == "{" and frame.key and frame.first == #phrase.tokens - 1
end

-- What a function takes at the cursor; false when nothing is known of it.
local function add_taken(place, own, call)
  local slot, is_element = completion_slots.at(own, call.argument, call.path)
  local phrase = place.phrase
  if not slot then
    return false
  elseif call.last == #phrase.tokens then -- f "...
    return add_values(place, slot)
  elseif is_behind_key(phrase) then
    local inner = completion_slots.named(slot.slots, phrase.frame.key)
    return inner ~= nil and not inner.is_list and add_values(place, inner)
  elseif not is_at_start(phrase) then
    return false
  elseif phrase.frame.what == "(" or is_element then
    return add_values(place, slot)
  elseif slot.slots and not phrase.opener then
    add_options(place, slot)
    return true
  end
  return false
end

-- Functions whose argument is a name of something else than a resource.
local NAMES = {require = add_module_names, help = add_help_names}

-- What the call around the cursor takes; false when there is none, or nothing is known of it.
local function add_of_call(place)
  local phrase = place.phrase
  local call = completion_phrase.string_call(phrase)
    or completion_phrase.call(phrase, phrase.frame)
  local name = call and call.first == call.last and phrase.tokens[call.first].text
  if phrase.opener and NAMES[name] then
    NAMES[name](place)
    place.found:sort()
    return true
  end
  local own = call and completion_infer.of_chain(phrase, place.env, call.last)
  return own ~= nil and own.is == "function" and add_taken(place, own, call)
end

-- ---- what it is that is typed ----

local function result_of(place)
  local phrase = place.phrase
  local word = phrase.opener and #phrase.opener == 1 and unescape(phrase.word) or nil
  return place.found:result(phrase.word, phrase.from, place.cursor, word)
end

-- The `.` or `:` that the word follows, or nil.
local function separator_of(phrase)
  local last = phrase.tokens[#phrase.tokens]
  return not phrase.opener and last and last.kind == "symbol" and last.text:match "^[.:]$" or nil
end

local function complete_lua(text, cursor, env)
  local phrase = completion_phrase.read(text, cursor, MOST_BYTES)
  local place = {text = text, cursor = cursor, env = env, phrase = phrase,
                 found = completion_found.new()}
  if not phrase or phrase.is_number then
    return place.found:result("", cursor + 1, cursor)
  end
  place.write = writer(phrase, text, cursor)
  local separator = separator_of(phrase)
  if separator then
    add_members(place, separator)
    return result_of(place)
  end
  if add_of_call(place) then
    local result = result_of(place)
    if result.total > 0 or phrase.word == "" then
      return result
    end
  end
  if not phrase.opener then
    add_globals(place)
  end
  return result_of(place)
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
  local backslash = text:match "^%s*()\\"
  if backslash and backslash <= cursor then
    return completion_command.at(text, cursor, function(inner, inner_cursor)
      return complete_lua(inner, inner_cursor, env)
    end)
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
  if text:find "^%s*\\" then
    return completion_command.hint(text, cursor)
  end
  return completion_hint.text(text, cursor, env)
end

return completion
