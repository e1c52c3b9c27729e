--- Which jobs are paused, by whom: "jobs/paused/NAME.json" in the store.
-- @module jobs_pauses
local clock = require "clock"
local core = require "core.runs"
local tasks = require "tasks"
local texts = require "jobs_texts"

local pauses = {}

local AT_ONCE = 16 -- texts that are read

--- The name of the text that pauses a job.
function pauses.path(name)
  return ("jobs/paused/%s.json"):format(name)
end

-- What was read, by job: a text stays as it is, but another may have come in its place.
local known = {}

--- Who paused a job.
-- @tparam string name
-- @treturn ?table `at`, `by`, `reason`; nil when it is not paused. A damaged text pauses, too
--   (`is_damaged`): somebody wanted it
-- @raise failure what the store refuses, as all functions here
function pauses.paused(name)
  local note, is_damaged = texts.read(texts.sorts.pause, pauses.path(name))
  return note or is_damaged and {reason = "the record of the pause is damaged", is_damaged = true}
    or nil
end

-- The pause of an entry of the list, from what was read before where that is so.
local function pause_at(entry, name)
  local seen = known[name]
  if not seen or seen.modified ~= entry.modified or seen.size ~= entry.size then
    seen = {modified = entry.modified, size = entry.size, note = pauses.paused(name)}
  end
  return seen
end

--- All jobs that are paused. One list, and what is new is read.
-- @treturn table what `paused` gives, by name
function pauses.all_paused()
  local found, list = {}, {}
  for _, entry in ipairs(core.list "jobs/paused/") do
    local name = entry.name:match "^jobs/paused/(.+)%.json$"
    if name and texts.is_name(name) then
      list[#list + 1] = {name = name, entry = entry}
    else
      texts.tell(entry.name, "is no name that moongate gives")
    end
  end
  local read = tasks.map(list, function(row)
    return pause_at(row.entry, row.name)
  end, {limit = AT_ONCE})
  known = {}
  for i, row in ipairs(list) do
    known[row.name] = read[i]
    found[row.name] = read[i].note
  end
  return found
end

--- Pause a job.
-- @tparam string name
-- @tparam table note `by`, `reason`; `at` is now unless given
-- @treturn boolean whether it was not paused before; else who did it stays
function pauses.pause(name, note)
  return core.put(pauses.path(name), texts.encode(texts.sorts.pause,
    {at = note.at or clock.now(), by = note.by, reason = note.reason}))
end

return pauses
