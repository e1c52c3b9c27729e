--- Which slots that go on, as their records say, have been left by their host.
-- @module jobs_left
local records = require "jobs_records"
local tasks = require "tasks"

local left = {}

local AT_ONCE = 16 -- runs that are looked at
local GRACE = 1    -- seconds: a run's process ends before its host has written that down

-- Those of the rows that nobody carries.
local function choose(rows)
  local chosen = {}
  tasks.map(rows, function(row)
    local entry = row.entry
    entry.carried = records.is_carried(entry.run, entry.began, entry.failed, row.retry_after)
    chosen[#chosen + 1] = not entry.carried and row or nil
  end, {limit = AT_ONCE})
  return chosen
end

--- Find out of slots whether somebody carries them: `entry.carried`, or `entry.status` when one has
-- just ended. Takes a second when one seems to be left.
-- @tparam table rows `{name=, entry=, retry_after=}`: the job, an entry of its history that is
--   "running", and how long the job waits before it tries again, in seconds
-- @raise failure what the store refuses
function left.find(rows)
  local chosen = choose(rows)
  if #chosen == 0 then
    return
  end
  tasks.sleep(GRACE)
  for _, row in ipairs(choose(chosen)) do
    local again = records.entry(row.name, row.entry.key)
    row.entry.carried = again == nil or again.status ~= "running"
    row.entry.status = again and again.status or row.entry.status
  end
end

return left
