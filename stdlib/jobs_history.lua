--- What became of a job's slots: `moongate jobs history`.
-- @module jobs_history
local check = require "core.check"
local clock = require "clock"
local core = require "core.jobs"
local json = require "json"
local left = require "jobs_left"
local records = require "jobs_records"
local shelf = require "shelf"
local words = require "jobs_words"

local history = {}

local MOST_NEAR = 64 -- names that a near one is looked for in

-- --- text --------------------------------------------------------------------------------------

-- Who began it, where that was not the schedule.
local function describe_kind(entry)
  if entry.kind == "scheduled" then
    return nil
  end
  return entry.by and ("%s, by %s"):format(entry.kind, entry.by) or entry.kind
end

local function describe_range(i, entry)
  if not entry.count then
    return nil
  end
  local first = entry.first and entry.first ~= entry.slot
    and (", from %s on"):format(words.moment(i, entry.first)) or ""
  return ("%s%s"):format(words.count(entry.count, "slot"), first)
end

local function describe_notes(i, entry)
  local notes = {}
  for _, note in ipairs {describe_kind(entry) or false, describe_range(i, entry) or false,
                         words.first_line(entry.error) or false, entry.reason or false} do
    notes[#notes + 1] = note or nil
  end
  return table.concat(notes, "; ")
end

-- What goes on in the store may have been left.
local function status_of(entry)
  return entry.carried == false and "left by its host" or entry.status
end

local function row_of(i, entry)
  return {
    words.moment(i, entry.slot), entry.late and entry.late >= 1 and shelf.span(entry.late) or "",
    status_of(entry), entry.duration and shelf.span(entry.duration) or "", entry.run or "",
    entry.exit_code and ("%d"):format(entry.exit_code) or "",
    entry.attempts and ("%d"):format(entry.attempts) or "", entry.host or "",
    describe_notes(i, entry),
  }
end

-- What one looks for first is on the left: a narrow terminal cuts the rest.
local HEADING = {"SLOT", "LATE", "STATUS", "TOOK", "RUN", "EXIT", "ATTEMPTS", "HOST", "NOTES"}

-- --- totals ------------------------------------------------------------------------------------

local STATUSES = {"succeeded", "failed", "timed out", "canceled", "running", "skipped", "missed"}

-- How many slots came to each end; a record of missed ones stands for several.
local function count(list)
  local counts = {}
  for _, entry in ipairs(list) do
    counts[entry.status] = (counts[entry.status] or 0) + (entry.count or 1)
  end
  return counts
end

local function describe_counts(list, total)
  local counts, parts = count(list), {}
  for _, status in ipairs(STATUSES) do
    parts[#parts + 1] = counts[status] and ("%d %s"):format(counts[status], status) or nil
  end
  local shown = #list < total and ("%d of %d records: "):format(#list, total) or ""
  return shown .. table.concat(parts, ", ")
end

local function describe_next(i, now)
  local paused = records.paused(core.name(i))
  if paused then
    return "next slot: none while it is paused"
  elseif not core.job(i).enabled then
    return "next slot: none, it is disabled"
  end
  local next_slot = core.next(i, now)
  return next_slot and ("next slot: %s, in %s"):format(words.moment(i, next_slot),
    shelf.span(next_slot - now)) or "next slot: none"
end

local function print_text(name, i, list, total)
  if #list > 0 then
    local rows = {HEADING}
    for n, entry in ipairs(list) do
      rows[n + 1] = row_of(i, entry)
    end
    shelf.print_table(rows)
    print(describe_counts(list, total))
  else
    print(("nothing has become of '%s' so far"):format(name))
  end
  print(i and describe_next(i, clock.now()) or "the job is not declared any more")
end

local function print_json(name, i, list, total)
  local rows = json.array {}
  for n, entry in ipairs(list) do
    rows[n] = words.for_json(entry)
  end
  local next_slot = i and core.job(i).enabled and not records.paused(name)
    and core.next(i, clock.now())
  print(json.encode {name = name, declared = i ~= nil, slots = rows, total = total,
                     counts = count(list), next = next_slot and clock.utc(next_slot) or nil})
end

-- --- the word ----------------------------------------------------------------------------------

local function near(name)
  local names = {}
  for i = 1, math.min(core.count(), MOST_NEAR) do
    names[i] = core.name(i)
  end
  local found = check.nearest(name, names)
  return found and (", did you mean '%s'?"):format(found) or ""
end

local function find_left(name, i, list)
  local rows = {}
  for _, entry in ipairs(list) do
    rows[#rows + 1] = entry.status == "running"
      and {name = name, entry = entry, retry_after = i and core.job(i).retry_after or 0} or nil
  end
  left.find(rows)
end

--- Tell what became of a job's newest slots.
-- @tparam table options `names`, `limit`, `json`
-- @treturn integer the exit code: 2 when nobody knows the job
-- @raise failure what the store refuses
function history.main(options)
  local name = options.names[1]
  local i = core.find(name)
  local list, total = records.history(name, options.limit)
  if not i and total == 0 then
    shelf.tell("moongate jobs history: no job '%s' in %s%s", name,
               core.path() or "the configuration", near(name))
    return 2
  end
  find_left(name, i, list)
  local tell = options.json and print_json or print_text
  tell(name, i, list, total)
  return 0
end

return history
