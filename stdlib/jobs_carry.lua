--- Carrying one slot of a job to its end: its run, attempt by attempt, in processes of their own.
--
-- The run's lease says who carries it, on whichever host; so it does no harm when two hosts try.
-- @module jobs_carry
local clock = require "clock"
local tasks = require "tasks"

local carry = {}

-- Exit codes of `moongate run`.
local DONE, USAGE, GUARD_REFUSED, INTERRUPTED, HELD = 0, 2, 5, 6, 7

local KILL_AFTER = 60 -- seconds behind its timeout; until then a run hands over by itself
local HEARING = 5 -- seconds in which a signal to all processes reaches us, too
local LONGEST_ERROR = 2000 -- bytes of what is kept
local SLOWEST_RETRY = 60 -- seconds between tries to reach the store

-- --- what the store is told --------------------------------------------------------------------

--- Call a function until it works: what has happened must be written down, however long the store
-- cannot be reached.
-- @tparam table means `warn(text)` and `nap(seconds)`, which is false once nobody has time any more
-- @tparam string what for the warning
-- @tparam function fn
-- @return what it returns
-- @raise the failure, when there is no time any more
function carry.persist(means, what, fn, ...)
  local pause = 1
  while true do
    local result, failure = tasks.try(fn, ...)
    if not failure then
      return result
    end
    means.warn(("%s: %s; trying again in %d s"):format(what, tostring(failure), pause))
    if not means.nap(pause) then
      error(failure, 0)
    end
    pause = math.min(2 * pause, SLOWEST_RETRY)
  end
end

-- --- one attempt -----------------------------------------------------------------------------

