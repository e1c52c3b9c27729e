--- Commands of the prompt for what runs in the background.
-- @module prompt_commands_tasks
local argument_of = require "prompt_argument"
local prompt_keep = require "prompt_keep"
local terminal = require "core.terminal"

local function numbers_of(jobs)
  local numbers = {}
  for i, job in ipairs(jobs) do
    numbers[i] = tostring(job.number)
  end
  return table.concat(numbers, ", ")
end

-- The tasks that the number means: all without one.
local function find_jobs(shell, argument, usage)
  local number, going = argument_of.number(argument, usage), shell:background_tasks()
  if not number then
    return going
  end
  for _, job in ipairs(going) do
    if job.number == number then
      return {job}
    end
  end
  error(("%s: no task %d runs in the background%s"):format(
    usage, number, #going > 0 and "; there are " .. numbers_of(going) or ""), 0)
end

-- The only one that a command can mean.
local function find_job(shell, argument, usage)
  local jobs = find_jobs(shell, argument, usage)
  if #jobs ~= 1 then
    error(#jobs == 0 and usage .. ": no task runs in the background"
          or ("%s: which of %s?"):format(usage, numbers_of(jobs)), 0)
  end
  return jobs[1]
end

local function list(shell, argument)
  argument_of.none(argument, "\\tasks")
  local lines = {}
  for i, job in ipairs(shell:background_tasks()) do
    lines[i] = ("[%d] %-8s %s"):format(job.number, job.task:status(), terminal.visible(job.text))
  end
  shell:say(#lines > 0 and table.concat(lines, "\n") or "no task runs in the background")
end

-- Its line has said itself how it ended.
local function join(shell, job)
  pcall(job.task.join, job.task)
  prompt_keep.join(shell, job.number)
end

local function wait(shell, argument)
  for _, job in ipairs(find_jobs(shell, argument, "\\wait [N]")) do
    join(shell, job)
  end
end

-- Its line did not come to a good end: it is not for another time.
local function cancel(shell, job)
  job.task:cancel()
  for _, entry in ipairs(shell.lines) do
    if entry.job == job.number then
      prompt_keep.finish(shell, entry, false)
    end
  end
end

local function kill(shell, argument)
  local job = find_job(shell, argument, "\\kill [N]")
  cancel(shell, job)
  shell:say(("[%d] canceled: %s\nwhat the service has begun goes on there"):format(
    job.number, terminal.visible(job.text)))
end

-- Waits for it in its place: who ends the wait ends the task.
local function foreground(shell, argument)
  local job = find_job(shell, argument, "\\fg [N]")
  local is_over = false
  local _ <close> = setmetatable({}, {__close = function()
    if not is_over then
      cancel(shell, job)
    end
  end})
  shell:say(job.text)
  join(shell, job)
  is_over = true
end

return {
  tasks = {usage = "\\tasks", run = list, help = "what runs in the background"},
  wait = {usage = "\\wait [N]", run = wait, is_ended_by_interrupt = true,
          help = "waits for a background task, or for all of them"},
  kill = {usage = "\\kill [N]", run = kill, help = "cancels a background task"},
  fg = {usage = "\\fg [N]", run = foreground,
        help = "waits for a background task; Ctrl-C cancels it"},
}
