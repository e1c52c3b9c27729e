--- The lines of a session as a script.
--
-- Statements stay as they are and calls, too; other expressions are printed. A line whose value
-- others use (`_`, `_3`) keeps it under that name, one that went on in the background is a task,
-- and modules that were there by themselves are required.
-- @module prompt_script
local clock = require "clock"
local core_session = require "core.session"
local lexer = require "lexer"
local library = require "library"
local prompt_line = require "prompt_line"

local prompt_script = {}

-- --- what a line is -------------------------------------------------------------------------

local function code_tokens(text)
  local tokens = {}
  for _, token in ipairs(lexer.tokens(text)) do
    if token.kind ~= "comment" then
      tokens[#tokens + 1] = token
    end
  end
  return tokens
end

local function is_expression(text)
  return load("return " .. text, "=line", "t", {}) ~= nil
end

local function is_statement(text)
  return load(text, "=line", "t", {}) ~= nil
end

-- Whether the name at `i` is one that the line itself makes: of a loop, a local or a parameter.
local function is_bound(tokens, i)
  local at = i - 1
  while tokens[at] and tokens[at].text == "," and tokens[at - 1] and
        tokens[at - 1].kind == "name" do
    at = at - 2
  end
  local before = tokens[at]
  if not before or before.text ~= "(" then
    return before ~= nil and (before.text == "for" or before.text == "local")
  end
  at = at - 1
  while tokens[at] and (tokens[at].kind == "name" or tokens[at].text == "." or
                        tokens[at].text == ":") do
    at = at - 1
  end
  return tokens[at] ~= nil and tokens[at].text == "function"
end

-- Whether the token is a variable, and no field.
local function is_variable(tokens, i)
  local before = tokens[i - 1]
  return tokens[i].kind == "name" and not (before and (before.text == "." or before.text == ":"))
end

-- The tokens of a line that stand for results of others.
local function references_of(text)
  local tokens, found = code_tokens(text), {}
  for i, token in ipairs(tokens) do
    local is_target = tokens[i + 1] and tokens[i + 1].text == "="
    if is_variable(tokens, i) and token.text:find "^_%d*$" and not is_target then
      if is_bound(tokens, i) then
        return {} -- `_` is what the line makes it
      end
      found[#found + 1] = token
    end
  end
  return found
end

local function calls_help(text)
  local tokens = code_tokens(text)
  return tokens[1] ~= nil and tokens[1].text == "help" and tokens[2] ~= nil and
         (tokens[2].text == "(" or tokens[2].kind == "string")
end

-- Whether it must not share its scope with other lines: what it closes, and its labels.
local function needs_block(text)
  return text:find("<%s*close%s*>") ~= nil or text:find("::", 1, true) ~= nil
end

-- --- which lines there are ------------------------------------------------------------------

local ELSEWHERE = {use = true, scope = true, ["read-only"] = true}
local JOINS = {wait = true, fg = true}

-- A line that says how things were, or nil.
local function note_of(entry)
  local name, argument = entry.text:match "^%s*\\([%w%-]+)%s*(.-)%s*$"
  if ELSEWHERE[name] and argument ~= "" then
    return ("-- \\%s %s (a script is where it is started)"):format(name, argument)
  end
end

-- Why a line is left out, or nil. `line` is what is known of it, `by_number` all before it.
local function find_obstacle(line, by_number)
  if line.entry.is_secret then
    return "it holds a secret"
  end
  for _, reference in ipairs(line.references) do
    local number = reference.number
    if not number then
      return ("it uses %s, which no line gave"):format(reference.token.text)
    elseif not by_number[number] or by_number[number].obstacle then
      return ("it uses the value of line %d, which is left out"):format(number)
    elseif by_number[number].entry.is_background then
      return ("it uses the value of line %d, which went on in the background"):format(number)
    end
  end
end

-- What `return x` gave was shown like any expression.
local function strip_return(text)
  local rest = text:match "^return%s+(.+)$"
  return rest and is_expression(rest) and rest or text
end

local function read_line(entry, last_value)
  local line = {entry = entry, text = strip_return(entry.text:match "^%s*(.-)%s*$"),
                references = {}}
  for _, token in ipairs(references_of(line.text)) do
    line.references[#line.references + 1] = {
      token = token, number = token.text == "_" and last_value or tonumber(token.text:sub(2))}
  end
  line.is_expression = is_expression(line.text)
  return line
end

-- Marks the tasks that a command has waited for: all so far, or one.
local function note_join(entry, lines)
  local name, argument = entry.text:match "^%s*\\(%l+)%s*(%d*)%s*$"
  if not JOINS[name] then
    return
  end
  local joined = {}
  for _, line in ipairs(lines) do
    local job = line.entry.is_background and line.entry.job
    if job and not line.is_joined and (argument == "" or tonumber(argument) == job) then
      line.is_joined = true
      joined[#joined + 1] = ("task_%d:join()"):format(job)
    end
  end
  if #joined > 0 then
    lines[#lines + 1] = {entry = entry, code = table.concat(joined, "\n")}
  end
end

local function note_command(entry, lines)
  local note = note_of(entry)
  if note then
    lines[#lines + 1] = {entry = entry, note = note}
  end
  note_join(entry, lines)
end

local function is_wanted(entry)
  return entry.ok or (entry.job and entry.ok == nil) -- it goes on in the background
end

-- The lines that go into the script, and those that would but for something.
local function gather(entries, env)
  local lines, by_number, last_value = {}, {}, nil
  for _, entry in ipairs(entries) do
    if entry.is_command and entry.ok then
      note_command(entry, lines)
    elseif not entry.is_command and is_wanted(entry) and not calls_help(entry.text) then
      local line = read_line(entry, last_value)
      line.obstacle = find_obstacle(line, by_number)
      lines[#lines + 1], by_number[entry.number] = line, line
      for _, reference in ipairs(line.obstacle and {} or line.references) do
        by_number[reference.number].is_used = true
      end
    end
    if rawget(env, "_" .. entry.number) ~= nil then
      last_value = entry.number
    end
  end
  return lines
end

-- --- the code of a line ---------------------------------------------------------------------

-- The text with the names of the results that it uses.
local function resolve(line)
  local parts, at = {}, 1
  for _, reference in ipairs(line.references) do
    parts[#parts + 1] = line.text:sub(at, reference.token.from - 1)
    parts[#parts + 1] = "_" .. reference.number
    at = reference.token.to
  end
  parts[#parts + 1] = line.text:sub(at)
  return table.concat(parts)
end

-- An expression between two texts; a comment at its end must not swallow what follows.
local function wrap(before, text, after)
  return before .. text .. (text:find("--", 1, true) and "\n" or "") .. after
end

local function format_task(line, text)
  local body = line.is_expression and "return " .. text or prompt_line.share_locals(text)
  local name = line.is_joined and ("local task_%d = "):format(line.entry.job) or ""
  return ("%stasks.spawn(function()\n%s\nend)"):format(name, body)
end

local function format_code(line, shares_locals)
  local text = resolve(line)
  if line.entry.is_background then
    return format_task(line, text)
  elseif line.is_used and line.is_expression then
    return ("%s_%d = %s"):format(shares_locals and "" or "local ", line.entry.number, text)
  elseif line.is_expression and not is_statement(text) then
    return wrap("print(", text, ")")
  elseif shares_locals then
    text = prompt_line.share_locals(text)
  end
  return needs_block(text) and "do\n" .. text .. "\nend" or text
end

local function format_line(line, shares_locals)
  if line.note or line.code then
    return line.note or line.code
  elseif line.obstacle then
    return ("-- Line %d is left out: %s."):format(line.entry.number, line.obstacle)
  end
  local code = format_code(line, shares_locals)
  return code:find "^%(" and ";" .. code or code -- else it would call what stands before it
end

-- --- the whole ------------------------------------------------------------------------------

-- The modules that the code uses as if they were there, in the order of their use.
local function find_modules(code, env)
  local tokens, names, seen = code_tokens(code), {}, {}
  for i, token in ipairs(tokens) do
    local name = token.text
    if not seen[name] and is_variable(tokens, i) and library.is_public(name) and
       (rawget(env, name) == nil or rawget(env, name) == package.loaded[name]) then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  return names
end

local function quote(word)
  return word:find "[^%w_./:@%%+=~-]" and "'" .. word:gsub("'", "'\\''") .. "'" or word
end

-- What runs the script where the session is.
local function format_command(path)
  local info, words = core_session.info(), {"moongate run"}
  local options = {{"profile", info.profile}}
  if info.sim then
    words[2] = "--sim"
  else
    options[2] = {"endpoint", not info.profile and info.endpoint or nil}
    for _, name in ipairs {"subscription", "resource_group", "service"} do
      options[#options + 1] = {name:gsub("_", "-"), info[name]}
    end
  end
  for _, option in ipairs(options) do
    if option[2] then
      words[#words + 1] = ("--%s %s"):format(option[1], quote(option[2]))
    end
  end
  words[#words + 1] = quote(path)
  return table.concat(words, " ")
end

local function format_script(lines, env, command, shares_locals)
  local parts = {}
  for i, line in ipairs(lines) do
    parts[i] = format_line(line, shares_locals)
  end
  local code = table.concat(parts, "\n")
  local head = {("-- Saved from the prompt, %s."):format(clock.utc():gsub("%.%d+", "")),
                "-- " .. command:gsub("%c", " ")}
  for _, name in ipairs(find_modules(code, env)) do
    head[#head + 1] = ("local %s = require %q"):format(name, name)
  end
  return table.concat(head, "\n") .. "\n\n" .. code .. "\n"
end

--- The script of a session.
-- @tparam table entries the lines, as `shell.lines` has them
-- @tparam table env the variables of the session
-- @tparam string path the file that it will be
-- @treturn string Lua that loads
-- @treturn integer how many lines it has
-- @treturn table why others are left out: list of {number, reason}
-- @treturn string the command that runs it where the session is
-- @raise a message when nothing is there to be saved, or the script would not load
function prompt_script.build(entries, env, path)
  local lines, left_out, count = gather(entries, env), {}, 0
  local command = format_command(path)
  for _, line in ipairs(lines) do
    if line.obstacle then
      left_out[#left_out + 1] = {number = line.entry.number, reason = line.obstacle}
    elseif not line.note and not line.code then
      count = count + 1
    end
  end
  if count == 0 then
    error("there is no line yet that worked and can be saved", 0)
  end
  local script = format_script(lines, env, command, false)
  local ok, reason = load(script, "=script", "t", {})
  if not ok and reason:find "too many local variables" then
    script = format_script(lines, env, command, true)
    ok, reason = load(script, "=script", "t", {})
  end
  if not ok then
    error("the lines make no script: " .. reason, 0)
  end
  return script, count, left_out, command
end

return prompt_script
