--- What one does with scheduled jobs by hand: `moongate jobs list`, `history`, `run`, `pause` and
-- `resume`.
-- @module jobs
local clock = require "clock"
local json = require "json"
local jobs_by_hand = require "jobs_by_hand"
local jobs_history = require "jobs_history"
local jobs_list = require "jobs_list"
local records = require "jobs_records"
local run = require "run"
local runs = require "core.runs"
local shelf = require "shelf"
local tasks = require "tasks"
local words = require "jobs_words"

local MOST_CODE = 125 -- of what a script may say; that of a process that a signal ended is more

local jobs = {list = jobs_list.main, history = jobs_history.main, run = jobs_by_hand.main}

local function describe_pause(note)
  return ("%s%s%s"):format(note.by and " by " .. note.by or "",
    note.at and " since " .. words.moment(nil, note.at) or "",
    note.reason and ": " .. note.reason or "")
end

-- Each name once.
local function each(names, fn)
  local seen = {}
  for _, name in ipairs(names) do
    if not seen[name] then
      seen[name] = true
      fn(name)
    end
  end
end

--- Pause jobs: they begin no slots until they are resumed.
-- @tparam table options `names`, `reason`
-- @treturn integer the exit code
function jobs.pause(options)
  each(options.names, function(name)
    if records.pause(name, {by = words.myself(), reason = options.reason}) then
      print(("%s is paused"):format(name))
    else
      local note = records.paused(name) or {} -- or it has just been resumed
      print((runs.visible(("%s was paused already%s"):format(name, describe_pause(note)))))
    end
  end)
  return 0
end

--- Let paused jobs go on, with what is due from now on.
-- @tparam table options `names`
-- @treturn integer the exit code
function jobs.resume(options)
  each(options.names, function(name)
    print((records.unpause(name, clock.now()) and "%s goes on" or "%s was not paused")
      :format(name))
  end)
  return 0
end

--- What `moongate jobs` does; ends the run with its exit code.
-- @tparam string word `list`, `history`, `run`, `pause` or `resume`
-- @tparam string options JSON: `names`, and what the command line says
function jobs.main(word, options)
  local code, failure = tasks.try(jobs[word], json.decode(options))
  if not code then
    shelf.tell("moongate jobs: %s%s", failure.message, failure.cure and "; " .. failure.cure or "")
    code = 1
  end
  run.exit(code <= MOST_CODE and code or 1)
end

return jobs
