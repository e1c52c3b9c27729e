--- What an expression in a text gives, told from its tokens: nothing of it is run.
-- @module completion_infer
local completion_phrase = require "completion_phrase"
local completion_types = require "completion_types"
local model = require "core.model"
local reference = require "reference"

local completion_infer = {}

local DEEPEST = 8 -- names that are given names, and brackets within brackets

-- The type of a global name.
local function global(name, env)
  local value = completion_types.raw(env, name)
  if value == nil then
    value = rawget(_G, name)
  end
  if value ~= nil then
    return completion_types.of_value(value)
  end
  return reference.module(name) and completion_types.module(name) or nil
end

local infer

-- The type of what the text itself calls so.
local function of_defined(state, defined)
  local phrase = state.phrase
  local found, behind = infer(state, defined.at)
  if defined.how == "=" then
    return defined.position == 1 and found or nil
  elseif found and found.is == "iterator" then
    return defined.position == 1 and found.of or nil
  end
  local token = phrase.tokens[defined.at] -- for i, x in ipairs(list)
  if token and token.text == "ipairs" and phrase.tokens[defined.at + 1]
    and phrase.tokens[defined.at + 1].text == "(" and behind then
    found = infer(state, defined.at + 2)
    return found and found.is == "list" and defined.position == 2 and found.of or nil
  end
end

local function of_name(state, name)
  local defined = state.phrase.defined[name]
  if defined and state.depth < DEEPEST then
    state.depth = state.depth + 1
    local found = of_defined(state, defined)
    state.depth = state.depth - 1
    return found
  end
  return global(name, state.env)
end

local function literal(token)
  return token and token.kind == "string" and not token.text:find "[\\[]"
    and token.text:match "^[\"'](.*)[\"']$" or nil
end

-- What a call gives; `argument` is the first, when it is a plain string.
local function called(own, argument)
  if not own or own.is ~= "function" or not own.gives then
    return nil
  elseif own.verb and own.gives.is == "resource" and own.home then
    local name = own.kind.only_name or argument
    local id = name and name:sub(1, 1) == "/" and name
      or name and model.format_id(own.kind.name, own.home, name)
    return {is = "resource", kind = own.kind, id = id}
  end
  return own.gives
end

local function primary(state, i)
  local token = state.phrase.tokens[i]
  if not token then
    return nil, i
  elseif token.kind == "name" then
    return of_name(state, token.text), i + 1
  elseif token.kind == "string" then
    return {is = "text"}, i + 1
  elseif token.text == "(" and state.phrase.matches[i] then
    local close, found, behind = state.phrase.matches[i], nil, nil
    if state.depth < DEEPEST then
      state.depth = state.depth + 1
      found, behind = infer(state, i + 1)
      state.depth = state.depth - 1
    end
    return behind == close and found or nil, close + 1
  end
  return nil, i
end

-- One step from a type on: a member, a call or an index; nothing when the chain ends here.
local function step(state, own, i)
  local tokens, matches = state.phrase.tokens, state.phrase.matches
  local token, following = tokens[i], tokens[i + 1]
  if token.kind == "string" then
    return called(own, literal(token)), i + 1
  elseif token.kind ~= "symbol" then
    return nil
  elseif (token.text == "." or token.text == ":") and following and following.kind == "name" then
    return own and completion_types.member(own, following.text, token.text), i + 2
  elseif (token.text == "(" or token.text == "{") and matches[i] then
    local is_whole = tokens[i + 2] and tokens[i + 2].text:find "^[,)]$"
    return called(own, token.text == "(" and is_whole and literal(following) or nil),
      matches[i] + 1
  elseif token.text == "[" and matches[i] then
    local item = own and own.is == "list" and own.of or nil
    if own and own.is == "value" and type(own.value) == "table" and following then
      item = completion_types.of_value(rawget(own.value,
        following.kind == "number" and math.tointeger(tonumber(following.text))
        or literal(following)))
    end
    return item, matches[i] + 1
  end
end

function infer(state, from)
  local own, i = primary(state, from)
  while i > from and state.phrase.tokens[i] do
    local following, behind = step(state, own, i)
    if not behind then
      break
    end
    own, i = following, behind
  end
  return own, i
end

--- The type of a chain.
-- @tparam table phrase what `completion_phrase.read` gives
-- @tparam table env the globals of the text
-- @tparam integer last the token with which the chain ends
-- @treturn ?table
function completion_infer.of_chain(phrase, env, last)
  local first = completion_phrase.chain(phrase, last)
  if not first then
    return nil
  end
  local found, behind = infer({phrase = phrase, env = env, depth = 0}, first)
  return behind == last + 1 and found or nil
end

return completion_infer
