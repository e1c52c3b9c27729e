--- What to say of a name in a line that is not there: the one that was meant, or those there are.
--
-- The types of the line are told as for completion: nothing of it is run again.
-- @module prompt_advice
local completion_infer = require "completion_infer"
local completion_phrase = require "completion_phrase"
local completion_types = require "completion_types"
local doc_text = require "doc_text"
local lexer = require "lexer"
local library = require "library"

local prompt_advice = {}

local MOST_BYTES = 10000 -- of a line that are looked at
local MOST_NAMES = 12 -- that are listed when none is near

local function sorted(set)
  local names = {}
  for name in next, set do
    names[#names + 1] = type(name) == "string" and name or nil
  end
  table.sort(names)
  return names
end

-- ---- what could have been written ----

local function globals(env)
  local set = {}
  for _, holder in ipairs {env, _G} do
    for name in next, holder do
      set[name] = true
    end
  end
  for _, name in ipairs(library.names()) do
    set[name] = true
  end
  return sorted(set)
end

-- The members of what ends in front of a separator; nil where its type cannot be told.
local function members(text, separator, env)
  local phrase = completion_phrase.read(text, separator.to - 1, MOST_BYTES)
  local own = phrase and completion_infer.of_chain(phrase, env, #phrase.tokens - 1)
  if not own then
    return nil
  end
  local set = {}
  completion_types.each_member(own, ".", function(name) set[name] = true end)
  completion_types.each_member(own, ":", function(name) set[name] = true end)
  return sorted(set), own
end

-- Calls find(index of the token) for each place where a name stands, until it gives something.
local function at_each(tokens, name, find)
  for i, token in ipairs(tokens) do
    local found = token.kind == "name" and token.text == name and find(i)
    if found then
      return found
    end
  end
end

local function separator_of(tokens, i)
  local before = tokens[i - 1]
  return before and before.kind == "symbol" and before.text:find "^[.:]$" and before or nil
end

local function say(name, names)
  local near = doc_text.nearest_name(name, names)
  if near and near ~= name then
    return ("did you mean '%s'?"):format(near)
  elseif not near and #names > 0 and #names <= MOST_NAMES then
    return (#names > 1 and "there are " or "there is ") .. table.concat(names, ", ")
  end
end

local function say_none(name, what, names)
  local advice = say(name, names)
  return ("nil: there is no %s'%s'%s"):format(what, name, advice and "; " .. advice or "")
end

local function has(names, name)
  for _, known in ipairs(names) do
    if known == name then
      return true
    end
  end
  return false
end

local function advise(text, name, is_global, env)
  local tokens = lexer.tokens(text)
  return at_each(tokens, name, function(i)
    local separator = separator_of(tokens, i)
    if is_global then
      return not separator and say(name, globals(env)) or nil
    end
    local names = separator and members(text, separator, env)
    return names and not has(names, name) and say(name, names) or nil
  end)
end

-- ---- errors and nothing ----

--- An error's message, with advice where it is of a name that is not there.
-- @tparam string message what Lua says
-- @tparam string text the line
-- @tparam table env its globals
-- @treturn string
function prompt_advice.message(message, text, env)
  local what, name = message:match "attempt to %a+ a nil value %((%a+) '([%a_][%w_]*)'%)$"
  if not what or #text > MOST_BYTES then
    return message
  end
  local advice = advise(text, name, what == "global", env)
  return message .. (advice and "; " .. advice or "")
end

--- What to say when a line gave nil: that there is no such variable, or that what it reads last has
-- no such member.
-- @tparam string text the line
-- @tparam table env its globals
-- @treturn ?string nil when there is nothing to say
function prompt_advice.of_nil(text, env)
  local tokens = #text <= MOST_BYTES and lexer.tokens(text) or {}
  local last = tokens[#tokens]
  local separator = last and last.kind == "name" and separator_of(tokens, #tokens)
  if #tokens == 1 and last.kind == "name" then
    return say_none(last.text, "variable ", globals(env))
  elseif not separator then
    return nil
  end
  local names, own = members(text, separator, env)
  if not names or own.is == "value" or has(names, last.text) then
    return nil
  end
  return say_none(last.text, "", names)
end

return prompt_advice
