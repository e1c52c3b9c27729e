--- What stands around the cursor in a Lua text that is being typed.
--
-- One pass over the tokens in front of the cursor finds the brackets and blocks that are open
-- there; nothing has to be whole.
-- @module completion_phrase
local lexer = require "lexer"

local completion_phrase = {}

local DEEPEST = 32 -- tables within tables that are followed

local CLOSERS = {[")"] = "(", ["]"] = "[", ["}"] = "{"}
local OPENERS = {["("] = true, ["["] = true, ["{"] = true}
local BLOCKS = {["function"] = true, ["if"] = true, ["do"] = true, ["repeat"] = true}
local BLOCK_ENDS = {["end"] = true, ["until"] = true}

-- The last `most` bytes in front of the cursor, from the beginning of a line on if there is one.
local function nearby(text, cursor, most)
  if cursor <= most then
    return 1
  end
  local line = text:find("\n", cursor - most, true)
  return line and line <= cursor and line + 1 or cursor - most + 1
end

-- ---- open brackets and blocks ----

local function enter(phrase, outer, what, open)
  phrase.opened[what] = (phrase.opened[what] or 0) + 1
  return {what = what, open = open, outer = outer, first = open + 1, count = 0, keys = {}}
end

-- The frame that `what` closes, with those inside it; nil when there is none.
local function leave(phrase, frame, what)
  if (phrase.opened[what] or 0) == 0 then
    return nil
  end
  repeat
    local left = frame
    phrase.opened[left.what] = phrase.opened[left.what] - 1
    frame = left.outer
    if left.what == what then
      return left
    end
  until false
end

