--- The commands of the prompt: what begins with a backslash.
--
-- The module is a table from names to commands, each with `usage`, `help` (one line), perhaps
-- `details`, and `run(shell, argument)`, which may wait and raises what it cannot do.
-- `is_ended_by_interrupt`: when Ctrl-C ends it, that is no failure. `is_repeated`: it runs again
-- when the run is carried on.
-- @module prompt_commands
local argument_of = require "prompt_argument"
local check = require "core.check"
local doc_text = require "doc_text"
local terminal = require "core.terminal"

local LARGEST_FILE = 16 << 20 -- bytes
local HISTORY_LINES = 20

local commands, functions = {}, {}

for _, name in ipairs {"place", "view", "tasks"} do
  for command, row in pairs(require("prompt_commands_" .. name)) do
    commands[command] = row
  end
end

-- --- files and lines ------------------------------------------------------------------------

local function read_file(argument, usage)
  local path = argument_of.path(argument, usage)
  local file, reason = io.open(path, "rb")
  local text
  if file then
    text, reason = file:read(LARGEST_FILE + 1)
    file:close()
    text = text or (not reason and "") -- it is empty
  end
  if not text then
    error(("%s: %s"):format(path, tostring(reason):gsub("^.*: ", "", 1)), 0)
  elseif #text > LARGEST_FILE then
    error(("%s: it is larger than %d MB"):format(path, LARGEST_FILE >> 20), 0)
  end
  return (text:gsub("^#[^\n]*", "")) -- how a script says what runs it
end

local function load_file(shell, argument)
  shell:evaluate(read_file(argument, "\\load FILE"))
end

-- The last line that is code.
local function last_line(shell)
  for i = #shell.lines, 1, -1 do
    if not shell.lines[i].is_command then
      return shell.lines[i].text
    end
  end
  return ""
end

local function edit(shell, argument)
  local before = argument == "" and last_line(shell) or read_file(argument, "\\edit [FILE]")
  local after, trouble = require("core.external_editor").edit(before, ".lua")
  if trouble then
    error(trouble .. "; nothing was run" .. (after:find "%S" and after ~= before
          and "; the text was\n" .. after or ""), 0)
  elseif not after:find "%S" or (after == before and argument == "") then
    shell:say "nothing was changed, so nothing is run"
    return
  end
  shell:say((after:gsub("%s+$", "")))
  shell:evaluate(after)
end

local function save(shell, argument, may_replace)
  local path = argument_of.path(argument, may_replace and "\\save! FILE" or "\\save FILE")
  local script, count, left_out, command = require("prompt_script").build(shell.lines, shell.env,
                                                                          path)
  local ok, failure = pcall(require("core.folder").save, path, script, may_replace)
  if not ok then
    error(type(failure) == "table" and failure.code == "AlreadyExists"
          and path .. " is there already; \\save! replaces it" or failure, 0)
  end
  shell:say(("saved %d line%s: %s"):format(count, count == 1 and "" or "s", command))
  for _, line in ipairs(left_out) do
    shell:say(("line %d is left out: %s"):format(line.number, line.reason))
  end
end

local function history(shell, argument)
  local most = argument_of.number(argument, "\\history [N]") or HISTORY_LINES
  local lines = {}
  for i = math.max(#shell.lines - most, 1), #shell.lines - 1 do -- the last is this one
    local entry = shell.lines[i]
    local text = entry.is_secret and "(it holds a secret)"
                 or entry.text:match "^%s*(.-)%s*$":gsub("\n", "\n      ")
    lines[#lines + 1] = ("%4d  %s%s"):format(entry.number, text,
                                             entry.is_background and " &" or "")
  end
  shell:say(#lines > 0 and table.concat(lines, "\n") or "no lines yet")
end

-- --- how things are shown -------------------------------------------------------------------

local function timing(shell, argument)
  shell.is_timing = argument_of.switch(argument, shell.is_timing, "\\timing [on|off]")
  shell:say(shell.is_timing and "times are shown" or "times are not shown")
end

local function expanded(shell, argument)
  shell.is_expanded = argument_of.switch(argument, shell.is_expanded, "\\x [on|off]")
  shell:say(shell.is_expanded and "resources are shown one by one" or "lists are shown as tables")
end

local function list_commands(shell, argument)
  argument_of.none(argument, "\\?")
  local rows, width = {}, 0
  for i, name in ipairs(functions.names()) do
    rows[i] = {commands[name].usage, commands[name].help}
    width = math.max(width, #commands[name].usage)
  end
  local columns = terminal.size()
  shell:say(doc_text.rows(rows, width + 1, columns))
  shell:say(doc_text.paragraph("\\watch? tells more of one; help() of what lines can use.", "",
                               columns))
end

local function quit(shell, argument)
  argument_of.none(argument, "\\q")
  shell:leave()
end

-- --- the table ------------------------------------------------------------------------------

commands.load = {usage = "\\load FILE", run = load_file, help = "runs a file as one line"}
commands.edit = {usage = "\\edit [FILE]", run = edit,
                 help = "the last line or a file's text in $EDITOR; then runs it",
                 details = "$VISUAL comes first; without either it is vi. The last line runs "
                           .. "when it was changed, a file's text in any case."}
commands.save = {usage = "\\save FILE", help = "the lines that worked, as a script",
                 details = "It requires the modules that the lines use; calls stay as they are, "
                           .. "other values are printed. Lines that held a secret are left out.",
                 run = function(shell, argument) save(shell, argument, false) end}
commands["save!"] = {usage = "\\save! FILE", help = "the same, and replaces a file that is there",
                     run = function(shell, argument) save(shell, argument, true) end}
commands.history = {usage = "\\history [N]", run = history, help = "the last lines"}
commands.timing = {usage = "\\timing [on|off]", run = timing, help = "how long each line took"}
commands.x = {usage = "\\x [on|off]", run = expanded,
              help = "resources one by one, with all fields"}
commands["?"] = {usage = "\\?", run = list_commands, help = "this list"}
commands.q = {usage = "\\q", run = quit, help = "leaves; so does Ctrl-D"}

--- The names of all commands, sorted.
-- @treturn table
function functions.names()
  local names = {}
  for name in pairs(commands) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- What a command does, as text.
-- @tparam table command
-- @treturn string
function functions.explanation(command)
  local text = command.help .. (command.details and ". " .. command.details or "")
  return command.usage .. "\n" .. doc_text.paragraph(text, "  ", (terminal.size()))
end

-- What answers "\watch?".
local function explain(command)
  return {usage = command.usage, help = command.help, run = function(shell)
    shell:say(functions.explanation(command))
  end}
end

--- A command by its name.
-- @tparam string name without the backslash; with `?` behind it it only says what it does
-- @treturn table or a text that says that there is none
function functions.find(name)
  local command = rawget(commands, name)
  if command then
    return command
  elseif name == "" then
    return "a command expected behind the backslash; \\? lists them"
  end
  local asked = rawget(commands, name:match "^(.+)%?$" or "")
  if asked then
    return explain(asked)
  end
  local near = check.nearest(name, functions.names())
  return ("unknown command '\\%s'; %s\\? lists them"):format(
    name, near and ("did you mean '\\%s'? "):format(near) or "")
end

return setmetatable(commands, {__index = functions})
