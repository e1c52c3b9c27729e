-- What check_jobs_declared.c runs: each function is a test. arg: the test's name, and the file of
-- the configuration, which has the jobs `plain` and `full`.
local clock = require "clock"
local core = require "core.jobs"
local json = require "json"

local suite = {}

local function equal(got, wanted)
  got = type(got) == "table" and json.encode(got) or got
  wanted = type(wanted) == "table" and json.encode(wanted) or wanted
  if got ~= wanted then
    error(("%s expected, got %s"):format(tostring(wanted), tostring(got)), 2)
  end
end

local function at(text)
  return clock.parse(text)
end

local function write(text)
  local file <close> = assert(io.open(arg[2], "w"))
  assert(file:write(text))
end

function suite.a_job_tells_all_that_it_says()
  local job = core.job(core.find "full")
  local scalars = {name = "full", line = 4, description = "all of it", schedule = "every 1m30s",
    timezone = "UTC", script = "bulk_onboard", profile = "prod", enabled = false,
    overlap = "buffer-one", catch_up = 7200.0, missed = "last", jitter = 5.0, late_after = 180.0,
    timeout = 3600.0, retries = 2, retry_after = 30.0, pause_after = 4, read_only = true,
    max_writes = 7, max_deletes = 0, max_memory = 1 << 30, max_cpu = 600.0, keep = 5,
    keep_for = 2592000.0}
  for name, wanted in pairs(scalars) do
    equal(name .. "=" .. tostring(job[name]), name .. "=" .. tostring(wanted))
    job[name] = nil
  end
  equal(job.args, {"a", "1", "true"})
  equal(#job.notify, 2)
  equal({job.notify[1].way, job.notify[1].url, job.notify[1].secret_env},
    {"webhook", "https://hooks.example/a", "KEY"})
  equal(job.notify[1].on, {failure = true})
  equal({job.notify[2].way, job.notify[2].command}, {"command", {"/bin/echo", "x"}})
  equal(job.notify[2].on.failure and job.notify[2].on.recovery and job.notify[2].on.lateness, true)
  job.args, job.notify = nil, nil
  equal(next(job), nil)
end

function suite.what_is_not_said_is_as_the_manual_has_it()
  local job = core.job(core.find "plain")
  equal({job.overlap, job.missed, job.catch_up, job.late_after, job.retries, job.retry_after},
    {"skip", "all", 3600.0, 60.0, 0, 60.0})
  equal({job.jitter, job.timeout, job.pause_after, job.keep, job.keep_for, job.max_memory},
    {0.0, 0.0, 0, 100, 0.0, 0})
  equal({job.enabled, job.read_only, #job.notify, #(job.args or {})}, {true, false, 0, 0})
  equal(job.description or job.profile or job.max_writes or job.max_deletes, nil)
end

function suite.jobs_are_found_by_name()
  equal(core.count(), 2)
  equal({core.name(1), core.name(2), core.find "plain", core.find "full"}, {"plain", "full", 1, 2})
  equal(core.find "none", nil)
  equal(core.path(), arg[2])
  equal(core.folder() .. "/moongate.lua", arg[2])
end

function suite.slots_go_by_the_clocks_of_the_zone()
  local slot, note = core.next(1, at "2027-03-27T12:00:00Z") -- 2:30 is not on the 28th
  equal({clock.utc(slot), note}, {"2027-03-28T01:00:00.000Z", "shifted"})
  slot, note = core.next(1, at "2027-10-30T12:00:00Z") -- and comes twice on 31 October
  equal({clock.utc(slot), note}, {"2027-10-31T00:30:00.000Z", "first"})
  slot, note = core.next(1, slot)
  equal({clock.utc(slot), tostring(note)}, {"2027-11-01T01:30:00.000Z", "nil"})
  equal({core.offset(1, at "2027-07-01T00:00:00Z")}, {7200, "CEST"})
  equal({core.offset(2, at "2027-07-01T00:00:00Z")}, {0, "UTC"})
end

function suite.slots_are_counted_up_to_a_limit()
  local began = at "2027-01-01T00:00:00Z"
  equal(core.slots(2, began, began + 900, 1000), 10)
  equal(core.slots(2, began, began + 900, 4), 4)
  equal(core.last(2, began, began + 100), began + 90)
  equal(core.last(2, began, began + 89), nil)
  equal(core.next(2, began), began + 90)
end

function suite.a_fingerprint_changes_with_the_schedule_alone()
  local plain, full = core.fingerprint(1), core.fingerprint(2)
  write [[job "full" { every = "90s", script = "bulk_onboard", retries = 9 }
          job "plain" { schedule = "30 2 * * *", timezone = "Europe/Paris", script = "bulk_onboard" }]]
  equal(core.reload(), true)
  equal(core.fingerprint(core.find "full"), full)
  equal(core.fingerprint(core.find "plain") ~= plain, true)
end

function suite.a_broken_configuration_changes_nothing()
  write [[job "new" { schedule = "61 * * * *", script = "bulk_onboard" }]]
  local ok, wrong = core.reload()
  equal(ok, nil)
  equal(wrong, arg[2] .. ":1: job 'new': schedule: minute: '61' is not in 0 to 59")
  equal({core.count(), core.name(1)}, {2, "plain"})
end

function suite.a_configuration_that_is_gone_changes_nothing()
  local ok, wrong = core.reload()
  equal(ok, nil)
  equal(wrong, "there is no configuration: /dev/null is none")
  equal({core.count(), core.name(1)}, {2, "plain"})
end

function suite.a_configuration_that_is_read_again_counts()
  write [[job "new" { schedule = "@daily", script = "bulk_onboard" }]]
  for _ = 1, 3 do
    equal(core.reload(), true)
  end
  equal({core.count(), core.name(1), core.find "plain"}, {1, "new", nil})
end

function suite.what_is_no_job_is_refused()
  for _, number in ipairs {0, 3, -1, 1 << 40} do
    local ok, message = pcall(core.job, number)
    equal({ok, message:match "the number of a job expected"}, {false, "the number of a job expected"})
  end
  equal(pcall(core.next, 1, 1e300), false)
  equal(pcall(core.next, 1, 0 / 0), false)
end

suite[arg[1]]()
