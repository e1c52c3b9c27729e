--- The prompt: reads lines, and has the session run them.
-- @module prompt
local core = require "core.prompt"
local core_tasks = require "core.tasks"
local prompt_shell = require "prompt_shell"

local prompt = {}

-- What Tab looks at: the variables of lines, or a plain table instead.
local function names_of(shell)
  return shell.names and shell.names() or shell.env
end

local function complete(shell, text, cursor)
  local env = names_of(shell)
  local found = require("completion").at(text, cursor, env)
  if found.is_missing then
    core_tasks.spawn(require("live_names").refresh, found.is_missing, env)
  end
  local choices = {}
  for i, candidate in ipairs(found.candidates) do
    choices[i] = candidate.text
  end
  return {from = found.from - 1, to = found.to - 1, common = found.common, choices = choices,
          total = found.total}
end

local function hint(shell, text, cursor)
  return require("completion").hint(text, cursor, names_of(shell))
end

local function run_init_file(shell)
  local path = core.init_file()
  if path then
    shell:run_file(path)
  end
end

local function warn_of_tasks(shell, going)
  shell:say(("%d %s still under way:"):format(#going, #going == 1 and "task is" or "tasks are"))
  for _, job in ipairs(going) do
    shell:say(("  [%d] %s"):format(job.number, job.text))
  end
  shell:say(core.keeps()
    and "Once more leaves them to `moongate resume`; \\wait waits for them."
    or "Once more leaves them, and ends the simulator; \\wait waits for them.")
end

-- Whether one may go: with tasks under way only the second time in a row.
local function may_leave(shell)
  local going = shell:background_tasks()
  if #going == 0 then
    return true
  end
  if not core.is_interactive() then
    for _, job in ipairs(going) do
      pcall(job.task.join, job.task)
    end
    return true
  end
  if not shell.is_warned then
    shell.is_warned = true
    warn_of_tasks(shell, going)
    return false
  end
  for _, job in ipairs(going) do
    job.task:cancel()
  end
  require("run").exit(6)
end

local function read_line(shell)
  if core.is_interactive() then
    return core.read(require("prompt_text").text(shell))
  end
  return core.read("", "")
end

-- A mistake of the prompt's own must not end the session.
local function evaluate(shell, text)
  local ok, reason = pcall(shell.evaluate, shell, text)
  if not ok then
    shell:fail(tostring(reason))
  end
end

local function read_lines(shell)
  while not shell.is_leaving or not may_leave(shell) do
    shell.is_leaving = false
    local text = read_line(shell)
    if text then
      shell.is_warned = shell.is_warned and text:match "^%s*\\q" ~= nil
      evaluate(shell, text)
    else
      shell.is_leaving = true
    end
  end
end

--- What `moongate repl` runs.
function prompt.main()
  local shell = prompt_shell.new()
  require("core.trail").start()
  core.set_helper(function(text, cursor) return complete(shell, text, cursor) end,
                  function(text, cursor) return hint(shell, text, cursor) end)
  run_init_file(shell)
  if core.is_interactive() then
    shell:say(require("prompt_text").banner())
  end
  local past = require("core.past").is_open() and require "past"
  if past then
    shell:wait {task = core_tasks.spawn(past.enter, shell), label = "\\restart"}
  end
  read_lines(shell)
  if past then
    past.leave()
  end
  if shell.has_failed and not core.is_interactive() then
    require("run").exit(1)
  end
end

--- What a resumed session runs: its lines again, but for those that had failed.
-- @tparam table lines list of {text, is_background, is_failed, is_secret}
function prompt.replay(lines)
  local shell, log = prompt_shell.new(), require "log"
  for number, line in ipairs(lines) do
    if line.is_failed then
      log.info(("line %d had failed and is left out: %s"):format(number, line.text))
    elseif line.is_secret then
      log.warning(("line %d held a secret and was not kept: what follows may miss it"):format(number))
    else
      shell.count = number - 1
      shell:evaluate(line.text .. (line.is_background and " &" or ""))
    end
  end
  if shell.has_failed then
    error("a line of the session failed, see above", 0)
  end
end

return prompt
