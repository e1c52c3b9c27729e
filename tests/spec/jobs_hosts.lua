-- Stand-ins for hosts of scheduled jobs that share a store: the store and the processes are in
-- memory, and a test can look at all, and change all, between any two calls.
local check = require "core.check"
local clock = require "clock"
local tasks = require "tasks"
local jobs_dispatcher = require "jobs_dispatcher"

local hosts = {}

local LEASE = 60

-- --- the store ---------------------------------------------------------------------------------

local store = {}
store.__index = store

--- An empty store. `store.before(call, name, key)` is called in front of each call, and may wait or
-- raise; `store.after` behind it.
function hosts.store()
  return setmetatable({marks = {}, claims = {}, attempts = {}, ends = {}, floors = {}, pauses = {},
    runs = {}, canceled = {}, missed = {}, known = {}, before = function() end,
    after = function() end}, store)
end

local function unreachable()
  error(check.failure {code = "ServiceUnavailable", message = "no store", retryable = true}, 0)
end
hosts.unreachable = unreachable

function hosts.key(at)
  return (clock.utc(at // 1):gsub("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+).*$", "%1%2%3-%4%5%6"))
end

function hosts.time(key)
  local parts = {key:match "^(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d)"}
  return clock.parse(("%s-%s-%sT%s:%s:%sZ"):format(table.unpack(parts))) // 1 | 0
end

local function of(name, key)
  return key .. " " .. name
end

local calls = {}

function calls.claim(own, name, key, claim)
  own.marks[of(name, key)] = true
  own.before("claim, marked", name, key)
  if own.claims[of(name, key)] then
    return claim.nonce ~= nil and own.claims[of(name, key)].nonce == claim.nonce -- not answered
  end
  own.claims[of(name, key)] = claim
  if hosts.time(key) <= (own.floors[name] or -1) and not key:find "-m" then
    own.claims[of(name, key)], own.marks[of(name, key)] = nil, nil
    return false
  end
  return true
end

function calls.settle(own, name, key, record)
  local is_new = own.claims[of(name, key)] == nil
  own.claims[of(name, key)] = own.claims[of(name, key)] or record
  return is_new
end

function calls.missed(own, name, key, record)
  local is_new = own.missed[of(name, key)] == nil
  own.missed[of(name, key)] = own.missed[of(name, key)] or record
  own.floors[name] = math.max(own.floors[name] or -1, hosts.time(key))
  return is_new
end

function calls.survey(own, name)
  local slots = {}
  for id in pairs(own.claims) do
    local key, of_name = id:match "^(%S+) (.*)$"
    slots[key] = of_name == name and {is_claimed = true, ended = own.ends[id] ~= nil} or slots[key]
  end
  return {slots = slots, floor = own.floors[name] and hosts.key(own.floors[name])}
end

function calls.read(own, name, key)
  local claim = own.claims[of(name, key)]
  if not claim then
    return nil
  end
  local seen = {}
  for member, value in pairs(claim) do
    seen[member] = value
  end
  seen.run = claim.status == "claimed" and key .. "-" .. name or nil
  return {claim = seen, attempts = own.attempts[of(name, key)] or {},
    finish = own.ends[of(name, key)]}
end

function calls.unmark(own, name, key)
  own.claims[of(name, key)] = own.claims[of(name, key)] or {status = "skipped"}
  if own.claims[of(name, key)].status == "claimed" and not own.ends[of(name, key)] then
    return false
  end
  own.marks[of(name, key)] = nil
  return true
end

function calls.attempt(own, name, key, n, note)
  local list = own.attempts[of(name, key)] or {}
  own.attempts[of(name, key)] = list
  local is_new = list[n] == nil
  list[n] = list[n] or note
  return is_new
end

function calls.finish(own, name, key, note)
  local is_new = own.ends[of(name, key)] == nil
  own.ends[of(name, key)] = own.ends[of(name, key)] or note
  own.marks[of(name, key)] = nil
  return is_new
end

function calls.open(own)
  local list = {}
  for id in pairs(own.marks) do
    local key, name = id:match "^(%S+) (.*)$"
    list[#list + 1] = {key = key, name = name}
  end
  return list
end

function calls.look_run(own, id)
  local run = own.runs[id] or {fence = 0}
  return {is_held = (run.held_until or 0) > clock.now(), fence = run.fence, status = run.status,
    ended = run.ended, exit_code = run.exit_code}
end

function calls.known(own)
  return own.known
end

function calls.add_known(own, list, at)
  for _, row in ipairs(list) do
    own.known[row[1] .. "\n" .. row[2]] = at
  end
end

function calls.paused(own, name)
  return own.pauses[name]
end

function calls.all_paused(own)
  return own.pauses
end

function calls.pause(own, name, note)
  own.pauses[name] = own.pauses[name] or note
end

function calls.unpause(own, name, at)
  own.floors[name], own.pauses[name] = at // 1, nil
end

function calls.cancel(own, id)
  own.canceled[id] = true
end

function calls.history(own, name, most)
  local list = {}
  for id, claim in pairs(own.claims) do
    local key, of_name = id:match "^(%S+) (.*)$"
    local finish = own.ends[id]
    list[#list + 1] = of_name == name and {key = key, slot = hosts.time(key), run = claim.run,
      status = finish and finish.status or claim.status == "claimed" and "running" or claim.status,
      ended = finish and finish.at} or nil
  end
  table.sort(list, function(a, b)
    return a.key > b.key
  end)
  return table.move(list, 1, math.min(#list, most or #list), 1, {})
end

function calls.names(own)
  local names = {}
  for id in pairs(own.claims) do
    names[id:match "^%S+ (.*)$"] = true
  end
  return names
end

function calls.prune()
end

-- The records as one host has them; a call takes a moment.
local function records_of(own)
  local made = {time = hosts.time, run_id = function(name, key)
    return key .. "-" .. name
  end}
  local hand, nonces = 0, 0
  function made.nonce()
    nonces = nonces + 1
    return ("%s %d"):format(tostring(made), nonces)
  end
  function made.key(at, is_by_hand)
    hand = hand + 1
    return hosts.key(at) .. (is_by_hand and ("-m%04x"):format(hand) or "")
  end
  for word, call in pairs(calls) do
    made[word] = function(name, key, ...)
      own.before(word, name, key)
      tasks.sleep(0.01)
      local result = call(own, name, key, ...)
      own.after(word, name, key)
      return result
    end
  end
  return made
end

-- --- processes ---------------------------------------------------------------------------------

-- A process that takes `lasts` seconds, and then succeeds; a signal ends it sooner.
local function start_in(own, host)
  return function(request)
    local id = request.words[3]
    local run = own.runs[id] or {fence = 0, times = 0}
    own.runs[id] = run
    local worker, ended = {words = request.words}, nil
    host.started[#host.started + 1] = id
    local is_held = (run.held_until or 0) > clock.now()
    if not is_held then
      run.fence, run.held_until, run.status = run.fence + 1, math.huge, nil
    end
    function worker.pid()
      return 4711
    end
    function worker.signal(_, name)
      ended = ended or (name == "kill" and {exit_code = 137, signal = 9, said = ""}
        or {exit_code = 6, said = ""})
    end
    function worker.wait()
      local until_then = clock.now() + (is_held and 1 or host.lasts)
      while not ended and clock.now() < until_then do
        tasks.sleep(1)
      end
      ended = ended or {exit_code = is_held and 7 or host.exit_code, said = ""}
      if not is_held then
        run.held_until = ended.signal and clock.now() + LEASE or nil
        run.status = ended.exit_code == 0 and "succeeded" or ended.exit_code == 6 and "interrupted"
          or not ended.signal and "failed" or nil
        run.ended, run.exit_code = clock.now(), ended.exit_code
        run.times = run.times + (ended.exit_code == 0 and 1 or 0)
      end
      return ended
    end
    return worker
  end
end

-- --- hosts -------------------------------------------------------------------------------------

local FACTS = {description = "", timezone = "UTC", script = "/x.lua", args = {}, enabled = true,
  overlap = "skip", catch_up = 3600, missed = "all", jitter = 0, late_after = 60, timeout = 0,
  retries = 0, retry_after = 60, pause_after = 0, max_memory = 0, max_cpu = 0, keep = 50,
  keep_for = 0, notify = {}}

-- core.jobs, of a list `{{name=, every=seconds, ..}}` that reload() may replace.
local function core_of(host)
  local core = {}
  function core.count()
    return #host.jobs
  end
  function core.name(i)
    return host.jobs[i].name
  end
  function core.job(i)
    local facts = {}
    for _, from in ipairs {FACTS, host.jobs[i]} do
      for member, value in pairs(from) do
        facts[member] = value
      end
    end
    return facts
  end
  function core.next(i, after)
    local every = host.jobs[i].every
    return (after // every + 1) * every // 1 | 0
  end
  function core.last(i, after, at)
    local last = at // host.jobs[i].every * host.jobs[i].every // 1 | 0
    return last > after and last or nil
  end
  function core.slots(i, after, upto, most)
    local every = host.jobs[i].every
    return math.min(math.max(upto // every - after // every, 0), most) // 1 | 0
  end
  function core.fingerprint(i)
    return tostring(host.jobs[i].every)
  end
  function core.path()
    return "/x/moongate.lua"
  end
  function core.reload()
    host.jobs = host.next_jobs or host.jobs
    return true
  end
  return core
end

--- A host, not open yet. `host.own` is its dispatcher; its processes take `host.lasts` seconds and
-- end with `host.exit_code`; `host.skew` is what its clock is ahead.
function hosts.host(shared, name, jobs, options)
  local host = {jobs = jobs, started = {}, warnings = {}, told = {}, lasts = 5, exit_code = 0,
    skew = 0}
  host.own = jobs_dispatcher.new {
    core = core_of(host), records = records_of(shared), start = start_in(shared, host),
    now = function()
      return clock.now() + host.skew
    end,
    steady_now = clock.now, host = name, store = "memory", folder = "/", words = {},
    max_runs = options and options.max_runs or 4, lease = LEASE,
    tells_others = options and options.tells_others,
    warn = function(text)
      host.warnings[#host.warnings + 1] = text
    end,
  }
  host.own:on_change(function(job, what, facts)
    host.told[#host.told + 1] = {job = job, what = what, facts = facts}
  end)
  return host
end

--- Open it, and let it run until hosts.stop().
function hosts.run(host)
  host.own:open()
  tasks.spawn(host.own.run, host.own)
end

function hosts.stop(...)
  for _, host in ipairs {...} do
    host.own:drain(1)
  end
end

--- Sleep until a whole multiple of so many seconds. Returns it.
function hosts.until_next(every)
  local at = (clock.now() // every + 1) * every // 1 | 0
  tasks.sleep(at - clock.now())
  return at
end

--- How often a host told of something.
function hosts.count(host, what)
  local count = 0
  for _, it in ipairs(host.told) do
    count = count + (it.what == what and 1 or 0)
  end
  return count
end

return hosts
