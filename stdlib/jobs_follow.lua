--- Slots of other hosts: following those that go on, and taking up what a host has left.
-- @module jobs_follow
local ends = require "jobs_ends"
local tasks = require "tasks"

local follow = {}

local AT_ONCE = 16 -- markers that are looked at
local SOON = 0.05 -- seconds until a sweep that goes on is looked at again
local GIVE_UP = 86400 -- seconds after which a job that nobody declares is not waited for

--- What is gone by for a job that is not declared here, whose run is taken up: the run has all that
-- it needs in the store.
-- @tparam string name
-- @treturn table as of core.jobs.job()
function follow.undeclared(name)
  return {name = name, script = "-", args = {}, retries = 0, retry_after = 60, timeout = 0,
    max_memory = 0, max_cpu = 0, pause_after = 0, notify = {}}
end

-- --- what goes on ------------------------------------------------------------------------------

--- Whether a slot goes on: it is claimed, and has not ended.
-- @tparam ?table slot what the store has of it
-- @treturn boolean
function follow.goes_on(slot)
  return slot ~= nil and slot.claim ~= nil and slot.claim.status == "claimed" and not slot.finish
end

--- Note a slot that goes on elsewhere: the sweep looks at it again.
-- @tparam table own the dispatcher
-- @tparam table row of the job
-- @tparam string key
-- @tparam table slot what the store has of it
-- @treturn table the entry of `row.foreign`: `slot`, `run`, `host`, `began`, `attempt`; `is_held`,
--   whether somebody carries it; `since` and `seen`, by the steady clock: when it began, as far as
--   we know, and when we heard of it
function follow.note(own, row, key, slot)
  local claim, steady = slot.claim, own.steady_now()
  local entry = row.foreign[key] or {is_held = true}
  row.foreign[key] = entry
  entry.slot, entry.run, entry.host = claim.slot, claim.run, claim.host
  entry.began, entry.attempt = claim.at, #slot.attempts + 1
  entry.seen = entry.seen or steady
  -- what we find when we come may go on for long; else it has begun a moment ago
  entry.since = entry.since or steady - (own.last_sweep and 0 or math.max(0, own.now() - claim.at))
  return entry
end

-- --- one marker --------------------------------------------------------------------------------

local function last_noted(slot)
  local last = 0
  for _, note in ipairs(slot.attempts) do
    last = math.max(last, note.at or 0)
  end
  return last
end

local function is_waiting(row, at)
  for _, item in ipairs(row.queue) do
    if item.slot == at then
      return true
    end
  end
  return false
end

--- Note that another host has claimed a slot, when it has, and has not ended it: the sweep follows
-- it. Waits.
-- @tparam table own the dispatcher
-- @tparam table row
-- @tparam string key
-- @raise what the store refuses
function follow.note_claimed(own, row, key)
  local slot = own.records.read(row.name, key)
  if follow.goes_on(slot) and not row.running[key] then
    follow.note(own, row, key, slot)
  end
end

-- A marker without a claim: its host died in between, or claims it just now. A slot of the schedule
-- may wait for its turn, here or on another host, and is not to be left out because of it.
local function judge_unclaimed(own, row, key, entry)
  local now, at = own.steady_now(), own.records.time(key)
  local is_by_hand = key:find("-m", 1, true) ~= nil
  entry.unclaimed_since = entry.unclaimed_since or now
  if now - entry.unclaimed_since < (is_by_hand and own.lease or GIVE_UP) or is_waiting(row, at) then
    return
  end
  own.records.unmark(row.name, key)
  row.foreign[key] = nil
end

-- How long it is until a time that another host wrote down, plus so many seconds; that host's clock
-- or ours may be wrong, so it is no longer than that since a moment of ours. In seconds; 0 or less:
-- now.
local function rest(own, written, seconds, since)
  return math.min(written + seconds - own.now(), since + seconds - own.steady_now())
end

