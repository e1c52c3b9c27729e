--- Runs of a job that somebody asks for: `moongate jobs run`.
--
-- One that is now has a key of its own. Of the schedule's slots each is claimed as the scheduler
-- does it, so that no host runs it, too; one that has a record already is run again under a key of
-- its own, and sees the same `run.slot`. Runs are processes in the foreground, one after the other.
-- @module jobs_by_hand
local carry = require "jobs_carry"
local clock = require "clock"
local core = require "core.jobs"
local left = require "jobs_left"
local records = require "jobs_records"
local service = require "core.service"
local shelf = require "shelf"
local tasks = require "tasks"
local words = require "jobs_words"
local worker = require "core.worker"

local by_hand = {}

local USAGE, INTERRUPTED, HELD = 2, 6, 7 -- exit codes, as those of `moongate run`
local MOST_SLOTS = 10000                 -- of a span
local TINY = 0.001                       -- seconds; times are exact to that
local FAR = 10 * 366 * 86400             -- seconds in which the slot before is looked for
local AT_ONCE = 16                       -- records that are read
local MOST_TRIES = 20                    -- to find a key that nobody has

local WENT_WELL = {succeeded = true, ["left out"] = true, ["left to its host"] = true}

-- --- signals -----------------------------------------------------------------------------------

-- Ctrl-C reaches the run by itself, as it is in the foreground; SIGTERM is passed on.
local function obey(own)
  while true do
    local asked, signal = service.next()
    if asked == "drain" or asked == "stop" then
      own.is_draining = true
      own.was_interrupted = own.was_interrupted or signal == "interrupt"
      if own.worker and signal == "terminate" then
        own.worker:signal "terminate"
      end
      for nap in pairs(own.naps) do
        nap:cancel()
      end
    end
  end
end

-- Waits between two attempts. False when there is no time any more.
local function rest(own, seconds)
  if own.is_draining then
    return false
  end
  local nap = tasks.spawn(tasks.sleep, seconds)
  own.naps[nap] = true
  pcall(nap.join, nap) -- canceled is over, too
  own.naps[nap] = nil
  return not own.is_draining
end

-- --- one slot ----------------------------------------------------------------------------------

local function say(own, slot, format, ...)
  shelf.tell("%s: %s", words.moment(own.i, slot), format:format(...))
end

-- The session is quiet: warnings of the log are not shown.
local function warn(text)
  shelf.tell("moongate jobs run: %s", text)
end

local function because(text)
  return text and ": " .. words.first_line(text) or ""
end

local TELL = {
  began = function(own, slot, facts)
    own.worker = facts.worker
    say(own, slot, "run %s begins%s", own.run,
        facts.attempt > 1 and (", attempt %d"):format(facts.attempt) or "")
  end,
  failed = function(own, slot, facts)
    say(own, slot, "attempt %d %s%s; again in %s", facts.attempt, facts.status,
        because(facts.error), shelf.span(facts.again_in))
  end,
}

local function means_of(own, slot)
  return {
    records = records, start = worker.start, now = clock.now, steady_now = core.steady,
    warn = warn,
    host = core.host(), folder = core.folder(), words = own.words, in_foreground = true,
    nap = function(seconds) return rest(own, seconds) end,
    is_draining = function() return own.is_draining end,
    tell = function(what, facts) TELL[what](own, slot, facts) end,
  }
end

-- Whoever stops it does not want others to take it up; SIGTERM leaves it to them.
local function settle_interrupted(own, key, slot, claim)
  if not own.was_interrupted then
    say(own, slot, "run %s is handed over: whoever shares the store takes it up", claim.run)
    return "handed over", INTERRUPTED
  end
  records.finish(own.name, key, {status = "canceled", exit_code = INTERRUPTED, began = claim.at,
    at = clock.now(), host = core.host(), error = "interrupted by hand"})
  say(own, slot, "interrupted; `moongate resume %s` carries it on", claim.run)
  return "canceled", INTERRUPTED
end

