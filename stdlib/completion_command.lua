--- Completion of lines that begin with a backslash.
-- @module completion_command
local completion_found = require "completion_found"
local folder = require "core.folder"
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

-- Files that begin as what is typed; folders have a slash behind. Where that begins with `~/`, it
-- is the home folder that is looked into.
local function add_files(found, typed)
  local front = typed:match "^.*/" or ""
  local home = os.getenv "HOME"
  local place = home and front:gsub("^~/", function() return home .. "/" end) or front
  for _, name in ipairs(folder.entries(place == "" and "." or place) or {}) do
    if not name:find "%c" then
      found:add(front .. name)
    end
  end
  found:sort()
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
  end
  local typed = head:match "%S*$"
  if command and command.usage:find "%f[%u]FILE" then
    typed = head:sub(start)
    add_files(found, typed)
  elseif command then
    add_arguments(found, command.usage)
  end
  return found:result(typed, cursor - #typed + 1, cursor)
end

--- What to say while the argument of a command is empty: what it takes and does.
-- @tparam string text
-- @tparam integer cursor
-- @treturn ?string one line; nil when there is nothing to say
function completion_command.hint(text, cursor)
  local name = text:sub(1, cursor):match "^%s*\\(%S+)%s+$"
  local command = name and completion_command.all()[name]
  local arguments = command and command.usage:match "%s(.*)$"
  return arguments and ("%s: %s"):format(arguments, command.help) or nil
end

return completion_command
