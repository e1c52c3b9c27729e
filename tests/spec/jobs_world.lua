-- A world of stand-ins for dispatchers: hosts with clocks of their own, a store in memory that can
-- fail, and processes that end after a simulated time. Records are the real ones, over that store;
-- all of them are counted when they are put, whatever is removed later.
local check = require "core.check"
local clock = require "clock"
local core = require "core.runs"
local jobs = require "core.jobs"
local json = require "json"
local records = require "jobs_records"
local shelf = require "shelf"
local tasks = require "tasks"
local upkeep = require "upkeep"
local jobs_dispatcher = require "jobs_dispatcher"

local world = {
  LEASE = 14400, -- seconds that a run stays with a host that is not heard of
  EVERY = 7200, -- seconds between two looks of a host at the others
  POLL = 60,   -- seconds until a run hears that it is canceled
}

-- --- chance ------------------------------------------------------------------------------------

local state = 1

--- Begin a sequence of random numbers.
function world.seed(number)
  state = number * 0x9e3779b97f4a7c15 | 1
end

--- A number from 0 to below 1 (xorshift64*).
function world.random()
  state = state ~ (state >> 12)
  state = state ~ (state << 25)
  state = state ~ (state >> 27)
  return ((state * 0x2545f4914f6cdd1d) >> 11) / (1 << 53)
end

--- A number around a mean, now small, now large.
function world.around(mean)
  return -mean * math.log(1 - world.random())
end

local random = world.random

-- --- hosts -------------------------------------------------------------------------------------

local steady = clock.now -- of the virtual clock: nobody sets it
local host_of = setmetatable({}, {__mode = "k"}) -- by coroutine
local began = steady()

world.fleet_offset = 0 -- seconds that all wall clocks are ahead of the virtual one
world.errors = {}
world.passed = {} -- slots that came while their job was paused, by "name time"

local function here()
  return host_of[coroutine.running()]
end

--- What a host's clock shows.
function world.wall(host)
  return steady() + world.fleet_offset + (host and host.offset or 0)
end

clock.now = function()
  return world.wall(here())
end

world.steady = steady

local spawn, map = tasks.spawn, tasks.map

