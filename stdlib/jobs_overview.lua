--- What others see of a dispatcher of jobs: the page, and metrics.
-- @module jobs_overview
local overview = {}

local function running_of(row)
  local list = {}
  for key, entry in pairs(row.running) do
    list[#list + 1] = {key = key, slot = entry.slot, run = entry.run, began = entry.began,
      host = entry.host, attempt = entry.attempt or 1}
  end
  for key, entry in pairs(row.foreign) do
    list[#list + 1] = entry.run and {key = key, slot = entry.slot, run = entry.run,
      began = entry.began, host = entry.host, attempt = entry.attempt or 1} -- else nobody claimed it
  end
  table.sort(list, function(a, b)
    return a.key < b.key
  end)
  return list
end

--- A job as it stands.
-- @tparam table self the dispatcher
-- @tparam string name
-- @treturn table or nil: there is none of that name
function overview.job(self, name)
  local row = self.by_name[name]
  if not row then
    return nil
  end
  local facts = self:facts(row)
  return {name = row.name, description = facts.description, schedule = facts.schedule,
    timezone = facts.timezone, enabled = facts.enabled, paused = row.paused,
    next = row.plan and row.plan.slot, note = row.plan and row.plan.note, running = running_of(row),
    waiting = #row.queue, last = row.last, counts = row.counts, failures = row.failures or 0}
end

--- All jobs, in the order of the configuration.
-- @tparam table self the dispatcher
-- @treturn table
function overview.jobs(self)
  local list = {}
  for i, row in ipairs(self.rows) do
    list[i] = overview.job(self, row.name)
  end
  return list
end

--- What the dispatcher is about.
-- @tparam table self
-- @treturn table
function overview.info(self)
  return {host = self.host, started = self.started, config = self.core.path(), jobs = #self.rows,
    running = self.running, max_runs = self.max_runs, is_draining = self.is_draining or false,
    store = self.store, last_sweep = self.last_sweep, clock_steps = self.clock_steps}
end

return overview
