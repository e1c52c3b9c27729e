--- The scheduler: `moongate jobs start`.
-- @module jobs_start
local clock = require "clock"
local core = require "core.jobs"
local json = require "json"
local log = require "log"
local run = require "run"
local runs = require "core.runs"
local service = require "core.service"
local tasks = require "tasks"
local worker = require "core.worker"

local jobs_dispatcher = require "jobs_dispatcher"
local jobs_notices = require "jobs_notices"
local jobs_page = require "jobs_page"
local jobs_page_estate = require "jobs_page_estate"
local jobs_records = require "jobs_records"

local start = {}

local FAILED, REFUSED = 1, 5 -- exit codes

-- --- what is said ------------------------------------------------------------------------------

local function duration(seconds)
  return seconds and clock.format(seconds) or "?"
end

-- The first line of why, behind a colon.
local function because(text)
  return text and ": " .. text:match "^[^\n]*" or ""
end

-- What is said of each change; those that nobody needs to read are not there.
local WORDS = {
  began = function(facts)
    return ("run %s began, attempt %d"):format(facts.run, facts.attempt)
  end,
  failed = function(facts)
    return ("run %s: attempt %d %s with exit code %s; again in %s%s"):format(facts.run,
      facts.attempt, facts.status, facts.exit_code, duration(facts.again_in),
      because(facts.error))
  end,
  ended = function(facts)
    local why = facts.error or facts.status == "failed" and facts.exit_code
      and ("exit code %d"):format(facts.exit_code) or nil
    local elsewhere = facts.host and facts.host ~= core.host() and " on " .. facts.host or ""
    return ("run %s %s%s in %s%s"):format(facts.run, facts.status, elsewhere,
      duration(facts.duration), because(why))
  end,
  left = function(facts)
    return ("run %s: %s"):format(facts.run, facts.reason)
  end,
  ["taken up"] = function(facts)
    return ("run %s of host %s is taken up"):format(facts.run, facts.host)
  end,
  skipped = function(facts)
    return ("slot %s is left out: %s"):format(clock.utc(facts.slot), facts.reason)
  end,
  missed = function(facts)
    return ("%d slot%s up to %s missed"):format(facts.count, facts.count == 1 and "" or "s",
      clock.utc(facts.slot))
  end,
  late = function(facts)
    return ("slot %s began %s late"):format(clock.utc(facts.slot), duration(facts.late))
  end,
  canceling = function(facts)
    return ("run %s is canceled for slot %s"):format(facts.run, clock.utc(facts.slot))
  end,
  paused = function(facts)
    return ("paused by %s%s"):format(facts.by, because(facts.reason))
  end,
  resumed = function(facts)
    return "resumed by " .. facts.by
  end,
}

-- "1 job", "2 jobs".
local function counted(count, noun)
  return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

local function say(text)
  io.stderr:write(clock.utc():sub(1, 19), "Z ", (runs.visible(text)), "\n")
end

local function say_change(name, what, facts)
  if WORDS[what] then
    say(("%s: %s"):format(name or "jobs", WORDS[what](facts)))
  end
end

-- What the service manager cannot be told is told once to whoever reads the log.
local is_warned = false

local function warn_once(wrong)
  if wrong and not is_warned then
    log.warning("the service manager: " .. wrong)
    is_warned = true
  end
end

local function notify(text)
  local _, wrong = service.notify(text)
  warn_once(wrong)
end

-- --- beginning and end -------------------------------------------------------------------------

-- A job as it is declared now, or nil.
local function find_job(name)
  local i = core.find(name)
  return i and core.job(i)
end

local function new_dispatcher(options)
  return jobs_dispatcher.new {
    core = core, records = jobs_records, start = worker.start, now = clock.now,
    steady_now = core.steady, has_own_clock = options.own_clock, warn = log.warning,
    host = core.host(), store = runs.label(), folder = core.folder(), words = options.words,
    max_runs = options.max_runs, tells_others = options.listen ~= nil, lease = options.lease,
    notices = jobs_notices.new {find = find_job, host = core.host()},
  }
end

-- Serves the page, when it is asked for. Returns it, or nil.
local function serve_page(own, options)
  local names = {}
  for name in (options.host_names or ""):gmatch "[^,]+" do
    names[#names + 1] = name
  end
  local page = options.listen and jobs_page.serve(own, {
    listen = options.listen, token = options.token, public = options.public, names = names,
    records = jobs_records, schedule = core, estate = jobs_page_estate.reader {
      start = worker.start, words = options.words, folder = core.folder(),
    },
  })
  if page then
    say(("the page: http://%s/"):format(page.address))
  end
  return page
end

-- Tells the service manager that this goes on, as long as the loop turns: until it is canceled, as
-- handing over may take long, too.
local function keep_watchdog()
  local every, wrong = service.watchdog()
  warn_once(wrong)
  while every do
    tasks.sleep(every / 2)
    notify "WATCHDOG=1"
  end
end

local function reload(own)
  notify "RELOADING=1"
  local ok, wrong = own:reload()
  notify "READY=1"
  if ok then
    say("the configuration was read again: " .. counted(core.count(), "job"))
  else
    log.error("the configuration is as it was: " .. wrong)
  end
end

-- Does what signals ask for, until they ask for the end.
local function obey(own)
  while true do
    local asked = service.next()
    if asked == "reload" then
      reload(own)
    elseif asked == "clock" then
      own.bell:ring()
    else
      return
    end
  end
end

local function drain(own, grace)
  notify "STOPPING=1"
  if own.running > 0 then
    say(("handing over %s, in %s at most"):format(counted(own.running, "run"), duration(grace)))
  end
  local draining = tasks.spawn(own.drain, own, grace)
  local stopping = tasks.spawn(function()
    repeat until service.next() == "stop"
    own:kill()
  end)
  draining:join()
  stopping:cancel()
end

-- Opens all. What the world refuses ends the program.
local function begin(own, options)
  local page, failure = tasks.try(function()
    own:open()
    return serve_page(own, options)
  end)
  if failure then
    io.stderr:write("moongate jobs start: ", (runs.visible(tostring(failure))), "\n")
    run.exit(failure.code == "GuardRefused" and REFUSED or FAILED)
  end
  return page
end

-- Begins slots until signals ask for the end, or a mistake of the program does: whoever keeps this
-- program may start it again. Returns that failure, or nil.
local function run_until_stopped(own)
  local obeying, failure = tasks.spawn(obey, own), nil
  tasks.spawn(function()
    local ok, why = pcall(own.run, own)
    failure = not ok and why or nil
    obeying:cancel() -- unless it is over
  end)
  local ok, why = pcall(obeying.join, obeying)
  return failure or not ok and why or nil
end

--- Run jobs until somebody stops it.
-- @tparam string text the options, as JSON: `words` of every run, `max_runs`, `grace` and `lease`
--   in seconds, `listen`, `host_names`, `token` and `public` of the page, `own_clock` (the
--   simulator's, which nobody sets), `quiet`
function start.main(text)
  local options = json.decode(text)
  local own = new_dispatcher(options)
  if not options.quiet then
    own:on_change(say_change)
  end
  local page = begin(own, options)
  notify("READY=1\nSTATUS=" .. counted(core.count(), "job"))
  if not options.quiet then
    say(("%s of %s, in %s"):format(counted(core.count(), "job"), core.path(), runs.label()))
  end
  local watchdog = tasks.spawn(keep_watchdog)
  local failure = run_until_stopped(own)
  drain(own, options.grace)
  watchdog:cancel()
  own.notices:close()
  if page then
    page:close()
  end
  if failure then
    error(failure, 0)
  end
end

return start
