-- Hosts of scheduled jobs: slots when hosts die between two steps, stores fail, and configurations
-- change while something goes on.
local hosts = require "jobs_hosts"
local tasks = require "tasks"
local test = require "test"

local equal, ok = test.equal, test.ok

-- The runs that succeeded, and how often, as text.
local function successes(shared)
  local list = {}
  for id, run in pairs(shared.runs) do
    list[#list + 1] = ("%s x%d"):format(id, run.times)
  end
  table.sort(list)
  return list
end

local function status_of(shared, at, name)
  local id = hosts.key(at) .. " " .. name
  local finish, claim = shared.ends[id], shared.claims[id]
  return finish and finish.status or claim and claim.status
end

-- As many slots of a job as a host shall find, each known since before.
local function declare(shared, ...)
  for _, job in ipairs {...} do
    shared.known[job.name .. "\n" .. job.every] = 0
  end
  return {...}
end

-- Over up to now, so that nothing is caught up.
local function settle_past(shared, name, at)
  shared.floors[name] = at
end

-- marks --------------------------------------------------------------------------------------

test.case("a slot that was left out never looks as if it went on, whatever mark is left", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at - 1)
  local id = hosts.key(at) .. " j"
  shared.marks[id], shared.claims[id] = true, {status = "skipped", kind = "scheduled", at = at}
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  hosts.run(host)
  tasks.sleep(1500)
  hosts.stop(host)
  equal({shared.marks[id], #host.warnings}, {nil, 0})
  equal({status_of(shared, at + 600, "j"), status_of(shared, at + 1200, "j")},
    {"succeeded", "succeeded"})
end)

test.case("a slot that waits is not left out because a mark of it is left", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at - 601)
  shared.marks[hosts.key(at) .. " j"] = true
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  host.lasts = 550 -- the slot before
  hosts.run(host)
  tasks.sleep(580)
  hosts.stop(host)
  equal(status_of(shared, at - 600, "j"), "succeeded")
  equal(status_of(shared, at, "j"), "claimed")
end)

-- looking twice ------------------------------------------------------------------------------

test.case("slots that wait stay when others are looked for", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at - 1201)
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  host.lasts = 100
  hosts.run(host) -- finds two slots
  tasks.sleep(50)
  host.own:survey(host.own.by_name.j)
  tasks.sleep(350)
  hosts.stop(host)
  equal({status_of(shared, at - 1200, "j"), status_of(shared, at - 600, "j"),
    status_of(shared, at, "j")}, {"succeeded", "succeeded", "succeeded"})
end)

test.case("a run for a slot long ago does not widen what is caught up", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at - 600 * 1000)
  local key = hosts.key(at - 600 * 900)
  local id, run = key .. " j", key .. "-j"
  shared.marks[id] = true
  shared.claims[id] = {status = "claimed", kind = "backfill", at = at - 10, slot = at - 600 * 900,
    host = "cli"}
  shared.runs[run] = {fence = 1, held_until = at + 300, times = 0}
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  hosts.run(host)
  tasks.sleep(2)
  equal(#host.own.by_name.j.queue, 6)
  hosts.stop(host)
end)

-- reading the configuration again --------------------------------------------------------------

test.case("a job that is declared again while its run goes on is due again", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at - 1)
  local jobs = declare(shared, {name = "j", every = 600})
  local host = hosts.host(shared, "a", jobs)
  host.lasts = 60
  hosts.run(host)
  tasks.sleep(10)
  host.next_jobs = {}
  host.own:reload()
  tasks.sleep(10)
  host.next_jobs = jobs
  host.own:reload()
  tasks.sleep(700)
  hosts.stop(host)
  equal(status_of(shared, at + 600, "j"), "succeeded")
end)

test.case("a slot that is claimed while its job goes is run as it was declared", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  local words
  local start = host.own.start
  host.own.start = function(request)
    words = table.concat(request.words, " ")
    return start(request)
  end
  shared.after = function(call)
    if call == "claim" then
      host.next_jobs = {}
      host.own:reload()
    end
  end
  hosts.run(host)
  tasks.sleep(610)
  hosts.stop(host)
  test.contains(words, "-- /x.lua")
end)

