--- Completion of lines that begin with a backslash.
-- @module completion_command
local completion_found = require "completion_found"
local session = require "core.session"

local completion_command = {}

--- The commands of the prompt.
-- @treturn table by name: `usage`, `help`
function completion_command.all()
  local found = {}
  for name, command in next, require "prompt_commands" do
    found[name] = type(command) == "table" and command.usage and command or nil
  end
  return found
end

-- The names of the profiles; none when the files that tell them cannot be read, which the
-- command says itself.
local function profiles()
  local is_fine, names = pcall(session.profiles)
  return is_fine and names or {}
end

-- What the arguments of a command are, by what its usage calls them.
local function add_arguments(found, usage)
  for _, name in ipairs(usage:find "PROFILE" and profiles() or {}) do
    found:add(name, "a profile")
  end
  for first, second in usage:gmatch "(%l+)|(%l+)" do
    found:add(first)
    found:add(second)
  end
end

local function complete_name(head)
  local found, typed = completion_found.new(), head:match "\\%S*$"
  for name, command in pairs(completion_command.all()) do
    found:add("\\" .. name, command.help)
  end
  found:sort()
  return found:result(typed, #head - #typed + 1, #head)
end

--- What may stand at the cursor of a line that begins with a backslash.
-- @tparam string text
-- @tparam integer cursor
-- @tparam function complete_lua `complete_lua(text, cursor)` completes an expression
-- @treturn table as `completion.at` gives it
function completion_command.at(text, cursor, complete_lua)
  local head = text:sub(1, cursor)
  local name, start = head:match "^%s*\\(%S*)%s+()"
  if not name then
    return complete_name(head)
  end
  local command, found = completion_command.all()[name], completion_found.new()
  if command and command.usage:find "EXPR" then
    local inner = complete_lua(text:sub(start), cursor - start + 1)
    inner.from, inner.to = inner.from + start - 1, inner.to + start - 1
    return inner
  elseif command then
    add_arguments(found, command.usage)
  end
  local typed = head:match "%S*$"
  return found:result(typed, cursor - #typed + 1, cursor)
end

return completion_command