-- Carries a slot that is ours to its end. Returns what became of it, and the exit code.
local function carry_slot(own, key, slot, claim, attempts)
  own.run = claim.run
  local ending, why = carry.slot(means_of(own, slot), own.job, key, claim, attempts)
  own.worker = nil
  if not ending and why == "held" then
    say(own, slot, "run %s is carried by somebody else", claim.run)
    return "left to its host", HELD
  elseif not ending then
    return settle_interrupted(own, key, slot, claim)
  end
  say(own, slot, "%s in %s%s", ending.status, shelf.span(ending.at - ending.began),
      because(ending.error))
  return ending.status, ending.exit_code or (ending.status == "succeeded" and 0 or 1)
end

local function new_claim(own, key, slot, kind)
  return {kind = kind, status = "claimed", run = records.run_id(own.name, key), slot = slot,
          host = core.host(), by = words.myself(), at = clock.now()}
end

-- Runs it under a key of its own.
local function run_anew(own, slot, kind)
  for _ = 1, MOST_TRIES do
    local key = records.key(clock.now(), true)
    local claim = new_claim(own, key, slot, kind)
    if records.claim(own.name, key, claim) then
      return carry_slot(own, key, slot, claim)
    end
  end
  error(("%d keys that were drawn at random are taken"):format(MOST_TRIES))
end

-- --- slots of the schedule ---------------------------------------------------------------------

-- A slot that was claimed and has not ended: its host is at it, or is gone.
local function take_over(own, key, slot)
  local entry = records.entry(own.name, key)
  if entry and entry.status == "running" then
    left.find {{name = own.name, entry = entry, retry_after = own.job.retry_after}}
  end
  local seen = entry and entry.carried == false and records.read(own.name, key)
  if not seen then
    say(own, slot, "left to %s, which carries it", entry and entry.host or "its host")
    return "left to its host", HELD
  end
  say(own, slot, "taken up: its host %s is gone", seen.claim.host or "?")
  return carry_slot(own, key, slot, seen.claim, seen.attempts)
end

local function claim_and_run(own, key, slot)
  local claim = new_claim(own, key, slot, "backfill")
  if records.claim(own.name, key, claim) then
    return carry_slot(own, key, slot, claim)
  end
  return take_over(own, key, slot)
end

-- Which of two records of one slot says more.
local RANKS = {succeeded = 5, running = 4, failed = 3, ["timed out"] = 3, canceled = 3}

