--- How slots end: what a job's rows know of it, whom it concerns, and what is removed then.
-- @module jobs_ends
local jobs_carry = require "jobs_carry"
local tasks = require "tasks"

local ends = {}

local COUNTED = {succeeded = "succeeded", failed = "failed", canceled = "canceled",
  ["timed out"] = "timed_out"}
local LOOK_BACK = 8 -- slots that are looked at for one that ran to an end
local PRUNE_EVERY = 8 -- ends of a job
local AT_ONCE = 8 -- jobs that are remembered

local function is_failure(status)
  return status == "failed" or status == "timed out"
end

-- What the page, and whoever is told, know of a slot that has ended.
local function ended_entry(entry, ending)
  local began, ended = ending.began, ending.at
  return {key = entry.key, slot = entry.slot, kind = entry.claim.kind, status = ending.status,
    run = entry.run, host = ending.host, late = entry.claim.late, began = began, ended = ended,
    duration = began and ended and ended - began, exit_code = ending.exit_code,
    attempts = ending.attempts, error = ending.error}
end

-- Whether the slot that ended before this one failed, on whatever host.
local function had_failed(own, row, key)
  for _, entry in ipairs(own.records.history(row.name, LOOK_BACK)) do
    if entry.key < key and COUNTED[entry.status] and entry.status ~= "canceled" then
      return is_failure(entry.status)
    end
  end
  return false
end

--- Have the store know whom an end concerns before it has the end: a host that dies in between
-- leaves nobody without word. Waits.
-- @tparam table own the dispatcher
-- @tparam table row of the job
-- @tparam table entry of the slot
-- @tparam table ending what is to be written
-- @raise what the store refuses, when there is no time any more
function ends.foresee(own, row, entry, ending)
  if not own.notices or #own:facts(row).notify == 0 then
    return
  end
  local event = is_failure(ending.status) and "failure"
    or ending.status == "succeeded" and "recovery"
  if event == "failure" or event and had_failed(own, row, entry.key) then
    jobs_carry.persist(own, "a notice of " .. entry.run, own.notices.note, own.notices,
      own:facts(row), event, ended_entry(entry, ending))
  end
end

-- --- what is known of a job's ends ---------------------------------------------------------------

-- How often it failed in a row since somebody has let it go on.
local function count_failures(own, row, list)
  local floor = own.records.survey(row.name).floor
  local resumed, count = floor and own.records.time(floor) or -math.huge, 0
  for _, entry in ipairs(list) do
    if entry.status == "succeeded" or entry.slot <= resumed then
      break
    elseif is_failure(entry.status) then
      count = count + 1
    end
  end
  return count
end

-- How many slots are looked at for that.
local function reach(own, row)
  return 2 * math.max(own:facts(row).pause_after, LOOK_BACK // 2)
end

--- Know that a slot has ended, here or elsewhere. Waits.
-- @tparam table own the dispatcher
-- @tparam table row of the job
-- @tparam table ended as in the history
-- @raise what the store refuses
function ends.learn(own, row, ended)
  if not row.last or row.last.key < ended.key then
    row.last = ended
  end
  if ended.status == "succeeded" then
    row.failures = 0
  elseif is_failure(ended.status) then
    row.failures = math.max(1,
      count_failures(own, row, own.records.history(row.name, reach(own, row))))
  end
end

local function remember_last(own, row)
  local list = own.records.history(row.name, reach(own, row))
  for _, entry in ipairs(list) do
    if COUNTED[entry.status] and not row.last then
      row.last = entry
      row.failures = is_failure(entry.status) and count_failures(own, row, list) or 0
    end
  end
end

--- Know how jobs ended before this host was there. Waits.
-- @tparam table own the dispatcher
function ends.remember(own)
  local names, failure = tasks.try(own.records.names)
  tasks.map(own.rows, function(row)
    if names and names[row.name] and not own.is_draining then
      local _, why = tasks.try(remember_last, own, row)
      failure = failure or why
    end
  end, {limit = AT_ONCE})
  if failure then
    own.warn("what became of jobs before: " .. tostring(failure))
  end
end

-- --- behind an end -------------------------------------------------------------------------------

-- A job that fails again and again is paused, when it says so.
local function pause_when_hopeless(own, row)
  local limit = own:facts(row).pause_after
  if limit > 0 and (row.failures or 0) >= limit then
    own:pause(row.name, "moongate", ("it failed %d times in a row"):format(row.failures))
  end
end

-- Removes what the job does not keep, now and then.
local function prune(own, row)
  local facts = own:facts(row)
  if not row.i or own.steady_now() < own.keeps_until then
    return
  end
  row.ends = (row.ends or -1) + 1
  if row.ends % PRUNE_EVERY == 0 then
    own.records.prune(row.name, facts.keep, facts.keep_for, own.now())
  end
end

--- Do what follows an end that this host has written down. Waits.
-- @tparam table own the dispatcher
-- @tparam table row of the job
-- @tparam table entry of the slot
-- @tparam table ending as it is in the store
-- @raise what the store refuses
function ends.settle(own, row, entry, ending)
  local ended, counted = ended_entry(entry, ending), COUNTED[ending.status]
  row.counts[counted] = row.counts[counted] + 1
  ends.learn(own, row, ended)
  own:tell(row, "ended", ended)
  pause_when_hopeless(own, row)
  prune(own, row)
end

return ends
