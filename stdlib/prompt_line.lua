--- What a line at the prompt is, and its code.
-- @module prompt_line
local lexer = require "lexer"

local prompt_line = {}

local OPENS = {["do"] = true, ["function"] = true, ["if"] = true, ["repeat"] = true}
local CLOSES = {["end"] = true, ["until"] = true}

--- What was typed.
-- @tparam string text
-- @treturn table `kind`, and more for some: `blank`; `dropped` (its last line is `#`); `command`
--   (`\name argument`: name, argument); `question` (`x?`, `x??`: subject, wants_source); `code`
--   (text, is_background when it ended in `&`)
function prompt_line.parse(text)
  text = text:match "^%s*(.-)%s*$"
  if text == "" then
    return {kind = "blank"}
  elseif text:find "\n#$" then
    return {kind = "dropped"}
  end
  local name, argument = text:match "^\\([%w%-!?]*)%s*(.*)$"
  if name then
    return {kind = "command", name = name, argument = argument}
  end
  local subject, marks = text:match "^([%w_.:\\]*)(%?%??)$"
  if not subject then
    marks, subject = text:match "^(%?%??)%s*([%w_.:]+)$"
  end
  if subject then
    return {kind = "question", subject = subject, wants_source = marks == "??"}
  end
  local code = text:match "^(.-)%s*&$"
  return {kind = "code", text = code or text, is_background = code ~= nil}
end

-- What the statement "local ..." whose names begin at token `i` is to become: where names are to
-- be cut from the text and where to put what, as {from, to, text}. Nothing when it closes
-- something, since that is meant to end with the line.
local function edits_of_names(tokens, i, edits)
  local found = {}
  while tokens[i] and tokens[i].kind == "name" do
    local last = tokens[i]
    local open, attribute, close = tokens[i + 1], tokens[i + 2], tokens[i + 3]
    if open and open.text == "<" and attribute and close and close.text == ">" then
      if attribute.text == "close" then
        return
      end
      found[#found + 1] = {open.from, close.to, ""}
      last, i = close, i + 3
    end
    local follows = tokens[i + 1]
    if not follows or follows.text ~= "," then
      if not follows or follows.text ~= "=" then
        found[#found + 1] = {last.to, last.to, " = nil"}
      end
      table.move(found, 1, #found, #edits + 1, edits)
      return true
    end
    i = i + 2
  end
end

local function apply(text, edits)
  table.sort(edits, function(a, b) return a[1] < b[1] end)
  local parts, at = {}, 1
  for _, edit in ipairs(edits) do
    parts[#parts + 1] = text:sub(at, edit[1] - 1)
    parts[#parts + 1] = edit[3]
    at = edit[2]
  end
  parts[#parts + 1] = text:sub(at)
  return table.concat(parts)
end

--- The text with the locals of its outermost level made variables of the session: the next line
-- is another chunk, which would not see them. Lines keep their numbers.
-- @tparam string text
-- @treturn string
function prompt_line.share_locals(text)
  if not text:find("local", 1, true) then
    return text
  end
  local tokens, edits, depth = lexer.tokens(text), {}, 0
  for i = #tokens, 1, -1 do
    if tokens[i].kind == "comment" then
      table.remove(tokens, i)
    end
  end
  for i, token in ipairs(tokens) do
    if token.kind == "keyword" then
      local word, follows = token.text, tokens[i + 1]
      depth = depth + (OPENS[word] and 1 or 0) - (CLOSES[word] and 1 or 0)
      if word == "local" and depth == 0 and follows and
         (follows.text == "function" or edits_of_names(tokens, i + 1, edits)) then
        edits[#edits + 1] = {token.from, token.to, "     "}
      end
    end
  end
  return apply(text, edits)
end

-- Of the two messages about a text that is neither an expression nor a statement, the one that
-- came further: a statement may be over where an expression goes on.
local function choose_message(text, of_expression, of_statement)
  local first = lexer.tokens(text)[1]
  if not first or first.kind == "keyword" then
    return of_statement
  end
  local near = of_statement:match "near '(.*)'$"
  return (near == first.text or of_statement:find(": syntax error near", 1, true))
         and of_expression or of_statement
end

--- The function of a line of code.
-- @tparam string text
-- @tparam string name what error messages call it
-- @tparam table env its globals
-- @treturn[1] function
-- @treturn[1] boolean whether it is an expression
-- @treturn[2] nil
-- @treturn[2] string why there is none
function prompt_line.compile(text, name, env)
  local fn, of_expression = load("return " .. text, "=" .. name, "t", env)
  if fn then
    return fn, true
  end
  local of_statement
  fn, of_statement = load(prompt_line.share_locals(text), "=" .. name, "t", env)
  if fn then
    return fn, false
  end
  return nil, choose_message(text, of_expression, of_statement)
end

return prompt_line
