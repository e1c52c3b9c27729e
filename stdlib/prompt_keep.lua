--- The lines of a session as the script that a resumed run will run.
--
-- The script only grows: a line that fails after it was kept is not taken out, but followed by a
-- note that it had failed.
-- @module prompt_keep
local core = require "core.prompt"

local prompt_keep = {}

local HEAD = [[
-- The lines of a session at the prompt. When the run is carried on, those that had come to a good
-- end, or to none, run again: what they wrote is answered from the journal.
require("prompt").replay {
]]
local TAIL = "}\n"

local function format_entry(entry)
  return ("  {number = %d, %s},\n"):format(
    entry.number, entry.is_secret and "is_secret = true" or ("text = %q"):format(entry.text))
end

local function append(shell, text)
  local script = shell.script
  if not script then
    script = {length = 0}
    shell.script, text = script, HEAD .. text
  end
  core.keep(script.length, text .. TAIL)
  script.length = script.length + #text
end

-- Says more of a line, where it is kept.
local function note(shell, entry, form, ...)
  if entry.script and entry.script == shell.script then
    append(shell, form:format(...))
  end
end

--- A line is about to run, and is kept before it writes anything.
-- @tparam table shell
-- @tparam table entry the line; commands are kept when they are to run again (`is_repeated`)
function prompt_keep.begin(shell, entry)
  entry.is_secret = core.has_secret(entry.text)
  shell.lines[#shell.lines + 1] = entry
  if core.keeps() and (not entry.is_command or entry.is_repeated) then
    append(shell, format_entry(entry))
    entry.script = shell.script
  end
end

--- It ended; a line that failed or was interrupted is not for another time.
-- @tparam table shell
-- @tparam table entry
-- @tparam boolean ok
function prompt_keep.finish(shell, entry, ok)
  local had_failed = entry.ok == false
  entry.ok = ok
  if not ok and not had_failed then
    note(shell, entry, "  {failed = %d},\n", entry.number)
    core.note_failed(entry.number)
  end
end

--- It goes on in the background, as the job that `entry.job` says.
-- @tparam table shell
-- @tparam table entry
function prompt_keep.to_background(shell, entry)
  note(shell, entry, "  {number = %d, job = %d},\n", entry.number, entry.job)
end

--- The lines that follow have waited for a job.
-- @tparam table shell
-- @tparam number job
function prompt_keep.join(shell, job)
  if shell.script then
    append(shell, ("  {joined = %d},\n"):format(job))
  end
end

--- Another run has begun: what was typed so far is not its.
-- @tparam table shell
function prompt_keep.begin_anew(shell)
  shell.script = nil
end

return prompt_keep
