-- Carrying a slot of a job: attempts, what exit codes mean, time limits, taking up, a store that fails.
local carry = require "jobs_carry"
local check = require "core.check"
local clock = require "clock"
local tasks = require "tasks"
local test = require "test"

local equal, raises = test.equal, test.raises

local SLOT = clock.parse "2026-01-31T19:00:00Z"
local KEY, RUN = "20260131-190000", "20260131-190000-nightly"

-- A job with what the test says.
local function job_with(fields)
  local job = {name = "nightly", script = "/jobs/scale.lua", args = {"--units", "1"}, retries = 0,
    retry_after = 60, timeout = 0, max_memory = 0, max_cpu = 0}
  for name, value in pairs(fields or {}) do
    job[name] = value
  end
  return job
end

-- Means whose processes end one after the other as the list says: `{exit_code =, after =, signal =}`.
local function means_with(ends)
  local own = {host = "here:1", words = {"--store", "s"}, notes = {}, told = {}, started = {},
    signals = {}, runs = {}, warnings = {}, naps = 0,
    slot = {claim = {}, attempts = {}}}
  own.records = {
    attempt = function(name, key, n, note)
      own.notes[#own.notes + 1] = ("%s %s attempt %d: %s %s"):format(name, key, n, note.status,
        note.exit_code)
      return true
    end,
    finish = function(name, key, note)
      own.notes[#own.notes + 1] = ("%s %s end: %s %s after %d"):format(name, key, note.status,
        note.exit_code, note.attempts)
      return true
    end,
    read = function()
      return own.slot
    end,
    look_run = function()
      return table.remove(own.runs, 1) or {status = "failed", error = "no luck"}
    end,
    time = function()
      return SLOT
    end,
  }
  own.start = function(request)
    local how = table.remove(ends, 1)
    local ended
    own.started[#own.started + 1] = request
    return {
      pid = function()
        return 4711
      end,
      signal = function(_, name)
        own.signals[#own.signals + 1] = name
        ended = name == "kill" and {exit_code = 137, signal = 9, said = ""} or ended
      end,
      wait = function()
        for _ = 1, how.after or 1 do
          tasks.sleep(1)
          if ended then
            return ended
          end
        end
        return {exit_code = how.exit_code, signal = how.signal, said = how.said or "",
          took_too_much_cpu = how.took_too_much_cpu}
      end,
    }
  end
  own.now, own.steady_now, own.warn = clock.now, clock.now, function(text)
    own.warnings[#own.warnings + 1] = text
  end
  own.tell = function(what, facts)
    own.told[#own.told + 1] = what .. " " .. facts.attempt
  end
  own.nap = function(seconds)
    own.naps = own.naps + 1
    tasks.sleep(seconds)
    return not own.is_late
  end
  own.is_draining = function()
    return own.is_late
  end
  return own
end

local function carry_with(own, job, attempts)
  return carry.slot(own, job_with(job), KEY, {run = RUN, at = clock.now()}, attempts)
end

-- words ------------------------------------------------------------------------------------

test.case("a run is told its slot, what counts for all, and what the job says", function()
  local words = carry.words(job_with {profile = "prod", read_only = true, max_writes = 0,
    max_deletes = 5, timeout = 90}, RUN, SLOT, {"--store", "s"})
  equal(table.concat(words, " "), "run --run-id 20260131-190000-nightly --slot "
    .. "2026-01-31T19:00:00.000Z --store s --profile prod --read-only --max-writes 0 "
    .. "--max-deletes 5 --max-wall 90.000s -- /jobs/scale.lua --units 1")
end)

test.case("what the job does not say is not said", function()
  local words = carry.words(job_with {args = false}, RUN, SLOT, {})
  equal(table.concat(words, " "), "run --run-id 20260131-190000-nightly --slot "
    .. "2026-01-31T19:00:00.000Z -- /jobs/scale.lua")
end)

-- exit codes -------------------------------------------------------------------------------

test.each({
  {what = "0 is success", exit_code = 0, note = "end: succeeded 0 after 1"},
  {what = "1 is a failure", exit_code = 1, note = "end: failed 1 after 1"},
  {what = "2 is a failure", exit_code = 2, note = "end: failed 2 after 1"},
  {what = "4 is a failure", exit_code = 4, note = "end: failed 4 after 1"},
  {what = "5 is a failure", exit_code = 5, note = "end: failed 5 after 1"},
  {what = "77 of the script's own is a failure", exit_code = 77, note = "end: failed 77 after 1"},
}, "exit code {what}", function(row)
  local own = means_with {{exit_code = row.exit_code}}
  local ending = carry_with(own)
  equal(own.notes, {"nightly 20260131-190000 " .. row.note})
  equal({ending.host, ending.error}, {"here:1", row.exit_code ~= 0 and "no luck" or nil})
end)

test.case("6 of a host that is told to end, too, hands over: others take it up", function()
  local own = means_with {{exit_code = 6}}
  tasks.spawn(function()
    tasks.sleep(4) -- the signal to all processes comes later here
    own.is_late = true
  end)
  equal({carry_with(own)}, {nil, "handed over"})
  equal(own.notes, {})
end)

test.case("6 without that is carried on once, as a process that died", function()
  local own = means_with {{exit_code = 6}, {exit_code = 6}}
  local ending = carry_with(own)
  equal(own.notes, {"nightly 20260131-190000 attempt 1: died 6",
    "nightly 20260131-190000 end: failed 6 after 2"})
  equal(ending.error, "it was interrupted")
end)

test.case("6 leaves it to whoever carries it meanwhile", function()
  local own = means_with {{exit_code = 6}}
  own.runs = {{is_held = true}}
  equal({carry_with(own)}, {nil, "held"})
end)

test.case("7 leaves it to whoever carries it", function()
  local own = means_with {{exit_code = 7}}
  equal({carry_with(own, {retries = 5})}, {nil, "held"})
  equal(own.notes, {})
end)

test.case("a run that was canceled is not tried again", function()
  local own = means_with {{exit_code = 1}}
  own.runs = {{status = "canceled", error = "the run was canceled"}}
  carry_with(own, {retries = 5})
  equal(own.notes, {"nightly 20260131-190000 end: canceled 1 after 0"})
end)

-- attempts ---------------------------------------------------------------------------------

test.case("what fails is carried on after a while, as often as the job says", function()
  local own, began = means_with {{exit_code = 1}, {exit_code = 4}, {exit_code = 0}}, clock.now()
  carry_with(own, {retries = 2, retry_after = 600})
  equal(own.notes, {"nightly 20260131-190000 attempt 1: failed 1",
    "nightly 20260131-190000 attempt 2: failed 4", "nightly 20260131-190000 end: succeeded 0 after 3"})
  equal(own.told, {"began 1", "failed 1", "began 2", "failed 2", "began 3"})
  test.ok(clock.now() - began >= 1200)
end)

test.case("the last failure is the end", function()
  local own = means_with {{exit_code = 1}, {exit_code = 1}}
  carry_with(own, {retries = 1})
  equal(own.notes[2], "nightly 20260131-190000 end: failed 1 after 2")
end)

test.each({{code = 2, what = "wrong usage"}, {code = 5, what = "a guard that refused"}},
  "{what} is not tried again", function(row)
    local own = means_with {{exit_code = row.code}}
    carry_with(own, {retries = 5})
    equal(own.notes, {("nightly 20260131-190000 end: failed %d after 1"):format(row.code)})
  end)

test.case("a process that dies is taken up once, whatever the job says", function()
  local own = means_with {{exit_code = 137, signal = 9}, {exit_code = 139, signal = 11,
    said = "oh\n"}}
  local ending = carry_with(own)
  equal(own.notes, {"nightly 20260131-190000 attempt 1: died 137",
    "nightly 20260131-190000 end: failed 139 after 2"})
  equal(ending.error, "oh")
end)

test.case("of a process that took too much of the processor that is told", function()
  local own = means_with {{exit_code = 152, signal = 24, took_too_much_cpu = true, said = "oh"},
    {exit_code = 152, signal = 24, took_too_much_cpu = true}}
  local ending = carry_with(own, {max_cpu = 600})
  equal(own.notes, {"nightly 20260131-190000 attempt 1: died 152",
    "nightly 20260131-190000 end: failed 152 after 2"})
  equal(ending.error, "it took more than 10:00 of the processor")
end)

-- time -------------------------------------------------------------------------------------

test.case("a run that hands over at its limit has timed out", function()
  local own = means_with {{exit_code = 6, after = 90}}
  local ending = carry_with(own, {timeout = 90})
  equal(own.notes, {"nightly 20260131-190000 end: timed out 6 after 1"})
  equal(ending.error, "it took longer than 01:30")
end)

test.case("one that does not keep to its limit is killed", function()
  local own = means_with {{exit_code = 0, after = 9000}}
  carry_with(own, {timeout = 90})
  equal(own.signals, {"kill"})
  equal(own.notes, {"nightly 20260131-190000 end: timed out 137 after 1"})
end)

test.case("a clock that is set makes no run too long", function()
  local own = means_with {{exit_code = 6, after = 10}, {exit_code = 0}}
  own.now = function()
    return clock.now() + #own.started * 7200
  end
  carry_with(own, {timeout = 90})
  equal(own.notes[1], "nightly 20260131-190000 attempt 1: died 6")
end)

test.case("what fails behind an attempt that was killed has not timed out", function()
  local own = means_with {{exit_code = 0, after = 9000}, {exit_code = 1}}
  carry_with(own, {timeout = 90, retries = 1})
  equal(own.notes[2], "nightly 20260131-190000 end: failed 1 after 2")
end)

test.case("the limit is of each attempt", function()
  local own = means_with {{exit_code = 6, after = 90}, {exit_code = 0, after = 80}}
  carry_with(own, {timeout = 90, retries = 1})
  equal(own.notes[2], "nightly 20260131-190000 end: succeeded 0 after 2")
end)

-- the end of a host ------------------------------------------------------------------------

test.case("between two attempts a host that ends hands over", function()
  local own = means_with {{exit_code = 1}}
  tasks.spawn(function()
    tasks.sleep(30)
    own.is_late = true
  end)
  equal({carry_with(own, {retries = 3})}, {nil, "handed over"})
  equal(#own.started, 1)
end)

test.case("a signal that ends a process while the host ends hands over", function()
  local own = means_with {{exit_code = 137, signal = 9, after = 10}}
  tasks.spawn(function()
    tasks.sleep(5)
    own.is_late = true
  end)
  equal({carry_with(own, {retries = 3})}, {nil, "handed over"})
  equal(own.notes, {})
end)

-- taking up --------------------------------------------------------------------------------

test.case("what had succeeded before its host died is only written down", function()
  local own = means_with {}
  own.runs = {{status = "succeeded", exit_code = 0}}
  carry_with(own, {}, {})
  equal(own.notes, {"nightly 20260131-190000 end: succeeded 0 after 1"})
  equal(#own.started, 0)
end)

test.case("what had failed behind the last note counts as an attempt", function()
  local own = means_with {{exit_code = 0}}
  own.runs = {{status = "failed", exit_code = 1, ended = SLOT + 500}}
  carry_with(own, {retries = 2}, {{status = "failed", at = SLOT + 100}})
  equal(own.notes, {"nightly 20260131-190000 attempt 2: failed 1",
    "nightly 20260131-190000 end: succeeded 0 after 3"})
end)

test.case("a failure of a host whose clock is ahead counts once", function()
  local own, ended = means_with {{exit_code = 1}}, clock.now() + 3600
  own.runs = {{status = "failed", exit_code = 1, ended = ended}}
  local at
  own.records.attempt = function(_, _, _, note)
    at = at or note.at
  end
  carry_with(own, {retries = 1}, {})
  equal(at, ended)
end)

test.case("a host that was stopped between attempts leaves what has ended alone", function()
  local own = means_with {{exit_code = 1}}
  local nap = own.nap
  own.nap = function(seconds)
    own.slot = {claim = {}, attempts = {}, finish = {status = "failed"}}
    return nap(seconds)
  end
  equal({carry_with(own, {retries = 3})}, {nil, "held"})
  equal(#own.started, 1)
end)

test.each({{code = 1}, {code = 6}}, "what ended with {code} is not judged while others carry it",
  function(row)
    local own = means_with {{exit_code = row.code, after = 95}}
    own.runs = {{is_held = true}}
    equal({carry_with(own, {timeout = 90})}, {nil, "held"})
    equal(own.notes, {})
  end)

test.case("what had failed and is noted already is tried again", function()
  local own = means_with {{exit_code = 0}}
  own.runs = {{status = "failed", exit_code = 1, ended = SLOT + 100}}
  carry_with(own, {retries = 2}, {{status = "failed", at = SLOT + 100}})
  equal(own.notes, {"nightly 20260131-190000 end: succeeded 0 after 2"})
end)

test.case("what died with its host is carried on", function()
  local own = means_with {{exit_code = 0}}
  own.runs = {{status = "died"}}
  carry_with(own, {}, {})
  equal(own.notes, {"nightly 20260131-190000 end: succeeded 0 after 1"})
end)

-- the store --------------------------------------------------------------------------------

test.case("an end is written down as soon as the store can be reached", function()
  local own, tries = means_with {{exit_code = 0}}, 0
  local finish = own.records.finish
  own.records.finish = function(...)
    tries = tries + 1
    if tries < 9 then
      error(check.failure {code = "IOError", message = "no store"})
    end
    return finish(...)
  end
  carry_with(own)
  equal({tries, #own.notes, #own.warnings}, {9, 1, 8})
  test.contains(own.warnings[8], "the end of 20260131-190000-nightly: IOError: no store")
  test.contains(own.warnings[8], "trying again in 60 s")
end)

test.case("when the host ends before that, the failure is raised", function()
  local own = means_with {{exit_code = 0}}
  own.records.finish = function()
    own.is_late = true
    error(check.failure {code = "IOError", message = "no store"})
  end
  raises("IOError", carry_with, own)
end)

test.case("a program that is wrong is not tried again", function()
  local own = means_with {{exit_code = 0}}
  own.records.finish = function()
    error("a bug", 0)
  end
  equal(select(2, pcall(carry_with, own)), "a bug")
end)