-- Runs a function as a task of a host. A mistake of the program is kept for the audit.
local function enter(host, fn, ...)
  host_of[coroutine.running()] = host
  local ok, failure = xpcall(fn, function(why)
    return check.is_failure(why) and why or debug.traceback(tostring(why), 2)
  end, ...)
  if not ok then
    if not check.is_failure(failure) or host.is_open and not (host.is_leaving or world.is_down) then
      world.errors[#world.errors + 1] = tostring(failure)
    end
    error(failure, 0)
  end
end

local function spawn_at(host, fn, ...)
  local task = spawn(pcall, enter, host, fn, ...)
  host.tasks[task] = true
  return task
end

--- Do something as a task of a host, and wait for it.
-- @raise what it raises
function world.at(host, fn, ...)
  local task = spawn(function(...)
    host_of[coroutine.running()] = host
    return pcall(fn, ...)
  end, ...)
  host.tasks[task] = true
  local ok, failure = task:join()
  if not ok then
    error(failure, 0)
  end
  return true
end

-- Naps of the dispatcher are canceled, and have no host to ask.
function tasks.spawn(fn, ...)
  local host = here()
  if not host or fn == tasks.sleep then
    local task = spawn(fn, ...)
    if host then
      host.tasks[task] = true
    end
    return task
  end
  return spawn_at(host, fn, ...)
end

function tasks.map(list, fn, options)
  local host = here()
  return map(list, function(...)
    host_of[coroutine.running()] = host
    return fn(...)
  end, options)
end

-- --- the store ---------------------------------------------------------------------------------

local folders, sequence = {}, 0
world.claims, world.ends, world.missed, world.skips = {}, {}, {}, {} -- what was put, by run
world.is_down, world.latency, world.fault = false, 0, 0

local function refuse()
  error(check.failure {code = "ServiceUnavailable", message = "the store cannot be reached",
                       retryable = true}, 0)
end

-- What each call of the store goes through: it takes its time, and can fail.
local function reach()
  if world.latency > 0 and random() < 0.2 then
    tasks.sleep(world.latency * random())
  end
  if world.is_down or random() < world.fault then
    refuse()
  end
end

local function split(name)
  return name:match "^(.*/)([^/]*)$"
end

local function take(into, name, key, text)
  local list = into[name .. " " .. key] or {}
  into[name .. " " .. key] = list
  local note = json.decode(text)
  note.put_at, note.host, note.wall = steady(), here(), clock.now()
  note.is_astray = world.is_astray
  list[#list + 1] = note
end

-- Notes what a text of a slot says.
local function observe(folder, leaf, text)
  local name = folder:match "^jobs/slots/(.+)/$"
  local key, rest = leaf:match "^([%d-]+[%w-]*)(.*)%.json$"
  if not name or not key then
    return
  elseif rest == ".missed" then
    take(world.missed, name, key, text)
  elseif rest == ".end" then
    take(world.ends, name, key, text)
  elseif rest == "" then
    local is_claim = json.decode(text).status == "claimed"
    take(is_claim and world.claims or world.skips, name, key, text)
  end
end

function core.put(name, text)
  reach()
  local folder, leaf = split(name)
  local list = folders[folder] or {}
  if list[leaf] then
    return false
  end
  folders[folder], list[leaf] = list, {text = text, modified = steady()}
  observe(folder, leaf, text)
  if leaf == "cancel.json" then
    world.cancel(folder:match "^runs/(.*)/$")
  end
  if random() < world.fault then
    refuse() -- it is there, and who put it does not know
  end
  return true
end

function core.get(name, offset, most)
  reach()
  local folder, leaf = split(name)
  local text = folders[folder] and folders[folder][leaf] and folders[folder][leaf].text
  if text then
    return text:sub((offset or 0) + 1, (offset or 0) + (most or #text)), #text
  end
end

-- A claim that goes before its slot has ended was none.
local function unobserve(folder, leaf)
  local name, key = folder:match "^jobs/slots/(.+)/$", leaf:match "^([%d-]+[%w-]*)%.json$"
  local list = name and key and world.claims[name .. " " .. key]
  if list and not folders[folder][key .. ".end.json"] then
    list[#list] = nil
  end
end

function core.remove(name)
  reach()
  local folder, leaf = split(name)
  if folders[folder] and folders[folder][leaf] then
    unobserve(folder, leaf)
    folders[folder][leaf] = nil
  end
end

function core.list(folder)
  reach()
  local found = {}
  for leaf, entry in pairs(folders[folder] or {}) do
    found[#found + 1] = {name = folder .. leaf, size = #entry.text, modified = entry.modified}
  end
  table.sort(found, function(a, b)
    return a.name < b.name
  end)
  return found
end

function core.random()
  sequence = sequence + 1
  return ("%016x"):format(sequence * 0x9e3779b97f4a7c15):reverse()
end

function core.label()
  return "memory"
end

-- --- processes and their journals ----------------------------------------------------------------

local runs = {} -- by id
world.ran, world.begun, world.going_on = {}, 0, {} -- successes by run; runs that go on, by job

function shelf.look(id)
  reach()
  local run = runs[id] or {fence = 0}
  local is_held = run.worker ~= nil or (run.held_until or 0) > steady()
  local state = run.status or "died"
  return {lease = {is_held = is_held, fence = run.fence}, state = state, ended = run.ended,
          why = run.error, finish = run.status and {fence = run.fence, exit_code = run.exit_code}}
end

function upkeep.clear(id)
  local run = runs[id]
  if run and (run.worker or (run.held_until or 0) > steady()) then
    return false
  end
  runs[id], folders[shelf.path(id, "")] = nil, nil
  return true
end

local worker = {}
worker.__index = worker

local CODES = {succeeded = 0, failed = 1, canceled = 1, interrupted = 6, held = 7}

-- Ends a process. One that was killed leaves its lease.
local function stop(own, status, signal)
  local run = own.run
  own.ended = {exit_code = signal and 128 + signal or CODES[status], signal = signal, said = ""}
  if own.is_carrying then
    run.worker, world.going_on[own.name][run] = nil, nil
    run.rest = math.max(own.upto - steady(), 0)
    run.status, run.ended, run.exit_code = not signal and status or nil, clock.now(), CODES[status]
    run.error = status == "failed" and "it went wrong" or nil
    run.held_until = signal and steady() + world.LEASE or nil
    if status == "succeeded" then
      world.ran[run.id] = (world.ran[run.id] or 0) + 1
    end
  end
end

function worker:pid()
  return not self.ended and self.number or nil
end

function worker:wait()
  while not self.ended do
    pcall(self.nap.join, self.nap)
  end
  return self.ended
end

function worker:signal(name)
  if not self.ended then
    stop(self, "interrupted", name == "kill" and 9 or nil)
    self.nap:cancel()
  end
end

-- Asks for the end of a run, of which its process hears a little later.
function world.cancel(id)
  local own = runs[id] and runs[id].worker
  if own then
    spawn(function()
      tasks.sleep(world.POLL)
      if not own.ended then
        stop(own, "canceled")
        own.nap:cancel()
      end
    end)
  end
end

-- Whether a run of another slot of the job goes on.
local function others_of(name, id)
  for other in pairs(world.going_on[name] or {}) do
    if other.id ~= id then
      return other
    end
  end
end

-- Begins to work: for the rest of its time when it was begun before.
local function begin(own)
  local run = own.run
  world.going_on[own.name] = world.going_on[own.name] or {}
  if world.on_begin then
    world.on_begin(own.name, run.id, others_of(own.name, run.id))
  end
  world.going_on[own.name][run] = true
  own.is_carrying, run.worker, run.fence, run.status = true, own, run.fence + 1, nil
  run.rest = run.rest or world.lasts(own.name)
  local rest, at = run.rest, steady()
  local will_fail = random() < 0.1
  own.upto = at + rest * (will_fail and random() or 1) // 1
  own.nap = spawn(function()
    tasks.sleep(own.upto - at)
    stop(own, will_fail and "failed" or "succeeded")
  end)
end

--- A stand-in for core.worker.start.
function world.start(request)
  local id = request.words[3]
  local run = runs[id] or {id = id, fence = 0}
  local own = setmetatable({run = run, number = world.begun, host = here(),
                            name = id:match "^%d+%-%d+%-(.*)$":gsub("^m%x%x%x%x%-", "")}, worker)
  runs[id] = run
  world.begun = world.begun + 1
  if run.worker or (run.held_until or 0) > steady() then
    own.nap = spawn(function()
      stop(own, "held")
    end)
  elseif run.status == "succeeded" then
    own.nap = spawn(function()
      own.ended = {exit_code = 0, said = ""}
    end)
  else
    begin(own)
  end
  own.host.workers[own] = true
  return own
end

-- --- life and death of hosts ---------------------------------------------------------------------

-- A warning that names a line of the program is a mistake of it.
local function warn(text)
  if text:find("%.lua:%d+:") then
    world.errors[#world.errors + 1] = text
  end
end

--- Begin a dispatcher on a host, `{name=, offset=}`.
function world.boot(host)
  host.tasks, host.workers = setmetatable({}, {__mode = "k"}), setmetatable({}, {__mode = "k"})
  host.is_leaving, host.is_open = nil, nil
  host.root = spawn_at(host, function()
    host.own = jobs_dispatcher.new {
      core = jobs, records = records, start = world.start, steady_now = steady,
      now = function() return world.wall(host) end, warn = warn, host = host.name,
      store = "memory", folder = "/", words = {}, max_runs = 64, lease = world.LEASE,
      every = world.EVERY,
    }
    host.own:on_change(function(name, what, facts)
      if what == "passed" then
        world.passed[name .. " " .. facts.slot] = true
      end
    end)
    host.own:open()
    host.is_open, host.since, host.steady_since = true, world.wall(host), steady()
    host.own:run()
  end)
end

--- End a host at once.
-- @param takes_processes whether the processes end with it
function world.kill(host, takes_processes)
  if host.own and host.is_open and world.on_death then
    world.on_death(host)
  end
  for task in pairs(host.tasks) do
    task:cancel()
  end
  for own in pairs(takes_processes and host.workers or {}) do
    worker.signal(own, "kill")
  end
  host.own, host.is_open = nil, nil
end

--- End a host as SIGTERM does.
function world.drain(host)
  host.is_leaving = true
  if host.is_open then
    spawn_at(host, function()
      host.own:drain(90)
    end):join()
  end
  world.kill(host, true)
end

--- How long all this goes on.
function world.age()
  return steady() - began
end

return world