-- When there is nothing to be done before, by the steady clock; nil: now.
local function wait_until(own, row, slot, run, entry)
  local steady = own.steady_now()
  entry.is_held = run.is_held
  if entry.failures ~= #slot.attempts then
    entry.failures, entry.failed_since = #slot.attempts, steady
  end
  if run.is_held then
    return steady + own.every
  elseif run.fence == 0 and rest(own, slot.claim.at, own.lease, entry.seen) > 0 then
    entry.is_held = true -- its process may be about to begin
    return steady + rest(own, slot.claim.at, own.lease, entry.seen)
  elseif #slot.attempts > 0 then
    local again = rest(own, last_noted(slot), row.i and own:facts(row).retry_after or 0,
      entry.failed_since)
    return again > 0 and steady + again + own.lease / 2 or nil
  end
end

-- Nobody here knows how it would be begun.
local function give_up(own, row, key, slot)
  own.records.finish(row.name, key, {status = "failed", began = slot.claim.at, attempts = 0,
    at = own.now(), host = own.host,
    error = "the job is not declared any more, and its run has not begun"})
  row.foreign[key] = nil
end

-- Whether nobody carries a slot that goes on, and it is time to do so.
local function is_left(own, row, key, slot, entry)
  local run = own.records.look_run(slot.claim.run)
  entry.check_at = wait_until(own, row, slot, run, entry)
  if entry.check_at or own.is_draining or row.running[key] then
    return false
  elseif row.i or run.fence > 0 then
    return true
  end
  if own.now() - own.records.time(key) > GIVE_UP then
    give_up(own, row, key, slot)
  end
  return false
end

-- Carries a slot that a host has left, when a place is free for it. Until then another may have
-- carried it to its end, which is written behind the end of its process: so that is read last.
local function take_up(own, row, key)
  local entry = row.foreign[key]
  if not entry then
    return
  end
  entry.has_turn = nil
  local slot = own.records.read(row.name, key)
  if not follow.goes_on(slot) or not is_left(own, row, key, slot, entry) then
    return
  end
  local again = own.records.read(row.name, key)
  if not follow.goes_on(again) or #again.attempts ~= #slot.attempts or row.running[key] then
    return
  end
  row.foreign[key] = nil
  own:tell(row, "taken up", {key = key, run = slot.claim.run, slot = slot.claim.slot,
    host = slot.claim.host})
  own:carry(row, {key = key, slot = slot.claim.slot, run = slot.claim.run, claim = slot.claim,
    attempts = slot.attempts})
end

-- The row of a job; of one that is not declared one that is only for its runs.
local function row_of(own, name)
  local row = own.by_name[name] or own.strays[name] or own.new_row(name)
  own.strays[name] = not own.by_name[name] and row or nil
  return row
end

local function look(own, marker)
  local row, key = row_of(own, marker.name), marker.key
  local entry = row.foreign[key] or {}
  if row.running[key] or (entry.check_at or 0) > own.steady_now() then
    return
  end
  row.foreign[key] = entry -- before it is read: what cannot be read is not to be forgotten
  local slot = own.records.read(row.name, key)
  if row.running[key] then
    row.foreign[key] = nil -- begun here meanwhile
    return
  elseif not slot or not slot.claim then
    judge_unclaimed(own, row, key, entry)
    return
  elseif not follow.goes_on(slot) then
    own.records.unmark(row.name, key) -- its host died before it did
    return
  end
  entry = follow.note(own, row, key, slot)
  if is_left(own, row, key, slot, entry) and not entry.has_turn then
    entry.has_turn = true
    own:take_turn(take_up, row, key)
  end
end

-- --- all of them -------------------------------------------------------------------------------

-- What has ended elsewhere, as those who look on are told.
local function tell_end(own, row, key, slot)
  local ended = {key = key, slot = slot.claim.slot, kind = slot.claim.kind, run = slot.claim.run,
    status = slot.finish.status, host = slot.finish.host, late = slot.claim.late,
    began = slot.finish.began, ended = slot.finish.at,
    exit_code = slot.finish.exit_code, attempts = slot.finish.attempts, error = slot.finish.error}
  ended.duration = ended.began and ended.ended and ended.ended - ended.began
  ends.learn(own, row, ended)
  own:tell(row, "ended", ended)
