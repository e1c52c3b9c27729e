--- Slots of other hosts: following those that go on, and taking up what a host has left.
-- @module jobs_follow
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

-- --- one marker --------------------------------------------------------------------------------

local function last_noted(slot)
  local last = 0
  for _, note in ipairs(slot.attempts) do
    last = math.max(last, note.at or 0)
  end
  return last
end

--- Note what is known of a slot that another host has.
-- @tparam table own the dispatcher
-- @tparam table entry of `row.foreign`, where it stays the same: `slot`, `run`, `host`, `began`,
--   `attempt`; `since` and `seen`, by the steady clock: when it began, as far as we know, and when
--   we heard of it
-- @tparam table slot what the records say
function follow.note(own, entry, slot)
  local claim, steady = slot.claim, own.steady_now()
  entry.slot, entry.run, entry.host = claim.slot, claim.run, claim.host
  entry.began, entry.attempt = claim.at, #slot.attempts + 1
  entry.seen = entry.seen or steady
  -- what we find when we come may go on for long; else it has begun a moment ago
  entry.since = entry.since or steady - (own.last_sweep and 0 or math.max(0, own.now() - claim.at))
end

--- Note that another host has claimed a slot, when it has, and has not ended it: the sweep follows it.
-- Waits.
-- @tparam table own the dispatcher
-- @tparam table row
-- @tparam string key
-- @raise what the store refuses
function follow.note_claimed(own, row, key)
  local slot = own.records.read(row.name, key)
  if slot and slot.claim.status == "claimed" and not slot.finish and not row.running[key] then
    local entry = row.foreign[key] or {is_held = true}
    row.foreign[key] = entry
    follow.note(own, entry, slot)
  end
end

-- A marker without a claim: its host died in between, or claims it just now.
local function judge_unclaimed(own, row, key, entry)
  entry.unclaimed_since = entry.unclaimed_since or own.steady_now()
  if own.steady_now() - entry.unclaimed_since < own.lease then
    return
  end
  own.records.unmark(row.name, key)
  row.foreign[key] = nil
end

-- How long it is until a time that another host wrote down, plus so many seconds; that host's clock
-- or ours may be wrong, so it is no longer than that since a moment of ours. 0 or less: now.
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

local function take_up(own, row, key, slot)
  local entry = {key = key, slot = slot.claim.slot, run = slot.claim.run, claim = slot.claim,
    attempts = slot.attempts}
  row.foreign[key] = nil
  own:tell(row, "taken up", {key = key, run = entry.run, slot = entry.slot,
    host = slot.claim.host})
  own.taken = own.taken + 1
  tasks.spawn(function()
    own:carry(row, entry)
    own.taken = own.taken - 1
    own:pump()
  end)
end

-- What goes on, or does not, at a slot that another host has claimed.
local function judge_claimed(own, row, key, slot, entry)
  local run = own.records.look_run(slot.claim.run)
  entry.check_at = wait_until(own, row, slot, run, entry)
  if entry.check_at or own.is_draining or row.running[key] then
    return
  elseif not row.i and run.fence == 0 then
    if own.now() - own.records.time(key) > GIVE_UP then
      give_up(own, row, key, slot)
    end
  elseif own.taken < own.max_runs then
    take_up(own, row, key, slot)
  end
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
  local slot = own.records.read(row.name, key)
  if row.running[key] then
    return
  end
  if slot and (slot.finish or slot.claim.status ~= "claimed") then
    own.records.unmark(row.name, key) -- a host died before it did
    return
  end
  row.foreign[key] = entry
  entry.seen = entry.seen or own.steady_now()
  if not slot or not slot.claim then
    judge_unclaimed(own, row, key, entry)
    return
  end
  follow.note(own, entry, slot)
  judge_claimed(own, row, key, slot, entry)
end

-- --- all of them -------------------------------------------------------------------------------

-- What has ended elsewhere, as those who look on are told.
local function tell_end(own, row, key, slot)
  local ended = {key = key, slot = slot.claim.slot, kind = slot.claim.kind, run = slot.claim.run,
    status = slot.finish.status, host = slot.finish.host, late = slot.claim.late,
    began = slot.finish.began, ended = slot.finish.at,
    exit_code = slot.finish.exit_code, attempts = slot.finish.attempts, error = slot.finish.error}
  ended.duration = ended.began and ended.ended and ended.ended - ended.began
  if not row.last or row.last.key < key then
    row.last = ended
  end
  own:tell(row, "ended", ended)
end

-- Forgets the slots that have no marker any more, and lets those go on that waited for them.
local function forget_ended(own, closed)
  for _, it in ipairs(closed) do
    local slot = own.records.read(it.row.name, it.key)
    if not slot or not slot.claim then
      it.row.foreign[it.key] = nil
    elseif slot.finish then -- else it was claimed behind the list of markers
      it.row.foreign[it.key] = nil
      tell_end(own, it.row, it.key, slot)
    end
  end
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

local function sweep(own)
  local open, is_open = own.records.open(), {}
  tasks.map(open, function(marker)
    is_open[marker.name .. " " .. marker.key] = true
    look(own, marker)
  end, {limit = AT_ONCE})
  forget_ended(own, find_closed(own, is_open))
  clean_up(own)
  own.last_sweep = own.now()
end

-- One sweep at a time.
local function sweep_alone(own)
  local began = own.steady_now()
  own.is_sweeping = true
  local _, failure = tasks.try(sweep, own)
  own.is_sweeping = nil
  if failure then
    error(failure, 0)
  end
  own.swept_at = began
end

--- Look at all slots that have not ended, and take up those whose host is gone. Waits.
-- @tparam table own the dispatcher
-- @tparam[opt] number since by the steady clock: not when somebody has begun to do that since then
-- @raise what the store refuses
function follow.sweep(own, since)
  while own.is_sweeping do
    tasks.sleep(SOON)
  end
  if not since or (own.swept_at or -math.huge) < since then
    sweep_alone(own)
  end
end

--- Sweep now and then, until all is to end. Waits.
-- @tparam table own the dispatcher
function follow.keep_sweeping(own)
  local is_warned
  while own:rest(math.min(own.every, own.lease / 2)) do
    local _, failure = tasks.try(follow.sweep, own)
    if failure and not is_warned then
      own.warn(("the store: %s"):format(tostring(failure)))
    elseif not failure and is_warned then
      own.warn "the store can be reached again"
    end
    is_warned = failure ~= nil
    if own.notices and not failure then
      tasks.try(own.notices.sweep, own.notices)
    end
  end
end

return follow
