--- Stepping into a run of the past: `moongate repl --run ID`.
--
-- The run's script runs again, with answers from its journal, on a simulator. At a chosen step it
-- stops: one looks at its frames and variables, changes some, lets it go on.
-- @module past
local card = require "show_card"
local core = require "core.past"
local past_frame = require "past_frame"
local tasks = require "core.tasks"
local terminal = require "core.terminal"
local timeline = require "timeline"

local past = {}

-- Where it stands: `place` and `frame` (see past_frame), or it runs; `is_over` with `failure`.
local own = {}

-- --- words -----------------------------------------------------------------------------------

-- "create gateway 'gw-1'"
local function subject(write)
  local step = {kind = write.kind, verb = write.verb, nth = write.nth or 1,
                name = write.id:match "([^/]+)/*$" or write.id}
  return (write.kind and write.verb .. " " or "") .. timeline.subject(step)
end

-- What came of a step in the run.
local function describe_end(step)
  if step.state == "done" then
    return step.outcome or "done"
  elseif step.state == "failed" then
    return ("failed: %s: %s"):format(step.code or "?", step.message or "")
  end
  return step.state == "answered" and "it was under way" or "its answer is not known"
end

local function count_of(steps)
  local counts, words = {}, {}
  for _, step in ipairs(steps) do
    counts[step.state] = (counts[step.state] or 0) + 1
  end
  for _, row in ipairs {{"done", "done"}, {"failed", "failed"}, {"answered", "under way"},
                        {"intended", "without an answer"}} do
    if counts[row[1]] then
      words[#words + 1] = ("%d %s"):format(counts[row[1]], row[2])
    end
  end
  return ("%d %s%s%s"):format(#steps, #steps == 1 and "step" or "steps", #words > 0 and ": " or "",
                              table.concat(words, ", "))
end

-- --- which step --------------------------------------------------------------------------------

local function find_step(steps, number)
  for _, step in ipairs(steps) do
    if step.number == number then
      return step
    end
  end
end

-- Where the run ended: at a refusal, when that is the last that is told; else at the first step
-- without an answer, the last that was refused, the last of all.
local function find_end(steps)
  local failed, open
  for _, step in ipairs(steps) do
    if step.state == "failed" then
      failed = step
      if step.is_latest then
        return step
      end
    elseif step.state ~= "done" then
      open = open or step
    end
  end
  return open or failed or steps[#steps]
end

--- The step that words mean.
-- @tparam table steps as `core.past` lists them
-- @tparam ?string word `failed` (or nil): where the run ended; `last`; or a number
-- @treturn ?table the step, or nil when there is none at all
-- @raise a message when there is no such step
function past.choose(steps, word)
  if word == nil or word == "failed" then
    return find_end(steps)
  elseif word == "last" then
    return steps[#steps]
  end
  local found = find_step(steps, math.tointeger(tonumber(word)))
  if not found then
    error(("the run has no step '%s'; \\steps lists them"):format(word), 0)
  end
  return found
end

-- --- the script --------------------------------------------------------------------------------

local function read_file(path)
  local file, reason = io.open(path)
  if not file then
    error(reason, 0)
  end
  local text = file:read "a"
  file:close()
  return text
end

-- The path and the text of what is to be run.
local function find_script(info, path)
  if path then
    return path, read_file(path)
  end
  local text = core.code "script.lua"
  if not text then
    error(("the code of run %s was not kept: it died before that"):format(info.id), 0)
  end
  return info.manifest.script, text
end

-- Its globals are its own, each time anew.
local function new_globals(info, path)
  local env = {arg = {[0] = path}}
  for i, argument in ipairs(info.manifest.arguments or {}) do
    env.arg[i] = argument
  end
  env._G = env
  return setmetatable(env, {__index = _G})
end

local function forget_modules()
  for _, name in ipairs(core.modules()) do
    package.loaded[name] = nil
  end
end

-- Waits for the script's end and keeps what came of it.
local function watch(script)
  local result = table.pack(pcall(script.task.join, script.task))
  script.is_over, script.is_good, script.error = true, result[1], result[2]
  core.tell()
end

-- Runs it anew until step `target`, or to its end.
local function begin(path, target)
  local info = core.info()
  local name, text = find_script(info, path)
  local env = new_globals(info, name)
  local fn, wrong = load(text, name == "-e" and "=command line" or "@" .. name, "t", env)
  if not fn then
    error(wrong, 0)
  end
  forget_modules()
  core.begin(target and target.number, name)
  own = {script = {name = name, text = text, globals = env}, path = path, target = target}
  own.script.task = core.spawn(fn, table.unpack(env.arg))
  own.script.watch = tasks.spawn(watch, own.script)
end

-- --- where it stands ----------------------------------------------------------------------------

local function stand_at(place)
  own.place = place
  own.frame = past_frame.first_own(past_frame.list(place))
end

-- The write that it stands before, or nil. What has gone on meanwhile is not stood at any more.
local function current()
  local waiting = core.waiting()
  for _, write in ipairs(waiting) do
    if own.place and own.place.waits == write.number then
      return write, waiting
    end
  end
  if waiting[1] then
    stand_at {waits = waiting[1].number}
  elseif own.script and own.script.is_over then
    local failure = not own.script.is_good and core.failure() or nil
    if not failure then
      own.place = nil
    elseif not own.place or own.place.failure ~= failure then
      stand_at {failure = failure}
    end
  else
    own.place = nil
  end
  return waiting[1], waiting
end

local OVER = {done = true, failed = true, canceled = true}

-- Whether there is something to be shown: the task that was let go waits again; it is over, and
-- another one waits; without one, whatever waits; or all is over.
local function has_stopped(released)
  local waiting = core.waiting()
  for _, write in ipairs(waiting) do
    if not released or write.task == released then
      stand_at {waits = write.number}
      return true
    end
  end
  return own.script.is_over or (#waiting > 0 and OVER[released:status()] or false)
end

-- Ctrl-C ends the wait, not the script: then what comes of it is said when it comes.
local function wait_for_stop(released)
  local script, is_over = own.script, false
  local leaving <close> = setmetatable({}, {__close = function()
    script.is_left = not is_over
  end})
  own.place, script.is_left = nil, false
  while not has_stopped(released) do
    core.news()
  end
  is_over = true
end

-- --- what is said --------------------------------------------------------------------------------

local function source_line(frame)
  local script = own.script
  if frame.chunk ~= "@" .. script.name and frame.chunk ~= "=command line" then
    return nil
  end
  script.lines = script.lines or {}
  if #script.lines == 0 then
    for line in (script.text .. "\n"):gmatch "(.-)\r?\n" do
      script.lines[#script.lines + 1] = line
    end
  end
  return script.lines[frame.line]
end

local function say_frame(shell)
  local frames = past_frame.list(own.place)
  local frame = frames[own.frame]
  if not frame then
    return
  end
  shell:say(terminal.visible(("frame %d of %d: %s"):format(own.frame, #frames,
                                                           past_frame.describe(frame))))
  local text = source_line(frame)
  if text then
    shell:say(("%6d  "):format(frame.line) .. terminal.visible(text))
  end
end

-- Says a text in rows that are broken at blanks.
local function say_text(shell, text, hang)
  shell:say(table.concat(card.wrap({terminal.visible(text)}, (terminal.size()), hang or ""), "\n"))
end

local function say_unput(shell)
  local why, count = core.unput()
  if why then
    say_text(shell, ("what %d known %s did is not in the simulated world; the last: %s"):format(
      count, count == 1 and "write" or "writes", why))
  end
end

local function describe_stop(write)
  if not write.step then
    return ("stopped before %s, which the journal does not know"):format(subject(write))
  end
  return ("stopped before step %d: %s; in the run: %s"):format(
    write.step.number, subject(write.step), describe_end(write.step))
end

local function say_others(shell, write, waiting)
  if #waiting > 1 then
    say_text(shell, ("%d more %s, such as %s; \\where says where"):format(
      #waiting - 1, #waiting == 2 and "task waits before a write" or "tasks wait before writes",
      subject(waiting[waiting[1].number == write.number and 2 or 1])))
  end
end

local function count_left()
  local left = 0
  for _, step in ipairs(core.steps()) do
    left = left + (step.is_begun and 0 or 1)
  end
  return left
end

local function say_end(shell)
  local script = own.script
  if script.is_good then
    shell:say "the script has come to its end"
  elseif type(script.error) == "userdata" then
    shell:say "the script has ended itself by run.exit()"
  else
    shell:fail("the script failed: " .. terminal.visible(tostring(script.error)))
  end
  local target = own.target and find_step(core.steps(), own.target.number)
  if target and not target.is_begun then
    shell:say(("it did not come to step %d: %s"):format(target.number,
                                                        terminal.visible(subject(target))))
  end
  local left = count_left()
  if left > 0 then
    shell:say(("%d %s of the run %s not come to; \\steps shows which"):format(
      left, left == 1 and "step" or "steps", left == 1 and "was" or "were"))
  end
end

-- Says where it stands.
local function report(shell)
  local write, waiting = current()
  say_unput(shell)
  if write then
    say_text(shell, describe_stop(write))
    say_frame(shell)
    say_others(shell, write, waiting)
  elseif own.script.is_over then
    say_end(shell)
    if own.place then
      say_frame(shell)
    end
  else
    shell:say "the script runs; \\step stops it before its next write"
  end
end

-- Says what comes of a script that nobody waits for any more.
local function look_out(shell, script)
  while own.script == script and not script.is_told do
    core.news()
    if own.script == script and script.is_left and has_stopped() then
      script.is_left = false
      report(shell)
    end
    script.is_told = script.is_over and not script.is_left
  end
end

local function start(shell, path, target)
  begin(path, target)
  tasks.spawn(look_out, shell, own.script)
  wait_for_stop()
  report(shell)
end

-- --- commands ------------------------------------------------------------------------------------

--- The commands with a backslash, as of `prompt_commands`.
past.commands = {}

local function command(name, usage, help, run)
  past.commands[name] = {usage = usage, help = help, run = run}
end

local function need_place()
  current()
  if not own.place then
    error(own.script.is_over and "the script is over; \\restart runs it again"
          or "the script runs; \\step stops it before its next write", 0)
  end
  return own.place
end

-- The write that it stands before.
local function need_write()
  local write, waiting = current()
  if not write then
    error(own.script.is_over and "the script is over; \\restart runs it again"
          or "the script runs and waits for nothing here", 0)
  end
  return write, waiting
end

command("steps", "\\steps [NAME]", "the steps of the run, what came of each, and where it stands",
  function(shell, argument)
    local write = current()
    local lines = {count_of(core.steps())}
    for _, step in ipairs(core.steps()) do
      if argument == "" or subject(step):find(argument, 1, true) then
        local is_here = write and write.step and write.step.number == step.number
        lines[#lines + 1] = terminal.visible(("%s %5d  %s: %s%s"):format(
          is_here and ">" or " ", step.number, subject(step), describe_end(step),
          step.is_begun and "" or is_here and " (here)" or " (not come to)"))
      end
    end
    lines = card.wrap(lines, (terminal.size()), "  ")
    shell:say(table.concat(lines, "\n"))
  end)

local function say_frames(shell, place, here)
  for i, frame in ipairs(past_frame.list(place)) do
    shell:say(terminal.visible(("%s %3d  %s"):format(i == here and ">" or " ", i,
                                                     past_frame.describe(frame))))
  end
end

command("where", "\\where", "where the script stands: its frames, and those of other tasks",
  function(shell)
    local write, waiting = current()
    need_place()
    say_frames(shell, own.place, own.frame)
    for _, other in ipairs(waiting) do
      if other.number ~= (write and write.number) then
        shell:say(terminal.visible(("another task before %s:"):format(subject(other))))
        say_frames(shell, {waits = other.number})
      end
    end
  end)

local function go_to_frame(shell, number)
  local frames = past_frame.list(need_place())
  if not number or number < 1 or number > #frames then
    error(("there are frames 1 to %d; \\where lists them"):format(#frames), 0)
  end
  own.frame = number
  say_frame(shell)
end

command("frame", "\\frame N", "stand in frame N: its variables are there by their names",
  function(shell, argument)
    need_place()
    go_to_frame(shell, argument == "" and own.frame or math.tointeger(tonumber(argument)))
  end)

command("up", "\\up", "stand in the frame that has called this one", function(shell)
  need_place()
  go_to_frame(shell, own.frame + 1)
end)

command("down", "\\down", "stand in the frame that this one has called", function(shell)
  need_place()
  go_to_frame(shell, own.frame - 1)
end)

local KINDS = {call = "(asked for) ", upvalue = "(outer) "}

-- A module is not worth its functions here.
local function describe_value(shell, value)
  for name, loaded in pairs(package.loaded) do
    if rawequal(loaded, value) then
      return ("module '%s'"):format(name)
    end
  end
  local text = require("show").text(value, shell:options())
  return text == "" and "nil" or text
end

command("locals", "\\locals", "the variables of the frame, and their values", function(shell)
  local variables = past_frame.variables(need_place(), own.frame)
  if #variables == 0 then
    shell:say "this frame has no variables"
  end
  for _, variable in ipairs(variables) do
    local text = describe_value(shell, variable.value)
    shell:say(("%s%s =%s%s"):format(KINDS[variable.kind] or "", variable.name,
                                    text:find("\n", 1, true) and "\n" or " ", text))
  end
end)

-- Lets the write that it stands before go, and waits for the next stop of its task.
local function let_go(shell, how, ...)
  local write = need_write()
  core.stop_at "next"
  core.let_go(write.number, how, ...)
  wait_for_stop(write.task)
  report(shell)
end

command("step", "\\step", "do this write, and stop before the next one", function(shell)
  local write = current()
  if write or own.script.is_over then
    return let_go(shell, "send")
  end
  core.stop_at "next"
  wait_for_stop()
  report(shell)
end)

command("continue", "\\continue [STEP]", "go on to the end, or to a step",
  function(shell, argument)
    local write, waiting = need_write()
    local target = argument ~= "" and past.choose(core.steps(), argument) or nil
    core.stop_at(target and target.number)
    for _, other in ipairs(waiting) do
      core.let_go(other.number, other.number == write.number and "send" or "ask")
    end
    wait_for_stop()
    report(shell)
  end)

command("fail", "\\fail", "let this write fail as it did in the run, and stop before the next one",
  function(shell)
    let_go(shell, "fail")
  end)

command("return", "\\return [EXPRESSION]",
  "give the call these values instead of doing its write, and stop before the next one",
  function(shell, argument)
    need_write()
    local fn, wrong = load("return " .. argument, "=expression", "t", shell.env)
    if not fn then
      error(wrong, 0)
    end
    let_go(shell, "return", fn())
  end)

command("restart", "\\restart [FILE]",
  "run again up to the same step in a new world: the run's script, or FILE",
  function(shell, argument)
    start(shell, argument ~= "" and argument or own.path, own.target)
  end)

-- --- the beginning -------------------------------------------------------------------------------

local function say_banner(shell, info, target)
  local steps = core.steps()
  say_text(shell, ("run %s of %s, %s"):format(
    info.id, table.concat({info.manifest.script, table.unpack(info.manifest.arguments or {})}, " "),
    count_of(steps)))
  if info.damage then
    say_text(shell, info.damage)
  end
  say_text(shell, ("Its script runs %s. Writes that the journal has as done are answered from it; "
    .. "what is read, and all else, is asked of a simulator%s. Nothing is sent to Azure, and "
    .. "nothing is written to %s."):format(
      target and ("up to step %d"):format(target.number) or "to its end",
      info.world and " with the world of " .. info.world or "", info.store))
end

-- The place and the frame where lines find their variables.
local function stand()
  current()
  return own.place, own.frame
end

-- For the text in front of a line: "1f3a step 7", by what tells the ids of runs apart.
local function describe_place()
  local write = current()
  local where = own.script and own.script.is_over and "over" or "running"
  if write then
    where = write.step and ("step %d"):format(write.step.number) or "stopped"
  end
  local id = core.info().id
  return ("%s %s"):format(id:match "^%d+%-%d+%-(%x+)$" or id, where)
end

--- Steps into the run that `--run` names: says what it is, runs its script up to the chosen step
-- and gives the prompt its commands and the variables of its frames.
-- @tparam table shell the prompt's state
function past.enter(shell)
  local info = core.info()
  local target = past.choose(core.steps(), info.step)
  local commands = require "prompt_commands"
  for name, own_command in pairs(past.commands) do
    commands[name] = own_command
  end
  local env = shell.env
  shell.place = describe_place
  shell.env = past_frame.scope(env, stand)
  shell.names = function()
    return past_frame.names(env, stand())
  end
  say_banner(shell, info, target)
  start(shell, info.script, target)
end

--- Ends the script: the prompt is left.
function past.leave()
  own = {}
  core.cancel()
  core.tell()
end

return past