end

-- Forgets a slot that has no marker any more, unless it was claimed behind the list of markers.
local function forget_ended(row, key, slot)
  if follow.goes_on(slot) then
    return nil
  end
  row.foreign[key] = nil
  return slot and slot.finish
end

-- Slots of others without a marker.
local function find_closed(own, is_open)
  local closed = {}
  for _, rows in ipairs {own.by_name, own.strays} do
    for _, row in pairs(rows) do
      for key in pairs(row.foreign) do
        closed[#closed + 1] = not is_open[row.name .. " " .. key] and {row = row, key = key} or nil
      end
    end
  end
  return closed
end

-- Lets those go on that waited for an end, and forgets rows that were there for one alone.
local function clean_up(own)
  for _, row in ipairs(own.rows) do
    if #row.queue > 0 then
      own:wake(row)
    end
  end
  for name, row in pairs(own.strays) do
    if not next(row.running) and not next(row.foreign) then
      own.strays[name] = nil
    end
  end
end

-- Does something about each of a list. What fails keeps nobody from the others. The first failure,
-- or nil.
local function for_all(list, fn)
  local failures = {}
  tasks.map(list, function(it)
    local ok, failure
    if #failures < AT_ONCE then -- else nothing works
      ok, failure = pcall(fn, it)
      failures[#failures + 1] = not ok and failure or nil
    end
  end, {limit = AT_ONCE})
  return failures[1]
end

local function look_at_pauses(own)
  local paused = own.records.all_paused()
  for _, row in ipairs(own.rows) do
    row.paused = paused[row.name]
  end
end

local function sweep(own)
  look_at_pauses(own)
  local open, is_open = own.records.open(), {}
  for _, marker in ipairs(open) do
    is_open[marker.name .. " " .. marker.key] = true
  end
  local failure = for_all(open, function(marker)
    look(own, marker)
  end)
  failure = for_all(find_closed(own, is_open), function(it)
    local slot = own.records.read(it.row.name, it.key)
    if forget_ended(it.row, it.key, slot) then
      tell_end(own, it.row, it.key, slot)
    end
  end) or failure
  clean_up(own)
  own.last_sweep = own.now()
  return failure
end

-- One sweep at a time.
local function sweep_alone(own)
  local began = own.steady_now()
  own.is_sweeping = true
  local ok, failure = pcall(sweep, own)
  own.is_sweeping = nil
  if not ok then
    error(failure, 0)
  end
  own.swept_at = began
  return failure
end

--- Look at all slots that have not ended, and take up those whose host is gone. Waits.
-- @tparam table own the dispatcher
-- @tparam[opt] number since by the steady clock: not when somebody has begun to do that since then
-- @return the failure of the first that could not be looked at, or nil
-- @raise what the store refuses: then there is no list of them
function follow.sweep(own, since)
  while own.is_sweeping do
    tasks.sleep(SOON)
  end
  if not since or (own.swept_at or -math.huge) < since then
    return sweep_alone(own)
  end
end

-- Says so when a sweep fails, and when that is over.
local function tell_failure(own, failure)
  if failure and not own.has_failed_to_sweep then
    own.warn(("looking at other hosts: %s"):format(tostring(failure)))
  elseif not failure and own.has_failed_to_sweep then
    own.warn "other hosts can be looked at again"
  end
  own.has_failed_to_sweep = failure ~= nil
end

--- Sweep now and then, until all is to end. Waits.
-- @tparam table own the dispatcher
function follow.keep_sweeping(own)
  while own:rest(math.min(own.every, own.lease / 2)) do
    local ok, failure = pcall(follow.sweep, own)
    tell_failure(own, failure)
    if own.notices and ok then
      tasks.try(own.notices.sweep, own.notices)
    end
  end
end

return follow