-- Options of the child for what the job says.
local function options_of(job)
  local words = {}
  local function add(name, value)
    words[#words + 1] = value and name or nil
    words[#words + 1] = value and value ~= true and tostring(value) or nil
  end
  add("--profile", job.profile)
  add("--read-only", job.read_only)
  add("--max-writes", job.max_writes)
  add("--max-deletes", job.max_deletes)
  add("--max-wall", job.timeout > 0 and ("%.3fs"):format(job.timeout))
  return words
end

--- The words of the process that carries a slot's run.
-- @tparam table job as of core.jobs.job()
-- @tparam string id of the run
-- @tparam number slot
-- @tparam table common options of every run
-- @treturn table
function carry.words(job, id, slot, common)
  local words = {"run", "--run-id", id, "--slot", clock.utc(slot)}
  table.move(common, 1, #common, #words + 1, words)
  local own = options_of(job)
  table.move(own, 1, #own, #words + 1, words)
  words[#words + 1] = "--"
  words[#words + 1] = job.script
  return table.move(job.args or {}, 1, #(job.args or {}), #words + 1, words)
end

-- Kills a process that does not keep to its time; false once it is over.
local function watch(own, worker)
  if own.job.timeout == 0 then
    return nil
  end
  return tasks.spawn(function()
    tasks.sleep(own.job.timeout + KILL_AFTER)
    own.was_killed = true
    worker:signal "kill"
  end)
end

-- Runs the process. Returns how it ended, and how many seconds it took.
local function work(own)
  local began = own.means.steady_now()
  own.was_killed = false
  local worker = own.means.start {
    words = own.words, folder = own.means.folder, in_foreground = own.means.in_foreground,
    max_memory = own.job.max_memory, max_cpu = own.job.max_cpu,
  }
  own.worker = worker
  own.means.tell("began", {pid = worker:pid(), attempt = own.attempts + 1, worker = worker})
  local watcher = watch(own, worker)
  local ended = worker:wait()
  if watcher then
    watcher:cancel()
  end
  own.worker = nil
  return ended, own.means.steady_now() - began
end

-- The end of what a process said, which is all that is known of one that crashed.
local function last_words(said)
  local text = said:gsub("%s+$", "")
  return text ~= "" and text:sub(-LONGEST_ERROR) or nil
end

local function has_timed_out(own, took)
  return own.job.timeout > 0 and took >= own.job.timeout
end

local function too_long(own)
  return ("it took longer than %s"):format(clock.format(own.job.timeout))
end

local function look_run(own)
  return carry.persist(own.means, "reading run " .. own.id, own.means.records.look_run, own.id)
end

-- A process that was interrupted: it may have heard of the end of this host before we did.
local function judge_interrupted(own)
  if not own.means.nap(HEARING) then
    return "handed over"
  elseif look_run(own).is_held then
    return "held"
  end
  return "died", "it was interrupted"
end

-- What came of a process: a status, and what went wrong. One that ended by itself has given back
-- the run: when somebody carries that, this host was away for long, and what becomes of it is not
-- its business any more.
local function judge(own, ended, took)
  local code = ended.exit_code
  if code == DONE then
    return "succeeded"
  elseif code == HELD then
    return "held"
  elseif own.was_killed then
    return "timed out", too_long(own)
  elseif ended.signal and own.means.is_draining() then
    return "handed over"
  elseif ended.took_too_much_cpu then
    return "died", ("it took more than %s of the processor"):format(clock.format(own.job.max_cpu))
  elseif ended.signal then
    return "died", last_words(ended.said) or ("signal %d ended it"):format(ended.signal)
  elseif code == INTERRUPTED and not has_timed_out(own, took) then
    return judge_interrupted(own)
  end
  local run = look_run(own)
  if run.is_held then
    return "held"
  elseif code == INTERRUPTED then
    return "timed out", too_long(own)
  end
  return run.status == "canceled" and "canceled" or "failed", run.error or last_words(ended.said)
end

-- --- all attempts ----------------------------------------------------------------------------

local function cut(text)
  return text and text:sub(1, LONGEST_ERROR) or nil
end

-- Writes the end down, and gives it back as it is in the store.
local function finish(own, status, exit_code, why)
  local note = {
    status = status, exit_code = exit_code, began = own.claim.at, at = own.means.now(),
    host = own.means.host, attempts = own.attempts, error = cut(why),
  }
  if own.means.ending then
    own.means.ending(note)
  end
  carry.persist(own.means, "the end of " .. own.id, own.means.records.finish, own.job.name, own.key,
    note)
  return note
end

-- How many attempts may fail: a process that dies is taken up once in any case, as when its host
-- dies with it.
local function most_failures(own, status)
  return status == "died" and math.max(own.job.retries, 1) or own.job.retries
end

local function is_hopeless(exit_code)
  return exit_code == USAGE or exit_code == GUARD_REFUSED
end

-- Notes an attempt that failed, at that time or now. Returns the end when it was the last one.
local function fail(own, status, exit_code, why, at)
  own.attempts = own.attempts + 1
  if own.attempts > most_failures(own, status) or is_hopeless(exit_code) then
    return finish(own, status == "died" and "failed" or status, exit_code, why)
  end
  carry.persist(own.means, "an attempt of " .. own.id, own.means.records.attempt, own.job.name,
    own.key, own.attempts, {status = status, exit_code = exit_code,
    at = math.max(own.means.now(), at or 0), host = own.means.host, error = cut(why)})
  own.means.tell("failed", {status = status, exit_code = exit_code, attempt = own.attempts,
    error = cut(why), again_in = own.job.retry_after})
end

-- One process, and what comes of it: the end, or nil and why this host carries it no more; or
-- nothing: there is to be one more.
local function try(own)
  local ended, took = work(own)
  local status, why = judge(own, ended, took)
  if status == "held" or status == "handed over" then
    return nil, status
  elseif status == "succeeded" then
    own.attempts = own.attempts + 1
    return finish(own, status, ended.exit_code)
  elseif status == "canceled" then
    return finish(own, status, ended.exit_code, why)
  end
  return fail(own, status, ended.exit_code, why)
end

-- What an attempt that nobody saw the end of had come to, when it had. The end, or nothing.
local function look_back(own)
  local run = look_run(own)
  if run.status == "succeeded" then
    own.attempts = own.attempts + 1
    return finish(own, "succeeded", 0)
  elseif run.status == "canceled" then
    return finish(own, "canceled", run.exit_code, run.error)
  elseif run.status == "failed" and (run.ended or 0) > own.noted then
    return fail(own, "failed", run.exit_code, run.error, run.ended) -- by the clock of its host
  end
end

local function last_noted(attempts)
  local last = 0
  for _, note in ipairs(attempts) do
    last = math.max(last, note.at or 0)
  end
  return last
end

-- Waits for the next attempt. Returns why there is none here: a host that was stopped meanwhile may
-- find that others have brought the slot to its end.
local function wait_for_next(own)
  if not own.means.nap(own.job.retry_after) then
    return "handed over"
  end
  local slot = carry.persist(own.means, "reading the slot of " .. own.id, own.means.records.read,
    own.job.name, own.key)
  return (not slot or slot.finish) and "held" or nil
end

--- Carry a claimed slot to its end.
-- @tparam table means `records` (jobs_records), `start` (core.worker.start), `now()` and
--   `steady_now()` (seconds; of the machine's two clocks), `nap(seconds)`
--   (false: there is no time any more), `is_draining()`, `tell(what, facts)` ("began", "failed"),
--   `ending(finish)` before an end is written down, or nil,
--   `warn(text)`, `host`, `folder`, `words` (common options of every run), `in_foreground`
-- @tparam table job as of core.jobs.job()
-- @tparam string key of the slot
-- @tparam table claim as it is in the store
-- @tparam[opt] table attempts the notes of those that failed, when somebody else has begun it
-- @treturn table the end as it is in the store; nil and `"held"` (another process carries the
--   run) or `"handed over"` (it was interrupted, and whoever finds it takes it up)
-- @raise failure `WorkerNotStarted`; what the store refuses, when there is no time any more
function carry.slot(means, job, key, claim, attempts)
  local own = {
    means = means, job = job, key = key, claim = claim, id = claim.run,
    attempts = attempts and #attempts or 0, noted = attempts and last_noted(attempts) or 0,
  }
  own.words = carry.words(job, own.id, claim.slot or means.records.time(key), means.words)
  local ending, why = attempts and look_back(own) or nil, nil
  while not ending and not why do
    if means.is_draining() then
      return nil, "handed over"
    end
    ending, why = try(own)
    if not ending and not why then
      why = wait_for_next(own)
    end
  end
  return ending, why
end

return carry
