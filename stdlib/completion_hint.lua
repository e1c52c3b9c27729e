--- One line about what is being typed: the arguments of a call, or the property of a table.
--
-- It is asked for at each key, so it looks at what stands just in front of the cursor only.
-- @module completion_hint
local completion_infer = require "completion_infer"
local completion_phrase = require "completion_phrase"
local completion_slots = require "completion_slots"

local completion_hint = {}

local MOST_BYTES = 1024 -- of the text in front of the cursor that are looked at

local function one_line(text)
  return (text:gsub("%s+", " "):match "^ ?(.-) ?$")
end

-- (name, <fields>): the name of the function has been typed already.
local function signature(entry, argument)
  local count = 0
  return (entry.arguments:gsub("[%w_.]+", function(name)
    count = count + 1
    return (count == argument or name == "..." and count < argument) and "<" .. name .. ">" or nil
  end))
end

local function of_slot(slot)
  local facts = {}
  facts[1] = slot.type
  facts[#facts + 1] = slot.is_required and "required" or nil
  facts[#facts + 1] = slot.default and slot.default .. " if not given" or nil
  local text = table.concat(facts, ", ")
  local help = slot.help or ""
  return ("%s: %s%s%s"):format(slot.name, text, text ~= "" and help ~= "" and ". " or "", help)
end

-- The property or option whose name or value is being typed, if it is one.
local function named_slot(own, call, phrase)
  local slot = completion_slots.at(own, call.argument, call.path)
  local frame = phrase.frame
  if slot and frame.what == "{" then
    local is_name = frame.first == #phrase.tokens + 1 and not phrase.opener
    return completion_slots.named(slot.slots, frame.key or is_name and phrase.word or nil)
  end
end

local function of_call(own, call, phrase)
  local found = named_slot(own, call, phrase)
  if found then
    return of_slot(found)
  end
  local argument = completion_slots.arguments(own)[call.argument]
  local help = argument and argument.help ~= "" and argument.help or own.entry.help
  return signature(own.entry, call.argument) .. ": " .. help
end

--- What is to be said of the place of the cursor.
-- @tparam string text
-- @tparam integer cursor
-- @tparam table env the globals of the text
-- @treturn ?string one line, nil when there is nothing to say
function completion_hint.text(text, cursor, env)
  local phrase = completion_phrase.read(text, cursor, MOST_BYTES)
  local call = phrase and (completion_phrase.string_call(phrase)
                           or completion_phrase.call(phrase, phrase.frame))
  local own = call and completion_infer.of_chain(phrase, env, call.last)
  if own and own.is == "function" and own.entry then
    return one_line(of_call(own, call, phrase))
  end
end

return completion_hint
