--- Lua text in tokens, whatever state it is in.
--
-- What is typed at the prompt is seldom whole; this reads it all the same, in one pass.
-- @module lexer
local lexer = {}

--- The words that are no names, sorted.
lexer.KEYWORDS = {
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
}

local IS_KEYWORD = {}
for _, word in ipairs(lexer.KEYWORDS) do
  IS_KEYWORD[word] = true
end

local IS_SYMBOL = {}
for symbol in ("... .. == ~= <= >= // :: << >>"):gmatch "%S+" do
  IS_SYMBOL[symbol] = true
end

-- Each reader is called where its token begins, and gives the kind, the first byte behind the
-- token and whether the token has no end.

local function read_name(text, from)
  local to = text:match("^[%w_]+()", from)
  return IS_KEYWORD[text:sub(from, to - 1)] and "keyword" or "name", to
end

-- As Lua's own lexer takes them: letters that follow belong to the (malformed) number.
local function read_number(text, from)
  local digits, exponent = "^[%d.]+()", "^[eE][+-]?()"
  local at = text:match("^0[xX]()", from)
  if at then
    digits, exponent = "^[%x.]+()", "^[pP][+-]?()"
  end
  at = at or from
  while true do
    local behind = text:match(exponent, at) or text:match(digits, at)
    if not behind then
      return "number", text:match("^[%w_]*()", at)
    end
    at = behind
  end
end

local function read_symbol(text, from)
  for length = 3, 2, -1 do
    local symbol = text:sub(from, from + length - 1)
    if IS_SYMBOL[symbol] then
      return "symbol", from + #symbol
    end
  end
  return "symbol", text:match("^[\xC2-\xF4][\x80-\xBF]+()", from) or from + 1
end

local function read_dot(text, from)
  return (text:find("^%.%d", from) and read_number or read_symbol)(text, from)
end

-- A quoted string ends before the line does, unless the line's end is escaped.
local function read_quoted(text, from)
  local quote = text:sub(from, from)
  local stop, at = "[\\\r\n" .. quote .. "]", from + 1
  while true do
    local found = text:find(stop, at)
    if not found then
      return "string", #text + 1, true
    end
    local byte = text:sub(found, found)
    if byte == quote then
      return "string", found + 1, false
    elseif byte ~= "\\" then
      return "string", found, true
    end
    at = text:match("^z%s*()", found + 1) or text:match("^\r\n()", found + 1)
      or math.min(found + 2, #text + 1)
  end
end

-- The first byte behind a long bracket that begins at `from`, and whether it has no end; nothing
-- when none begins there.
local function read_long(text, from)
  local level, at = text:match("^%[(=*)%[()", from)
  if level then
    local _, to = text:find("]" .. level .. "]", at, true)
    return (to or #text) + 1, not to
  end
end

local function read_bracket(text, from)
  local to, is_open = read_long(text, from)
  if to then
    return "string", to, is_open
  end
  return "symbol", from + 1
end

local function read_minus(text, from)
  if text:sub(from + 1, from + 1) ~= "-" then
    return "symbol", from + 1
  end
  local to, is_open = read_long(text, from + 2)
  return "comment", to or text:find("[\r\n]", from) or #text + 1, is_open
end

local READERS = {["."] = read_dot, ['"'] = read_quoted, ["'"] = read_quoted,
                 ["["] = read_bracket, ["-"] = read_minus, ["_"] = read_name}
for byte = 0, 255 do
  local char = string.char(byte)
  READERS[char] = READERS[char] or char:find "%a" and read_name or char:find "%d" and read_number
    or read_symbol
end

local function count_lines(blank_or_token)
  local _, count = blank_or_token:gsub("\n", "")
  return count
end

--- The tokens of a text, in its order; blanks are left out.
-- Never raises for a text; what Lua has no token for is a `symbol` of one character.
-- @tparam string text
-- @treturn table list of tokens: `kind` (`name`, `keyword`, `number`, `string`, `comment` or
--   `symbol`), `text`, `from` (its first byte), `to` (the first byte behind it), `line` (from 1
--   on), and `is_open`, true for a string or comment without its end (a string that its line
--   ends is one, too)
function lexer.tokens(text)
  local tokens, count, line, behind = {}, 0, 1, 1
  local from = text:match "^%s*()"
  while from <= #text do
    line = from > behind and line + count_lines(text:sub(behind, from - 1)) or line
    local kind, to, is_open = READERS[text:sub(from, from)](text, from)
    local token = text:sub(from, to - 1)
    count = count + 1
    tokens[count] = {kind = kind, text = token, from = from, to = to, line = line,
                     is_open = is_open or nil}
    line = (kind == "string" or kind == "comment") and line + count_lines(token) or line
    behind, from = to, text:match("^%s*()", to)
  end
  return tokens
end

return lexer
