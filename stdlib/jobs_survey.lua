--- Slots that nobody waited for: what the store has of them, and what is left to do.
-- @module jobs_survey
local jobs_follow = require "jobs_follow"

local survey = {}

local LATE = 60 -- seconds that a busy host may take; also where nothing is caught up
local MOST = 10000 -- slots that are caught up
local MOST_COUNTED = 100000

-- The slots between two times that the store does not have, in their order; of too many the last.
local function absent_slots(own, row, found, after, upto)
  local list = {}
  local slot = own.core.next(row.i, after)
  while slot and slot <= upto do
    if not found.slots[own.records.key(slot)] then
      list[#list + 1] = slot
    end
    slot = own.core.next(row.i, slot)
  end
  return list
end

-- How many slots between two times the store does not have.
local function count_absent(own, row, found, after, upto)
  local count = own.core.slots(row.i, after, upto, MOST_COUNTED)
  for key in pairs(found.slots) do
    local at = own.records.time(key)
    if at > after and at <= upto and not key:find("-m", 1, true) then
      count = count - 1
    end
  end
  return math.max(count, 0)
end

-- Which of the slots in the window are run, by the job's choice: list, and how many are not.
local function choose(facts, list)
  if facts.missed == "last" and #list > 1 then
    return {list[#list]}, #list - 1, list[#list - 1]
  elseif #list > MOST then
    local last = list[#list - MOST]
    return table.move(list, #list - MOST + 1, #list, 1, {}), #list - MOST, last
  end
  return list, 0
end

-- Writes down that slots were missed, once over all hosts.
local function note_missed(own, row, count, first, last)
  local key = own.records.key(last)
  local note = {kind = "scheduled", status = "missed", slot = last, host = own.host, count = count,
    first = own.records.key(first), at = own.now(),
    reason = "nobody was there to begin it in time"}
  if not own.records.missed(row.name, key, note) then
    return
  end
  row.counts.missed = row.counts.missed + count
  note.key, note.at = key, nil
  own:tell(row, "missed", note)
  if own.notices then
    own.notices:tell(own:facts(row), "lateness", note)
  end
end

-- Puts the slots among those that wait. Of the ones up to a time that were looked for and are not
-- among them nothing is left to do.
local function queue(row, list, after, upto)
  local waiting, queue = {}, {}
  for _, item in ipairs(row.queue) do
    waiting[item.slot] = item
  end
  for i, slot in ipairs(list) do
    queue[i] = waiting[slot] or {slot = slot}
    queue[i].is_on_time = nil
    waiting[slot] = nil
  end
  for _, item in ipairs(row.queue) do
    if waiting[item.slot] and (item.slot <= after or item.slot > upto) then
      queue[#queue + 1] = item
    end
  end
  table.sort(queue, function(a, b)
    return a.slot < b.slot
  end)
  row.queue = queue
end

-- Slots that came due while a run went on may wait for it, at another host: since when one may. How
-- long it goes on is told by the clock that nobody sets.
local function oldest_waiting(own, row, now)
  local longest = 0
  for key, entry in pairs(row.foreign) do
    if entry.is_held and not row.running[key] then
      longest = math.max(longest, own.steady_now() - entry.since)
    end
  end
  for _, entry in pairs(row.running) do
    longest = math.max(longest, own.steady_now() - entry.since)
  end
  return now - longest
end

-- Behind which slot they are to be run after all.
local function window_of(own, row, from, upto)
  local facts = own:facts(row)
  local reach = facts.missed == "none" and 0 or facts.catch_up
  return math.max(from, math.min(upto - math.max(reach, LATE), oldest_waiting(own, row, upto)))
end

-- Notes which slots of the window others have claimed behind the last sweep, so that these do not
-- overlap with what is caught up.
local function note_claimed(own, row, found, after)
  for key, slot in pairs(found.slots) do
    if slot.is_claimed and not slot.ended and not row.running[key] and not row.foreign[key]
      and own.records.time(key) > after then
      jobs_follow.note_claimed(own, row, key)
    end
  end
end

-- The slots that are to be run after all. That the others were missed is written down.
local function divide(own, row, found, from, upto)
  local window = window_of(own, row, from, upto)
  local list, passed, last = choose(own:facts(row), absent_slots(own, row, found, window, upto))
  local missed = count_absent(own, row, found, from, window)
  if missed + passed > 0 then
    last = last or own.core.last(row.i, from, window)
    note_missed(own, row, missed + passed, own.core.next(row.i, from), last)
  end
  return list
end

-- Up to which slot is looked: those that may begin later yet, by the job's jitter, are planned.
local function look_upto(own, row)
  local upto = own.now() - own:facts(row).jitter
  if row.plan and row.plan.slot <= upto then
    own:plan(row, upto)
  end
  return upto
end

--- Look what became of a job's slots, queue those that are to be run after all, and write down that
-- the others were missed. Waits.
-- @tparam table own the dispatcher
-- @tparam table row of the job
-- @tparam number after slots at or before that time do not count
-- @raise what the store refuses
function survey.look(own, row, after)
  local upto, fingerprint = look_upto(own, row), row.fingerprint
  local is_paused = own.records.paused(row.name) -- first: who lets it go on writes the floor first
  local found = own.records.survey(row.name)
  if is_paused or not fingerprint then -- or it is not declared any more
    return
  end
  local floor = found.floor and own.records.time(found.floor)
  local from = after
  if floor and floor <= upto then -- one of the future was written by a wrong clock
    from = math.max(after, floor)
  end
  if own:facts(row).overlap ~= "allow" then
    note_claimed(own, row, found, window_of(own, row, from, upto))
  end
  if row.fingerprint == fingerprint then -- else these are no slots of the job any more
    local list = divide(own, row, found, from, upto)
    if row.fingerprint == fingerprint then
      queue(row, list, after, upto)
    end
  end
end

return survey