-- The keys of what may be about slots of a span: their own, and of all that was begun by hand.
local function choose_keys(slots, from, to)
  local keys = {}
  for key, slot in pairs(slots) do
    local at, is_by_hand = records.time(key)
    if slot.is_claimed and (is_by_hand or at >= from and at <= to) then
      keys[#keys + 1] = key
    end
  end
  return keys
end

-- What the records say of each slot of a span, the runs by hand for it included; and up to where
-- records may have been removed.
local function gather(own, from, to)
  local found, seen = records.survey(own.name), {}
  local list = tasks.map(choose_keys(found.slots, from, to), function(key)
    return records.entry(own.name, key, found.slots[key]) or false -- pruned meanwhile
  end, {limit = AT_ONCE})
  for _, entry in ipairs(list) do
    local other = entry and seen[entry.slot]
    if entry and (not other or (RANKS[entry.status] or 0) > (RANKS[other.status] or 0)) then
      seen[entry.slot] = entry
    end
  end
  return seen, found.pruned and records.time(found.pruned) or -1
end

local OVER = {
  succeeded = "it has succeeded", failed = "it has failed", ["timed out"] = "it has timed out",
  canceled = "it was canceled", over = "it is over, and its record is removed",
}

-- Runs a slot unless its records say that there is nothing to do.
local function run_slot(own, slot, seen, pruned, again)
  local key, entry = records.key(slot), seen[slot]
  local status = entry and entry.status or slot <= pruned and "over"
  if status == "running" then
    return take_over(own, entry.key, slot)
  elseif not status then
    return claim_and_run(own, key, slot)
  elseif again or status == "skipped" or status == "missed" then
    return run_anew(own, slot, "backfill")
  end
  say(own, slot, "left out: %s; --again runs it again", OVER[status])
  return "left out", 0
end

-- What is wrong with the time of a slot, or nothing.
local function check_slot(own, slot, now)
  if core.next(own.i, slot - TINY) ~= slot then
    local before, behind = core.last(own.i, slot - FAR, slot), core.next(own.i, slot)
    local near = {}
    near[#near + 1] = before and words.moment(own.i, before)
    near[#near + 1] = behind and words.moment(own.i, behind)
    return ("%s is no slot of '%s'; the nearest: %s"):format(words.moment(own.i, slot), own.name,
      table.concat(near, ", "))
  elseif slot > now then
    return ("slot %s of '%s' is in the future"):format(words.moment(own.i, slot), own.name)
  end
end

-- The slots of a span that are not in the future; or nothing and what is wrong.
local function list_slots(own, from, to, now)
  local slots = {}
  if core.slots(own.i, from - TINY, math.min(to, now), MOST_SLOTS + 1) > MOST_SLOTS then
    return nil, ("the span has more than %d slots of '%s'"):format(MOST_SLOTS, own.name)
  end
  local slot = core.next(own.i, from - TINY)
  while slot and slot <= math.min(to, now) do
    slots[#slots + 1] = slot
    slot = core.next(own.i, slot)
  end
  return slots
end

local ORDER = {"succeeded", "failed", "timed out", "canceled", "handed over", "left to its host",
               "left out"}

local function describe_counts(count, counts)
  local parts = {}
  for _, status in ipairs(ORDER) do
    parts[#parts + 1] = counts[status] and ("%d %s"):format(counts[status], status) or nil
  end
  return ("%s%s%s"):format(words.count(count, "slot"), #parts > 0 and ": " or "",
                           table.concat(parts, ", "))
end

-- The slots of a span, the oldest first.
local function run_span(own, options, now)
  local slots, wrong = list_slots(own, options.from, options.to, now)
  if not slots then
    shelf.tell("moongate jobs run: %s", wrong)
    return USAGE
  end
  local seen, pruned = gather(own, options.from, options.to)
  local counts, code = {}, 0
  for _, slot in ipairs(slots) do
    if own.is_draining then
      break
    end
    local status = run_slot(own, slot, seen, pruned, options.again)
    counts[status] = (counts[status] or 0) + 1
    code = WENT_WELL[status] and code or 1
  end
  shelf.tell("%s", describe_counts(#slots, counts))
  return own.is_draining and INTERRUPTED or code
end

local function run_one(own, options, now)
  local wrong = check_slot(own, options.slot, now)
  if wrong then
    shelf.tell("moongate jobs run: %s", wrong)
    return USAGE
  end
  local seen, pruned = gather(own, options.slot, options.slot)
  local _, code = run_slot(own, options.slot // 1 | 0, seen, pruned, options.again)
  return code
end

-- --- the word ----------------------------------------------------------------------------------

-- Says which other runs of the job go on: whoever begins one by hand may not know.
local function tell_others(own)
  for _, mark in ipairs(records.open()) do
    if mark.name == own.name then
      shelf.tell("run %s of the job goes on, too", records.run_id(own.name, mark.key))
    end
  end
end

local function run_now(own, now)
  tell_others(own)
  local _, code = run_anew(own, now // 1 | 0, "by hand")
  return code
end

local function prune(own)
  local _, failure = tasks.try(records.prune, own.name, own.job.keep, own.job.keep_for, clock.now())
  if failure then
    warn("what the job does not keep is still there: " .. failure.message)
  end
end

--- Run a job now, or for slots of its schedule.
-- @tparam table options `names` (one), `words` of the run's process; `slot`, or `from` and `to`, in
--   seconds since 1970; `again`: also slots that have ended
-- @treturn integer the exit code: of one run its own
-- @raise failure `WorkerNotStarted`; what the store refuses
function by_hand.main(options)
  local name, now = options.names[1], clock.now()
  local i = core.find(name)
  local own = {name = name, i = i, job = core.job(i), words = options.words or {}, naps = {}}
  local code
  local watching = tasks.spawn(obey, own)
  if options.from then
    code = run_span(own, options, now)
  elseif options.slot then
    code = run_one(own, options, now)
  else
    code = run_now(own, now)
  end
  watching:cancel()
  prune(own)
  return code
end

return by_hand
