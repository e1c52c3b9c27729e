--- The prompt: reads lines, and has the session run them.
-- @module prompt
local core = require "core.prompt"
local core_session = require "core.session"
local core_tasks = require "core.tasks"
local prompt_shell = require "prompt_shell"

local prompt = {}

-- The tasks of a list that are not over.
local function alive(list)
  local going = {}
  for _, task in ipairs(list) do
    if task:status() == "ready" or task:status() == "waiting" then
      going[#going + 1] = task
    end
  end
  return going
end

-- Names are asked for in tasks of their own, which nobody minds when they leave. `then_what` is
-- called when they are there.
local function refresh_names(shell, key, then_what)
  shell.refreshing = alive(shell.refreshing or {})
  table.insert(shell.refreshing, core_tasks.spawn(function()
    require("live_names").refresh(key)
    then_what()
  end))
end

-- What Tab looks at: the variables of lines, or a plain table instead.
local function names_of(shell)
  return shell.names and shell.names() or shell.env
end

local function complete(shell, text, cursor)
  local env = names_of(shell)
  local found = require("completion").at(text, cursor, env)
  if found.is_missing and not shell.is_again then
    refresh_names(shell, found.is_missing, function()
      shell.is_again = true
      if #found.candidates == 0 then
        core.complete(text, cursor)
      end
      shell.is_again = false
    end)
  end
  local choices = {}
  for i, candidate in ipairs(found.candidates) do
    choices[i] = candidate.label
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

-- How many tasks that lines have spawned go on, besides the lines themselves. What a script of
-- the past has spawned ends with the session.
local function count_spawned(shell, going)
  return require("core.past").is_open() and 0
         or core.task_count() - 1 - #going - #alive(shell.refreshing or {})
end

local function warn_of_tasks(shell, going, spawned)
  local count = #going + spawned
  shell:say(("%d %s still under way:"):format(count, count == 1 and "task is" or "tasks are"))
  for _, job in ipairs(going) do
    shell:say(("  [%d] %s"):format(job.number, job.text))
  end
  if spawned > 0 then
    shell:say(("  %d that %s spawned"):format(
      spawned, spawned == 1 and "a line has" or "lines have"))
  end
  local what = core.is_kept() and "leaves them to `moongate resume`"
               or core_session.info().sim and "leaves them, and ends the simulator"
               or "leaves them"
  shell:say(("Once more %s%s."):format(what, #going > 0 and "; \\wait waits for them" or ""))
end

-- Those that are over have said how they ended.
local function join_tasks(shell, number)
  for _, job in ipairs(shell:background_tasks()) do
    if not number or job.number == number then
      pcall(job.task.join, job.task)
    end
  end
end

-- Whether one may go: with tasks under way only the second time in a row.
local function may_leave(shell)
  if not core.is_interactive() then
    join_tasks(shell)
    return true
  end
  local going = shell:background_tasks()
  local spawned = count_spawned(shell, going)
  if #going == 0 and spawned == 0 then
    return true
  elseif shell.is_warned then
    require("run").exit(6)
  end
  shell.is_warned = true
  warn_of_tasks(shell, going, spawned)
  return false
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
    shell.is_leaving, shell.exit = false, nil
    local text, trouble = read_line(shell)
    if text then
      evaluate(shell, text)
      shell.is_warned = shell.is_warned and shell.is_leaving
    else
      shell.is_leaving = true
    end
    if trouble then
      shell:fail("standard input: " .. trouble)
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
  if shell.exit then
    error(shell.exit)
  elseif core.is_interactive() then
    require("run").exit(0) -- nobody waits for tasks that ask for names; failures were told
  elseif shell.has_failed then
    require("run").exit(1)
  end
end

-- What became of each line, by its number.
local function read_notes(items)
  local failed, jobs = {}, {}
  for _, item in ipairs(items) do
    if item.failed then
      failed[item.failed] = true
    elseif item.job then
      jobs[item.number] = item.job
    end
  end
  return failed, jobs
end

local function replay_line(shell, line, job)
  shell.count = line.number - 1
  if job then
    shell.jobs = job - 1
  end
  shell:evaluate(line.text .. (job and " &" or ""))
end

--- What a resumed session runs: its lines again, but for those that had failed.
-- @tparam table items list of lines {number, text} or {number, is_secret}, and of what became of
--   them, as it came: {number, job} went on in the background, {failed = number} failed,
--   {joined = job} was waited for
function prompt.replay(items)
  local shell, log = prompt_shell.new(), require "log"
  local failed, jobs = read_notes(items)
  for _, item in ipairs(items) do
    if item.joined then
      join_tasks(shell, item.joined)
    elseif item.text and failed[item.number] then
      log.info(("line %d had failed and is left out: %s"):format(item.number, item.text))
    elseif item.is_secret then
      log.warning(("line %d held a secret and was not kept: what follows may miss it"):format(
        item.number))
    elseif item.text then
      replay_line(shell, item, jobs[item.number])
    end
  end
  join_tasks(shell)
  if shell.has_failed then
    error("a line of the session failed, see above", 0)
  end
end

return prompt
