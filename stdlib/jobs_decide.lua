--- What becomes of a slot that is due: it is begun here, left to another host, left out, or waits.
--
-- The slots of a job are decided in their order, on each host, by what the store has: so a host
-- that comes to a slot knows what became of those before it.
-- @module jobs_decide
local follow = require "jobs_follow"

local decide = {}

-- Takes a slot that is decided out of the queue, which may be another one by now.
local function remove(row, item)
  for i, other in ipairs(row.queue) do
    if other == item then
      table.remove(row.queue, i)
      return
    end
  end
end

-- A slot of the job that goes on, on whatever host, or nil.
local function what_goes_on(own, row)
  local _, entry = next(row.running)
  if entry then
    return entry
  end
  local keys = {}
  for key in pairs(row.foreign) do
    keys[#keys + 1] = key
  end
  for _, key in ipairs(keys) do
    local slot = own.records.read(row.name, key)
    if follow.goes_on(slot) then
      return row.running[key] or follow.note(own, row, key, slot)
    end
  end
end

-- Leaves a slot out, which is written down once over all hosts.
local function skip(own, row, item, reason)
  local key = own.records.key(item.slot)
  local is_ours = own.records.settle(row.name, key, {kind = "scheduled", status = "skipped",
    slot = item.slot, host = own.host, at = own.now(), reason = reason})
  if is_ours then
    row.counts.skipped = row.counts.skipped + 1
    own:tell(row, "skipped", {key = key, slot = item.slot, reason = reason})
  end
end

-- Of the slots that wait behind the first one, those whose time came while that waited are left out.
local function skip_behind_first(own, row, reason)
  local behind = row.queue[2]
  while behind and behind.is_on_time do
    skip(own, row, behind, reason)
    remove(row, behind)
    behind = row.queue[2]
  end
end

-- What is done about a run that goes on: a verdict. Slots that are caught up wait for each other in
-- any case.
local function give_way(own, row, item, other)
  local overlap = own:facts(row).overlap
  local reason = ("run %s goes on"):format(other.run)
  if overlap == "skip" and item.is_on_time then
    skip(own, row, item, reason)
    remove(row, item)
    return "next"
  elseif overlap == "buffer-one" then
    skip_behind_first(own, row, reason .. ", and one slot waits already")
  elseif overlap == "cancel" and not other.is_canceled then
    own.records.cancel(other.run)
    other.is_canceled = true
    own:tell(row, "canceling", {run = other.run, slot = item.slot})
  end
  return "wait"
end

local function tell_late(own, row, entry)
  local facts = own:facts(row)
  if entry.claim.late <= facts.late_after then
    return
  end
  row.counts.late = row.counts.late + 1
  own:tell(row, "late", {key = entry.key, run = entry.run, slot = entry.slot,
    late = entry.claim.late})
  if own.notices then
    own.notices:tell(facts, "lateness", {key = entry.key, slot = entry.slot, run = entry.run,
      host = own.host, late = entry.claim.late, status = "running"})
  end
end

-- What is written of a slot that is begun: the same each time, so that one's own claim is known
-- when the answer to it was lost.
local function note_of(own, row, item, key)
  local now = own.now()
  item.claim = item.claim or {kind = "scheduled", status = "claimed",
    run = own.records.run_id(row.name, key), slot = item.slot, host = own.host, at = now,
    late = math.max(0, now - own:due(row, item.slot)), nonce = own.records.nonce()}
  return item.claim
end

-- Claims the slot. The entry of what this host carries from now on, or nil: another has it.
local function claim(own, row, item)
  local key = own.records.key(item.slot)
  local note = note_of(own, row, item, key)
  if not own.records.claim(row.name, key, note) then
    follow.note_claimed(own, row, key)
    return nil
  end
  local entry = {key = key, slot = item.slot, run = note.run, claim = note}
  own:tell(row, "claimed", {key = key, run = note.run, slot = item.slot})
  tell_late(own, row, entry)
  return entry
end

--- Decide the first slot of a job's queue. Waits.
-- @tparam table own the dispatcher
-- @tparam table row of the job
-- @treturn string `"next"`: it is decided; `"carry"`: this host has it; `"wait"`: for a run to end;
--   `"empty"`: there is none
-- @return of `"carry"` what is to be carried: `key`, `slot`, `run`, `claim`
-- @raise what the store refuses: then nothing is decided
function decide.first(own, row)
  local item = row.queue[1]
  if not item or own.is_draining then
    return "empty"
  end
  row.paused = own.records.paused(row.name)
  if row.paused then
    remove(row, item)
    own:tell(row, "passed", {slot = item.slot, reason = "the job is paused"})
    return "next"
  end
  local other = own:facts(row).overlap ~= "allow" and what_goes_on(own, row)
  if other and own.records.read(row.name, own.records.key(item.slot)) then
    other = nil -- it is the slot itself, or another that was begun by a host whose clock is ahead
  end
  if other then
    return give_way(own, row, item, other)
  end
  local entry = claim(own, row, item)
  remove(row, item)
  if entry then
    return "carry", entry
  end
  return "next"
end

return decide
