--- The state of a session at the prompt, and how a line of it is run.
-- @module prompt_shell
local core = require "core.prompt"
local core_tasks = require "core.tasks"
local library = require "library"
local prompt_keep = require "prompt_keep"
local prompt_line = require "prompt_line"

local prompt_shell = {}

-- As many rows of a value are shown to somebody who reads, and to a program.
local SCREEN_ROWS, PIPE_ROWS = 200, 100000
local PIPE_COLUMNS = 10000

local Shell = {}
Shell.__index = Shell

-- Modules are there without require; what lines define stays among themselves.
local function new_environment(leave, find_line)
  local env = {}
  env._G = env
  env.exit, env.quit = leave, leave
  env.help = function(...)
    local help = require "help"
    print(select("#", ...) == 0 and help.overview() or help.text(..., nil, find_line))
  end
  return setmetatable(env, {__index = function(_, name)
    local value = _G[name]
    if value == nil and type(name) == "string" and library.is_public(name) then
      value = require(name)
      env[name] = value
    end
    return value
  end})
end

--- The state of a session: its variables, its lines, its tasks.
-- @treturn table `env`, `lines` (list of {text, number, ok, ...}), `tasks` in the background,
--   `is_expanded`, `is_timing`; `shell:evaluate(text)`, `shell:say(text)` ...
function prompt_shell.new()
  local shell = setmetatable({lines = {}, tasks = {}, count = 0}, Shell)
  shell.env = new_environment(function() shell:leave() end,
                              function(name) return shell:find_line(name) end)
  return shell
end

-- --- what is said ---------------------------------------------------------------------------

--- Prints a text as lines, which the run does not keep.
function Shell:say(text)
  core.say(text)
end

local function paint(code, text)
  local terminal = require "core.terminal"
  return terminal.is_terminal() and terminal.wants_color()
         and ("\27[%sm%s\27[0m"):format(code, text) or text
end

--- Says what went wrong.
function Shell:fail(message)
  self.has_failed = true
  if core.is_open() and core.is_interactive() then
    core.say(paint("31", message))
  else
    require("log").error(message)
  end
end

--- How values are shown here: see show.text.
-- @treturn table
function Shell:options()
  local terminal = require "core.terminal"
  local is_terminal = terminal.is_terminal()
  return {columns = is_terminal and terminal.size() or PIPE_COLUMNS,
          most_rows = is_terminal and SCREEN_ROWS or PIPE_ROWS,
          is_expanded = self.is_expanded, has_color = is_terminal and terminal.wants_color(),
          env = self.env}
end

--- The text of a line by the name of its chunk, "line 3"; nil when it is none, or held a secret.
function Shell:find_line(name)
  for _, entry in ipairs(self.lines) do
    if entry.name == name and not entry.is_secret then
      return entry.text
    end
  end
end

--- Shows a value as a line's own is shown.
function Shell:show(value)
  self:say(require("show").text(value, self:options()))
end

-- nil is not worth a line, unless it is of a name that is not there.
local function say_nil(shell, entry)
  local advice = require("prompt_advice").of_nil(entry.text, shell.env)
  if advice and core.is_open() and core.is_interactive() then
    shell:say(paint("2", advice))
  elseif advice then
    require("log").warning(advice)
  end
end

-- Shows what an expression gave under the names that it has from now on.
local function show_values(shell, entry, values)
  if values.n == 0 or values[1] == io.stdout then -- io.write() gives it
    return
  elseif values.n == 1 and values[1] == nil then
    return say_nil(shell, entry)
  end
  local name = "_" .. entry.number
  shell.env._, shell.env[name] = values[1], values[1]
  local text = require("show").values(values, shell:options())
  local label = paint("2", name .. " =")
  shell:say(label .. (text:find("\n", 1, true) and "\n" or " ") .. text)
end

-- --- running a line -------------------------------------------------------------------------

