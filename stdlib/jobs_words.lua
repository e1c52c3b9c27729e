--- Words about scheduled jobs, for people and for programs.
-- @module jobs_words
local clock = require "clock"
local core = require "core.jobs"

local words = {}

local MOST_SECONDS = 253402300799 -- the end of the year 9999

--- A moment by the clocks of a job's zone: "2026-01-31 20:00:00 +01:00".
-- @tparam ?integer i number of the job; of one that is not declared UTC counts
-- @tparam number at seconds since 1970
-- @treturn string
function words.moment(i, at)
  local offset = i and core.offset(i, at) or 0
  local text = clock.utc(math.max(0, math.min(at // 1 + offset, MOST_SECONDS)))
  local minutes = math.abs(offset) // 60
  return ("%s %s %s%02d:%02d"):format(text:sub(1, 10), text:sub(12, 19),
    offset < 0 and "-" or "+", minutes // 60, minutes % 60)
end

--- The schedule of a job, and its zone where that counts: "0 20 * * 1-5 Europe/Berlin".
function words.schedule(job)
  if job.schedule:find "^every " then
    return job.schedule
  end
  return ("%s %s"):format(job.schedule, job.timezone)
end

--- A count and its noun: "1 slot", "3 slots".
function words.count(number, noun)
  return ("%d %s%s"):format(number, noun, number == 1 and "" or "s")
end

--- Who does something by hand: "ann@builder-3".
function words.myself()
  return ("%s@%s"):format(core.user(), (core.host():gsub(":%d+$", "")))
end

--- The first line of a text, as that of an error.
function words.first_line(text)
  return text and text:match "^[^\r\n]*"
end

local TIMES = {"slot", "began", "ended", "first", "at", "failed"}
local SPANS = {"late", "duration"}

--- The same for programs: times as text in UTC.
-- @tparam table entry as of jobs_records.history(), or of what is paused
-- @treturn table
function words.for_json(entry)
  local row = {}
  for member, value in pairs(entry) do
    row[member] = value
  end
  for _, member in ipairs(TIMES) do
    row[member] = row[member] and clock.utc(row[member]) or nil
  end
  for _, member in ipairs(SPANS) do -- to the millisecond, as times are
    row[member] = row[member] and math.floor(row[member] * 1000 + 0.5) / 1000 or nil
  end
  return row
end

return words
