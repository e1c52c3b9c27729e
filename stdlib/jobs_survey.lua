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

-- Puts the slots behind those that were due before, in front of those that became due meanwhile.
local function queue(row, list, after)
  local queue = {}
  for _, item in ipairs(row.queue) do
    queue[#queue + 1] = item.slot <= after and item or nil
  end
  for _, slot in ipairs(list) do
    queue[#queue + 1] = {slot = slot}
  end
  for _, item in ipairs(row.queue) do
    if item.slot > after and (#list == 0 or item.slot > list[#list]) then
      queue[#queue + 1] = item
    end
  end
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

--- Look what became of a job's slots, queue those that are to be run after all, and write down that
-- the others were missed. Waits.
-- @tparam table own the dispatcher
-- @tparam table row of the job
-- @tparam number after slots at or before that time do not count
-- @tparam number upto nor those behind that one
-- @raise what the store refuses
function survey.look(own, row, after, upto)
  local found, is_paused = own.records.survey(row.name), own.records.paused(row.name)
  local facts, asked = own:facts(row), after
  if not row.i or is_paused then -- or it is not declared any more
    return
  end
  local floor = found.floor and own.records.time(found.floor)
  if floor and floor <= upto then -- one of the future was written by a wrong clock
    after = math.max(after, floor)
  end
  local reach = facts.missed == "none" and 0 or facts.catch_up
  local window = math.min(upto - math.max(reach, LATE), oldest_waiting(own, row, upto))
  window = math.max(after, window)
  if facts.overlap ~= "allow" then
    note_claimed(own, row, found, window)
  end
  local list, passed, last = choose(facts, absent_slots(own, row, found, window, upto))
  local missed = count_absent(own, row, found, after, window)
  if missed + passed > 0 then
    last = last or own.core.last(row.i, after, window)
    note_missed(own, row, missed + passed, own.core.next(row.i, after), last)
  end
  queue(row, list, asked)
end

return survey