test.case("a configuration is read again while the store cannot be reached", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  local jobs = declare(shared, {name = "j", every = 600})
  local host = hosts.host(shared, "a", jobs)
  hosts.run(host)
  shared.before = hosts.unreachable
  host.next_jobs = {jobs[1], {name = "k", every = 300}}
  equal(host.own:reload(), true)
  equal({host.own:job("j").next, host.own:job("k") ~= nil}, {at + 600, true})
  tasks.sleep(100)
  shared.before = function() end
  tasks.sleep(600)
  hosts.stop(host)
  equal({status_of(shared, at + 600, "j"), status_of(shared, at + 600, "k")},
    {"succeeded", "succeeded"})
end)

-- answers that are lost ------------------------------------------------------------------------

test.case("a slot whose claim was put, but not answered, is run at once", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  local is_lost = false
  shared.after = function(call)
    if call == "claim" and not is_lost then
      is_lost = true
      hosts.unreachable()
    end
  end
  hosts.run(host)
  tasks.sleep(620)
  equal(status_of(shared, at + 600, "j"), "succeeded")
  hosts.stop(host)
end)

test.case("a run by hand is never that of somebody else", function()
  local shared = hosts.store()
  hosts.until_next(600)
  local jobs = declare(shared, {name = "j", every = 600})
  local host = hosts.host(shared, "a", jobs)
  hosts.run(host)
  local is_first = true
  shared.before = function(call, name, key)
    if call == "claim, marked" and key:find "-m" and is_first then
      is_first = false
      shared.claims[key .. " " .. name] = {status = "claimed", kind = "by hand", host = "b", at = 0}
    end
  end
  local key = host.own:run_now("j", "me")
  tasks.sleep(20)
  hosts.stop(host)
  equal(shared.claims[key .. " j"].host, "a")
end)

-- a store that fails ---------------------------------------------------------------------------

test.case("slots of an hour without a store are caught up, and nothing piles up", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  hosts.run(host)
  shared.before = hosts.unreachable
  tasks.sleep(3000)
  ok(#host.warnings < 150)
  shared.before = function() end
  tasks.sleep(300)
  hosts.stop(host)
  for i = 1, 4 do
    equal(status_of(shared, at + 600 * i, "j"), "succeeded")
  end
end)

test.case("a host that ends while it looks for slots in vain ends well", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at - 1300)
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  hosts.run(host)
  shared.before = hosts.unreachable
  tasks.sleep(100)
  hosts.stop(host)
  tasks.sleep(10) -- a task that failed would fail this
  equal(host.own.searchers, 0)
end)

test.case("one record that cannot be read keeps nobody from following the others", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  shared.marks[hosts.key(at - 7) .. " bad"] = true
  shared.marks[hosts.key(at - 600) .. " j"] = true
  shared.claims[hosts.key(at - 600) .. " j"] = {status = "claimed", kind = "scheduled",
    at = at - 600, slot = at - 600, host = "gone"}
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  shared.before = function(call, name)
    if call == "read" and name == "bad" then
      hosts.unreachable()
    end
  end
  hosts.run(host)
  tasks.sleep(200)
  hosts.stop(host)
  equal(status_of(shared, at - 600, "j"), "succeeded")
end)

-- canceling ------------------------------------------------------------------------------------

test.case("a run that another process took over is canceled by its own id", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  local host = hosts.host(shared, "a",
    declare(shared, {name = "j", every = 10, overlap = "cancel"}))
  local run = hosts.key(at + 10) .. "-j"
  shared.runs[run] = {fence = 1, held_until = at + 5000, times = 0}
  hosts.run(host)
  tasks.sleep(25)
  equal(shared.canceled, {[run] = true})
  hosts.stop(host)
end)

-- clocks ---------------------------------------------------------------------------------------

test.case("a claim of a host whose clock is ahead is taken up as soon as any other", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  local id = hosts.key(at - 600) .. " j"
  shared.marks[id] = true
  shared.claims[id] = {status = "claimed", kind = "scheduled", at = at + 86400, slot = at - 600,
    host = "gone"}
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  hosts.run(host)
  tasks.sleep(150)
  hosts.stop(host)
  equal(status_of(shared, at - 600, "j"), "succeeded")
end)

test.case("what a host has left is followed in time, though the clock was set back", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  local id = hosts.key(at - 600) .. " j"
  shared.marks[id] = true
  shared.claims[id] = {status = "claimed", kind = "scheduled", at = at - 1, slot = at - 600,
    host = "gone"}
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  hosts.run(host)
  host.skew = -7200
  tasks.sleep(200)
  hosts.stop(host)
  equal(status_of(shared, at - 600, "j"), "succeeded")
end)