-- Remembers that names were given what stands from token `at` on.
local function define(phrase, last_name, at, how)
  local first = last_name
  while phrase.tokens[first - 1] and phrase.tokens[first - 1].text == ","
    and phrase.tokens[first - 2] and phrase.tokens[first - 2].kind == "name" do
    first = first - 2
  end
  for i = first, last_name, 2 do
    local name = phrase.tokens[i].text
    phrase.defined[name] = {at = at, how = how, position = (i - first) // 2 + 1}
  end
end

local function read_equals(phrase, frame, i)
  local before = phrase.tokens[i - 1]
  if not before or before.kind ~= "name" then
    frame.key = false
  elseif frame.what == "{" then
    if frame.first == i - 1 then
      frame.key, frame.keys[before.text] = before.text, true
    end
  elseif not (phrase.tokens[i - 2] and phrase.tokens[i - 2].text:find "^[.:]$") then
    define(phrase, i - 1, i + 1, "=")
  end
end

local function read_symbol(phrase, frame, i, text)
  if OPENERS[text] then
    return enter(phrase, frame, text, i)
  elseif CLOSERS[text] then
    local closed = leave(phrase, frame, CLOSERS[text])
    if closed then
      phrase.matches[i], phrase.matches[closed.open] = closed.open, i
      return closed.outer
    end
  elseif text == "," or text == ";" then
    frame.first, frame.count, frame.key = i + 1, frame.count + 1, nil
  elseif text == "=" then
    read_equals(phrase, frame, i)
  end
  return frame
end

local function read_keyword(phrase, frame, i, text)
  if BLOCKS[text] then
    return enter(phrase, frame, "block", i)
  elseif BLOCK_ENDS[text] then
    local closed = leave(phrase, frame, "block")
    return closed and closed.outer or frame
  elseif text == "in" and phrase.tokens[i - 1] and phrase.tokens[i - 1].kind == "name" then
    define(phrase, i - 1, i + 1, "in")
  end
  return frame
end

local function read_frames(phrase)
  local frame = enter(phrase, nil, "all", 0)
  for i, token in ipairs(phrase.tokens) do
    if token.kind == "symbol" then
      frame = read_symbol(phrase, frame, i, token.text)
    elseif token.kind == "keyword" then
      frame = read_keyword(phrase, frame, i, token.text)
    end
  end
  return frame
end

-- ---- what is being typed ----

local function is_in_comment(token, behind)
  return token.to == behind
    and (token.is_open or not token.text:find "^%-%-%[=*%[")
end

-- Takes the token that the cursor is in off the list, a word or a string; false in a comment.
local function take_typed(phrase, behind)
  local tokens = phrase.tokens
  local last = tokens[#tokens]
  phrase.from, phrase.word = behind, ""
  if not last then
    return true
  elseif last.kind == "comment" then
    return not is_in_comment(last, behind)
  elseif last.kind == "string" then
    if last.is_open and last.to == behind then
      phrase.opener = last.text:match "^%[=*%[" or last.text:sub(1, 1)
      phrase.word = last.text:sub(#phrase.opener + 1)
      phrase.from = last.from + #phrase.opener
      tokens[#tokens] = nil
    end
  elseif last.to == behind and (last.kind == "name" or last.kind == "keyword") then
    phrase.from, phrase.word = last.from, last.text
    tokens[#tokens] = nil
  end
  phrase.is_number = last.kind == "number" and last.to == behind
  return true
end

local function without_comments(tokens)
  local kept = {}
  for _, token in ipairs(tokens) do
    kept[#kept + 1] = token.kind ~= "comment" and token or nil
  end
  return kept
end

--- Read what stands in front of the cursor.
-- @tparam string text
-- @tparam integer cursor the bytes in front of it
-- @tparam integer most so many of them are looked at
-- @treturn ?table nil in a comment; else `tokens` (without comments and the one being typed),
--   `word` (what is typed of a name, or of a string when there is `opener`, its quote) and `from`,
--   the byte where it begins; `is_number` behind a number; `frame`, the innermost bracket or block
--   that is open: `what` (one of `( { [ block all`), `open` (its token), `first` (the token where
--   the current item begins), `count` (items in front of that), `key` (the name in front of the
--   item's `=`), `keys` (a set of the names given) and `outer`; `matches` (brackets by their
--   partners); `defined` (names that the text itself gives a value: `at`, the token where what
--   gives it begins, `how`, `=` or `in`, and `position` among the names)
function completion_phrase.read(text, cursor, most)
  local begin = nearby(text, cursor, most)
  local part = text:sub(begin, cursor)
  local phrase = {tokens = lexer.tokens(part), matches = {}, opened = {},
                  defined = {}}
  if not take_typed(phrase, #part + 1) then
    return nil
  end
  phrase.from = phrase.from + begin - 1
  phrase.tokens = without_comments(phrase.tokens)
  phrase.frame = read_frames(phrase)
  return phrase
end

-- ---- chains: a.b:c(...).d ----

local ENDS_EXPRESSION = {[")"] = true, ["]"] = true, ["}"] = true}

local function can_be_called(token)
  return token ~= nil and (token.kind == "name" or token.kind == "string"
    or token.kind == "symbol" and ENDS_EXPRESSION[token.text] == true)
end

-- Where the part of a chain that ends at `i` begins, and whether more stands in front of it.
local function step_back(phrase, i)
  local tokens, token = phrase.tokens, phrase.tokens[i]
  local before = tokens[i - 1]
  if token.kind == "name" then
    local is_member = before and before.kind == "symbol" and before.text:find "^[.:]$" ~= nil
    return is_member and i - 1 or i, is_member
  elseif token.kind == "string" then
    return i, can_be_called(before)
  end
  local open = token.kind == "symbol" and ENDS_EXPRESSION[token.text] and phrase.matches[i]
  if open then
    local is_more = can_be_called(tokens[open - 1])
    if is_more or token.text == ")" then
      return open, is_more
    end
  end
end

--- Where the chain of members and calls begins that ends with a token.
-- @tparam table phrase
-- @tparam integer last the token
-- @treturn ?integer its first token; nil when no chain ends there
function completion_phrase.chain(phrase, last)
  local i = last
  while phrase.tokens[i] do
    local first, is_more = step_back(phrase, i)
    if not is_more then
      return first
    end
    i = first - 1
  end
end

-- The call that a bracket, or a string or table without one, is the argument of.
local function called_before(phrase, open)
  local first = completion_phrase.chain(phrase, open - 1)
  local before = first and phrase.tokens[first - 1]
  if first and not (before and before.text == "function") then
    return {first = first, last = open - 1}
  end
end

--- The call whose argument, or a table within, the cursor is in.
-- @tparam table phrase
-- @tparam table frame where to begin, `phrase.frame`
-- @treturn ?table `first` and `last` (the tokens of what is called), `argument` (from 1 on) and
--   `path`: for a table in the argument the names that lead to it, false for a place in a list
function completion_phrase.call(phrase, frame)
  local path = {}
  while frame.what == "{" and #path < DEEPEST do
    local outer = frame.outer
    local call = called_before(phrase, frame.open)
    if call then
      call.argument, call.path = 1, path
      return call
    elseif outer.what == "{" then
      if outer.key and frame.open == outer.first + 2 then
        table.insert(path, 1, outer.key)
      elseif frame.open == outer.first then
        table.insert(path, 1, false)
      else
        return nil
      end
    elseif outer.what ~= "(" or frame.open ~= outer.first then
      return nil
    end
    frame = outer
  end
  local call = frame.what == "(" and called_before(phrase, frame.open)
  if call then
    call.argument, call.path = frame.count + 1, path
    return call
  end
end

--- The call that a string which is being typed is the only argument of, without brackets.
-- @tparam table phrase
-- @treturn ?table as `completion_phrase.call` gives it
function completion_phrase.string_call(phrase)
  local call = phrase.opener and can_be_called(phrase.tokens[#phrase.tokens])
    and called_before(phrase, #phrase.tokens + 1)
  if call then
    call.argument, call.path = 1, {}
    return call
  end
end

--- The names that are given behind the cursor, in the table that it is in.
-- @tparam string text
-- @tparam integer cursor
-- @tparam integer most so many bytes are looked at
-- @treturn table a set
function completion_phrase.keys_behind(text, cursor, most)
  local keys, depth = {}, 0
  local tokens = lexer.tokens(text:sub(cursor + 1, cursor + most))
  for i, token in ipairs(tokens) do
    if OPENERS[token.text] then
      depth = depth + 1
    elseif CLOSERS[token.text] then
      depth = depth - 1
    elseif token.text == "=" and depth == 0 and i > 1 then
      keys[tokens[i - 1].text] = true
    end
    if depth < 0 then
      break
    end
  end
  return keys
end

return completion_phrase