-- The lines of a traceback that are somebody's own, those of a recursion once.
local function shorten(traceback)
  local lines = {}
  for line in traceback:gmatch "\n\t([^\n]+)" do
    if not line:find "^%[C%]" and not line:find "stdlib/" and not line:find "^%(?%.%.%."
       and lines[#lines] ~= "  " .. line then
      lines[#lines + 1] = "  " .. line
    end
  end
  return #lines > 1 and "\n" .. table.concat(lines, "\n") or ""
end

-- What an error says; one that is no text is shown as a value is, without colours.
local function text_of_error(shell, entry, value)
  if type(value) == "string" then
    return require("prompt_advice").message(value, entry.text, shell.env)
  elseif value == nil then
    return "nil was raised"
  elseif core.exit_code(value) then
    return "run.exit() ends no session from the background"
  end
  local options = shell:options()
  options.has_color = false
  return require("show").text(value, options)
end

local function describe(shell, entry)
  return function(value)
    return {value = value,
            text = text_of_error(shell, entry, value) .. shorten(debug.traceback(nil, 2))}
  end
end

local function report_failure(shell, entry, failure)
  shell.env._error = failure.value
  shell:fail((entry.job and ("[%d] failed: "):format(entry.job) or "") .. failure.text)
end

-- The task in the background is about to end; the prompt that is shown says how many are left.
local function end_job(shell, entry)
  for i, job in ipairs(shell.tasks) do
    if job.number == entry.job then
      table.remove(shell.tasks, i)
    end
  end
  if core.is_open() and core.is_interactive() then
    core.set_text((require("prompt_text").text(shell)))
  end
end

-- What the line's task does. It shows the value, too, since a value may take its time to say
-- what it is.
local function carry_out(shell, entry, fn)
  local values = table.pack(xpcall(fn, describe(shell, entry)))
  local failure = not values[1] and values[2]
  if type(failure) == "string" then -- there was no memory to describe it
    failure = {value = failure, text = failure}
  end
  local leaves = failure and not entry.job and core.exit_code(failure.value) ~= nil
  prompt_keep.finish(shell, entry, not failure or leaves)
  if leaves then
    shell:leave(failure.value)
  elseif failure then
    report_failure(shell, entry, failure)
  else
    if entry.job then
      shell:say(("[%d] done: %s"):format(entry.job, entry.label))
    end
    show_values(shell, entry, table.pack(table.unpack(values, 2, values.n)))
  end
  if entry.job then
    end_job(shell, entry)
  end
  return entry.ok
end

local function label_of(text)
  local first, rest = text:match "^%s*([^\n]*)(.*)$"
  return rest:find "%S" and first .. " ..." or first
end

local function to_background(shell, entry)
  shell.jobs = (shell.jobs or 0) + 1
  entry.job = shell.jobs
  prompt_keep.to_background(shell, entry)
  shell.tasks[#shell.tasks + 1] = {number = entry.job, text = entry.label, task = entry.task}
  shell:say(("[%d] %s"):format(entry.job, entry.label))
end

local function give_up(shell, entry)
  entry.task:cancel()
  prompt_keep.finish(shell, entry, entry.is_ended_by_interrupt or false)
  if entry.is_ended_by_interrupt then
    return
  end
  shell:fail "interrupted; what the service has begun goes on there"
end

-- The task has ended; it fails only when somebody stopped it while it was computing.
local function ended_well(shell, entry)
  local ok, value = pcall(entry.task.join, entry.task)
  if not ok then
    prompt_keep.finish(shell, entry, false)
    shell:fail((tostring(value):gsub("^.*: interrupted$", "interrupted")))
  end
  return ok and value
end

--- Waits for a line's task as the keyboard lets it.
-- @return true when it came to a good end
function Shell:wait(entry)
  local how = core.is_open() and core.wait(entry.task) or "ended"
  if how == "background" then
    to_background(self, entry)
    return true
  elseif how == "interrupted" then
    give_up(self, entry)
    return entry.ok
  end
  return ended_well(self, entry)
end

local function run_code(shell, line, entry)
  local fn, reason = prompt_line.compile(line.text, entry.name, shell.env)
  if not fn then
    prompt_keep.finish(shell, entry, false)
    shell.env._error = reason
    shell:fail(reason)
    return false
  end
  entry.task = core_tasks.spawn(carry_out, shell, entry, fn)
  if line.is_background then
    to_background(shell, entry)
    return true
  end
  return shell:wait(entry)
end

local function run_command(shell, line, entry)
  local command = line.command
  if type(command) == "string" then
    shell:fail(command)
    prompt_keep.finish(shell, entry, false)
    return false
  end
  entry.is_ended_by_interrupt = command.is_ended_by_interrupt
  entry.task = core_tasks.spawn(carry_out, shell, entry, function()
    command.run(shell, line.argument)
  end)
  return shell:wait(entry)
end

-- The value that a question is about; nil when there is none.
local function value_of(subject, env)
  local fn = load("return " .. subject:gsub(":", "."), "=question", "t", env)
  local ok, value = pcall(fn or error)
  if ok then
    return value
  end
end

local function answer(shell, line)
  local help = require "help"
  local value = value_of(line.subject, shell.env)
  local function find_line(name)
    return shell:find_line(name)
  end
  if not line.wants_source then
    return shell:say(help.text(value, line.subject, find_line))
  end
  local text, reason = help.source(value, find_line)
  shell:say(text or reason)
end

local function run_question(shell, line)
  local task = core_tasks.spawn(answer, shell, line)
  if core.is_open() and core.wait(task) ~= "ended" then
    task:cancel()
    return false
  end
  local ok, reason = pcall(task.join, task)
  if not ok then
    shell:fail(tostring(reason))
  end
  return ok
end

local function time_of(shell, run, ...)
  local before = core.machine_seconds()
  local ok = run(...)
  if shell.is_timing then
    shell:say(("Time: %.3f s"):format(core.machine_seconds() - before))
  end
  return ok
end

local function run_entry(shell, line, text, name)
  shell.count = shell.count + 1
  local entry = {text = text, number = shell.count, is_background = line.is_background,
                 name = name or "line " .. shell.count, label = label_of(text),
                 mark = require("core.trail").mark()}
  if line.kind == "command" then
    line.command = require("prompt_commands").find(line.name)
    entry.is_command = true
    entry.is_repeated = type(line.command) == "table" and line.command.is_repeated
  end
  prompt_keep.begin(shell, entry)
  return time_of(shell, entry.is_command and run_command or run_code, shell, line, entry)
end

-- Words that are values of Lua, and mean something else to whoever types them alone.
local MEANT = {tasks = {kind = "command", name = "tasks", argument = ""},
               exit = {kind = "command", name = "q", argument = ""},
               quit = {kind = "command", name = "q", argument = ""},
               help = {kind = "code", text = "help()"}}

--- Runs a text as if it had been typed.
-- @tparam string text
-- @tparam[opt] string name what messages call it; "line 3" and so on without
-- @return true when it came to a good end, or goes on in the background
function Shell:evaluate(text, name)
  local line = prompt_line.parse(text)
  if line.kind == "blank" or line.kind == "dropped" then
    return true
  elseif line.kind == "question" then
    return run_question(self, line)
  elseif line.kind == "code" then
    line = MEANT[line.text] or line
  end
  return run_entry(self, line, line.text or text:match "^%s*(.-)%s*$", name)
end

--- Runs a file as one line of the session.
-- @tparam string path
-- @return true when it came to a good end
function Shell:run_file(path)
  local file, reason = io.open(path)
  local text
  if file then
    text, reason = file:read "a"
    file:close()
  end
  if not text then
    self:fail(("%s: %s"):format(path, tostring(reason):gsub("^.*: ", "", 1)))
    return false
  end
  return self:evaluate(text, path:match "[^/]*$")
end

-- --- tasks in the background ----------------------------------------------------------------

local OVER = {done = true, failed = true, canceled = true}

--- The tasks in the background that are not over.
-- @treturn table list of {number, text, task}
function Shell:background_tasks()
  local going = {}
  for _, job in ipairs(self.tasks) do
    if not OVER[job.task:status()] then
      going[#going + 1] = job
    end
  end
  self.tasks = going
  return going
end

--- Ends the session after this line.
-- @param[opt] exit what run.exit() raised, whose code is the session's
function Shell:leave(exit)
  self.is_leaving, self.exit = true, exit
end

return prompt_shell