-- who comes too late ---------------------------------------------------------------------------

test.case("a slot that ended while a host looked at it is not taken up", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at)
  local key = hosts.key(at - 600)
  local id, run = key .. " j", key .. "-j"
  shared.marks[id] = true
  shared.claims[id] = {status = "claimed", kind = "scheduled", at = at - 600, slot = at - 600,
    host = "b"}
  shared.runs[run] = {fence = 1, held_until = at + 5, times = 0, status = "interrupted"}
  shared.before = function(call)
    if call == "look_run" then -- stopped there
      tasks.sleep(100)
      shared.ends[id], shared.marks[id] = {status = "timed out", at = at + 6}, nil
    end
  end
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  hosts.run(host)
  tasks.sleep(300)
  hosts.stop(host)
  equal(host.started, {})
end)

test.case("orphans come to their turn although all places are taken again and again", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  local list = {{name = "j", every = 86400}}
  for i = 1, 6 do
    list[#list + 1] = {name = "busy" .. i, every = 20, overlap = "buffer-all"}
  end
  for _, job in ipairs(list) do
    settle_past(shared, job.name, at)
  end
  local id = hosts.key(at - 600) .. " j"
  shared.marks[id] = true
  shared.claims[id] = {status = "claimed", kind = "scheduled", at = at - 600, slot = at - 600,
    host = "gone"}
  local host = hosts.host(shared, "a", declare(shared, table.unpack(list)), {max_runs = 1})
  host.lasts = 15
  shared.runs[hosts.key(at - 600) .. "-j"] = {fence = 1, held_until = at + 100, times = 0}
  hosts.run(host)
  tasks.sleep(600)
  equal(status_of(shared, at - 600, "j"), "succeeded")
  hosts.stop(host)
end)

-- all of it --------------------------------------------------------------------------------------

test.case("three hosts run each slot once, one after the other", function()
  local shared = hosts.store()
  local at = hosts.until_next(60)
  settle_past(shared, "j", at)
  local jobs = declare(shared, {name = "j", every = 60, overlap = "buffer-all"})
  local a, b, c = hosts.host(shared, "a", jobs), hosts.host(shared, "b", jobs),
    hosts.host(shared, "c", jobs)
  a.lasts, b.lasts, c.lasts = 50, 70, 90
  hosts.run(a)
  hosts.run(b)
  hosts.run(c)
  tasks.sleep(1900)
  hosts.stop(a, b, c)
  local list = successes(shared)
  ok(#list >= 15)
  for i = 1, #list - 1 do
    equal(list[i], ("%s-j x1"):format(hosts.key(at + 60 * i)))
  end
end)

-- failures in a row --------------------------------------------------------------------------

test.case("a job that fails on and on pauses itself, and counts anew when it goes on", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at - 1)
  local host = hosts.host(shared, "a",
    declare(shared, {name = "j", every = 600, pause_after = 3}))
  host.exit_code = 1
  hosts.run(host)
  tasks.sleep(5 * 600)
  equal({status_of(shared, at + 1200, "j"), status_of(shared, at + 1800, "j")}, {"failed"})
  equal(host.own:job("j").paused.reason, "it failed 3 times in a row")
  host.own:resume("j", "ann@h")
  tasks.sleep(650)
  local seen = host.own:job "j"
  equal({seen.failures, seen.paused, seen.last.status}, {1, nil, "failed"})
  hosts.stop(host)
end)

test.case("how a job ended before is known to a host that somebody looks at", function()
  local shared = hosts.store()
  local at = hosts.until_next(600)
  settle_past(shared, "j", at - 1)
  local host = hosts.host(shared, "a", declare(shared, {name = "j", every = 600}))
  host.exit_code = 1
  hosts.run(host)
  tasks.sleep(1300)
  hosts.stop(host)
  local other = hosts.host(shared, "b", declare(shared, {name = "j", every = 600}),
    {tells_others = true})
  hosts.run(other)
  tasks.sleep(1)
  local seen = other.own:job "j"
  equal({seen.last.status, seen.last.slot, seen.failures}, {"failed", at + 1200, 3})
  hosts.stop(other)
end)
