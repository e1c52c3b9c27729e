--- The jobs that are declared, and how each stands: `moongate jobs list`.
-- @module jobs_list
local clock = require "clock"
local core = require "core.jobs"
local json = require "json"
local left = require "jobs_left"
local records = require "jobs_records"
local runs = require "core.runs"
local shelf = require "shelf"
local tasks = require "tasks"
local words = require "jobs_words"

local list = {}

local AT_ONCE = 16       -- jobs that are looked at
local MOST_FAILURES = 10 -- in a row that are counted
local MOST_NAMED = 5     -- jobs that are not declared any more

-- --- looking -----------------------------------------------------------------------------------

-- What one look at the store tells of all jobs: who is paused, which slots are marked, and of which
-- jobs there is anything at all.
local function look_at_all()
  local seen = {paused = records.all_paused(), marks = {}, known = {}}
  for _, mark in ipairs(records.open()) do
    seen.marks[mark.name] = seen.marks[mark.name] or {}
    table.insert(seen.marks[mark.name], mark.key)
  end
  for _, entry in ipairs(runs.list "jobs/slots/") do
    local name = entry.name:match "^jobs/slots/(.+)/$"
    seen.known[name or ""] = name and true or nil
  end
  return seen
end

-- The keys of a job's slots by what became of them, the newest first.
local function sort_keys(slots, marks)
  local ended, settled = {}, {}
  for key, slot in pairs(slots) do
    local keys = slot.ended and ended or not marks[key] and settled or nil
    if keys then
      keys[#keys + 1] = key
    end
  end
  local function is_newer(a, b)
    return a > b
  end
  table.sort(ended, is_newer)
  table.sort(settled, is_newer)
  return ended, settled
end

-- Slots that have been claimed and go on.
local function find_running(own, marks)
  for _, key in ipairs(marks) do
    local entry = records.entry(own.name, key)
    if entry and entry.status == "running" then
      own.running[#own.running + 1] = entry
    end
  end
end

-- How the last slot ended, and how many in a row have failed up to it.
local function find_last(own, ended, slots)
  for i = 1, math.min(#ended, MOST_FAILURES) do
    local entry = records.entry(own.name, ended[i], slots[ended[i]])
    own.last = own.last or entry
    if not entry or entry.status ~= "failed" and entry.status ~= "timed out" then
      return
    end
    own.failures = own.failures + 1
  end
end

-- What was left out since then.
local function find_passed(own, settled, slots)
  local entry = settled[1] and (not own.last or settled[1] > own.last.key)
    and records.entry(own.name, settled[1], slots[settled[1]])
  own.passed = entry and (entry.status == "missed" or entry.status == "skipped") and entry or nil
end

local function look_into(own, marks)
  local is_marked = {}
  for _, key in ipairs(marks) do
    is_marked[key] = true
  end
  local seen = records.survey(own.name)
  local ended, settled = sort_keys(seen.slots, is_marked)
  table.move(seen.missed, 1, #seen.missed, #settled + 1, settled)
  table.sort(settled, function(a, b) return a > b end)
  find_running(own, marks)
  find_last(own, ended, seen.slots)
  find_passed(own, settled, seen.slots)
end

-- How a job stands.
local function look(i, seen, now)
  local job = core.job(i)
  local own = {i = i, name = job.name, job = job, running = {}, failures = 0,
               paused = seen.paused[job.name]}
  if job.enabled and not own.paused then
    own.next, own.note = core.next(i, now)
  end
  if seen.known[job.name] then
    local _, failure = tasks.try(look_into, own, seen.marks[job.name] or {})
    own.why = failure and failure.message
  end
  return own
end

-- Which of the slots that go on nobody carries.
local function find_left(jobs)
  local rows = {}
  for _, own in ipairs(jobs) do
    for _, entry in ipairs(own.running) do
      rows[#rows + 1] = {name = own.name, entry = entry, retry_after = own.job.retry_after}
    end
  end
  left.find(rows)
end

-- --- text --------------------------------------------------------------------------------------

local function describe_next(own, now)
  if not own.job.enabled or own.paused then
    return own.paused and "paused" or "disabled"
  end
  return own.next and ("%s, in %s"):format(words.moment(own.i, own.next),
                                           shelf.span(own.next - now)) or "-"
end

local function describe_last(own)
  local last = own.last
  if not last then
    return "-"
  end
  return ("%s %s%s"):format(last.status, words.moment(own.i, last.ended or last.slot),
    last.duration and ", took " .. shelf.span(last.duration) or "")
end

local function describe_pause(own)
  local paused = own.paused
  return ("paused%s%s%s"):format(paused.by and " by " .. paused.by or "",
    paused.at and " since " .. words.moment(own.i, paused.at) or "",
    paused.reason and ": " .. paused.reason or "")
end

local function describe_running(own, entry)
  return ("%s since %s%s%s"):format(entry.carried and "running" or "left by its host",
    words.moment(own.i, entry.began), entry.host and " on " .. entry.host or "",
    entry.attempts > 1 and (", attempt %d"):format(entry.attempts) or "")
end

local function describe_passed(own)
  local passed = own.passed
  local many = passed.count and words.count(passed.count, "slot") .. " up to " or ""
  return ("%s %s%s%s"):format(passed.status, many, words.moment(own.i, passed.slot),
    passed.status == "skipped" and passed.reason and ": " .. passed.reason or "")
end

local function describe_remarks(own)
  local remarks = {}
  local function add(text)
    remarks[#remarks + 1] = text or nil
  end
  add(own.why)
  add(not own.job.enabled and "disabled")
  add(own.paused and describe_pause(own))
  for _, entry in ipairs(own.running) do
    add(describe_running(own, entry))
  end
  add(own.failures > 1 and ("%d%s failures in a row"):format(own.failures,
    own.failures == MOST_FAILURES and " or more" or ""))
  local late = own.last and own.last.late or 0
  add(late > own.job.late_after and ("began %s late"):format(shelf.span(late)))
  add(own.passed and describe_passed(own))
  add(own.note == "shifted" and "the next slot's local time does not exist")
  add(own.note == "first" and "the next slot's local time exists twice")
  return table.concat(remarks, "; ")
end

-- What one looks for first is on the left: a narrow terminal cuts the rest.
local HEADING = {"JOB", "LAST RUN", "NEXT SLOT", "SCHEDULE", "REMARKS"}

local function print_text(list_of_jobs, now)
  local rows = {HEADING}
  for i, own in ipairs(list_of_jobs) do
    rows[i + 1] = {own.name, describe_last(own), describe_next(own, now), words.schedule(own.job),
                   describe_remarks(own)}
  end
  shelf.print_table(rows)
end

-- --- JSON --------------------------------------------------------------------------------------

local function for_json(own)
  local running = json.array {}
  for i, entry in ipairs(own.running) do
    running[i] = words.for_json(entry)
  end
  return {
    name = own.name, description = own.job.description, schedule = own.job.schedule,
    timezone = own.job.timezone, enabled = own.job.enabled,
    next = own.next and clock.utc(own.next), note = own.note, running = running,
    paused = own.paused and words.for_json(own.paused),
    last = own.last and words.for_json(own.last),
    passed = own.passed and words.for_json(own.passed), failures = own.failures, error = own.why,
  }
end

local function print_json(list_of_jobs)
  local rows = json.array {}
  for i, own in ipairs(list_of_jobs) do
    rows[i] = for_json(own)
  end
  print(json.encode {jobs = rows})
end

-- --- the word ----------------------------------------------------------------------------------

-- Says of which jobs there are records although they are not declared.
local function tell_undeclared(seen)
  local names = {}
  for name in pairs(seen.known) do
    names[#names + 1] = not core.find(name) and name or nil
  end
  table.sort(names)
  if #names > 0 then
    shelf.tell("%s not declared any more: %s%s", words.count(#names, "job"),
               table.concat(names, ", ", 1, math.min(#names, MOST_NAMED)),
               #names > MOST_NAMED and ", ..." or "")
  end
end

--- Tell of all jobs.
-- @tparam table options `json`
-- @treturn integer the exit code: 1 when one could not be looked at
function list.main(options)
  local seen, now = look_at_all(), clock.now()
  local numbers, code = {}, 0
  for i = 1, core.count() do
    numbers[i] = i
  end
  local jobs = tasks.map(numbers, function(i) return look(i, seen, now) end, {limit = AT_ONCE})
  find_left(jobs)
  for _, own in ipairs(jobs) do
    code = own.why and 1 or code
  end
  if options.json then
    print_json(jobs)
  elseif #jobs > 0 then
    print_text(jobs, now)
  else
    shelf.tell("no jobs in %s", core.path() or "the configuration")
  end
  tell_undeclared(seen)
  return code
end

return list
