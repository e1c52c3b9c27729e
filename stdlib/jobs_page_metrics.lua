--- What the status page tells Prometheus, in the text format 0.0.4.
-- @module jobs_page_metrics
local clock = require "clock"
local core = require "core.page"
local tasks = require "tasks"

local metrics = {}

local ESCAPES = {["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n"}

local function label(text)
  return (text:gsub('[\\"\n]', ESCAPES))
end

local function number(value)
  return math.type(value) == "integer" and value or ("%.17g"):format(value)
end

-- Of each job: name, type, help, and its value; or its values, by the value of a label.
local FAMILIES = {
  {"moongate_job_next_slot_timestamp_seconds", "gauge", "When the job's next slot is.",
   function(row) return row.next end},
  {"moongate_job_enabled", "gauge", "Whether the job begins by itself.",
   function(row) return row.enabled and 1 or 0 end},
  {"moongate_job_paused", "gauge", "Whether the job is paused.",
   function(row) return row.paused and 1 or 0 end},
  {"moongate_job_running", "gauge", "Runs of the job that go on.",
   function(row) return #row.running end},
  {"moongate_job_waiting", "gauge", "Slots of the job that are due and wait.",
   function(row) return row.waiting or 0 end},
  {"moongate_job_last_slot_timestamp_seconds", "gauge", "The slot of the job's last run.",
   function(row) return row.last and row.last.slot end},
  {"moongate_job_last_end_timestamp_seconds", "gauge", "When the job's last run ended.",
   function(row) return row.last and row.last.ended end},
  {"moongate_job_last_duration_seconds", "gauge", "How long the job's last run took.",
   function(row) return row.last and row.last.duration end},
  {"moongate_job_last_success", "gauge", "Whether the job's last run that ended succeeded.",
   function(row)
     local status = row.last and row.last.status
     return status and status ~= "running" and (status == "succeeded" and 1 or 0) or nil
   end},
}

local STATUSES = {"succeeded", "failed", "timed_out", "canceled", "skipped", "missed"}

local function add_head(out, name, kind, help)
  out[#out + 1] = ("# HELP %s %s\n# TYPE %s %s\n"):format(name, help, name, kind)
end

local function add_jobs(out, rows, labels)
  for _, family in ipairs(FAMILIES) do
    local name, value_of = family[1], family[4]
    add_head(out, name, family[2], family[3])
    local count = #out
    for i, row in ipairs(rows) do
      local value = value_of(row)
      if value then
        count = count + 1
        out[count] = name .. labels[i] .. "} " .. number(value) .. "\n"
      end
    end
    tasks.yield() -- with many jobs each of these takes a moment that a slot may need
  end
end

-- The lines of one job, but for its label and the numbers.
local COUNTS = {}
for i, status in ipairs(STATUSES) do
  COUNTS[i] = ('moongate_job_slots_total%%s,status="%s"} %%d\n'):format(status)
end
COUNTS = table.concat(COUNTS)

local function add_counts(out, rows, labels)
  add_head(out, "moongate_job_slots_total", "counter",
           "Slots of the job by what became of them, as far as they are kept or were seen.")
  local count = #out
  for i, row in ipairs(rows) do
    local l, c = labels[i], row.counts
    out[count + i] = COUNTS:format(l, c.succeeded or 0, l, c.failed or 0, l, c.timed_out or 0, l,
                                   c.canceled or 0, l, c.skipped or 0, l, c.missed or 0)
  end
  add_head(out, "moongate_job_late_total", "counter", "Slots of the job that began late.")
  count = #out
  for i, row in ipairs(rows) do
    out[count + i] = "moongate_job_late_total" .. labels[i] .. "} " .. (row.counts.late or 0)
      .. "\n"
  end
end

local function add_one(out, name, kind, help, value)
  if value then
    add_head(out, name, kind, help)
    out[#out + 1] = name .. " " .. number(value) .. "\n"
  end
end

-- This one, and those whose runs are seen.
local function count_hosts(info, rows)
  local hosts, count = {[info.host or ""] = true}, 1
  for _, row in ipairs(rows) do
    for _, one in ipairs(row.running) do
      if one.host and not hosts[one.host] then
        hosts[one.host], count = true, count + 1
      end
    end
  end
  return count
end

local function add_process(out, info, rows)
  local process = core.process()
  add_one(out, "moongate_jobs", "gauge", "Jobs that are declared.", info.jobs)
  add_one(out, "moongate_runs", "gauge", "Runs that this process carries.", info.running)
  add_one(out, "moongate_runs_limit", "gauge", "How many it carries at most.", info.max_runs)
  add_one(out, "moongate_draining", "gauge", "Whether it is about to end.",
          info.is_draining and 1 or 0)
  add_one(out, "moongate_last_sweep_timestamp_seconds", "gauge",
          "When the store was last gone over.", info.last_sweep)
  add_one(out, "moongate_clock_steps_total", "counter", "Steps of the host's clock that were seen.",
          info.clock_steps)
  add_one(out, "moongate_hosts", "gauge", "Hosts that carry runs now, this one counted.",
          count_hosts(info, rows))
  add_one(out, "moongate_uptime_seconds", "gauge", "How long it is up.",
          info.started and clock.now() - info.started)
  add_one(out, "process_start_time_seconds", "gauge", "When the process began.", info.started)
  add_one(out, "process_cpu_seconds_total", "counter", "Processor time of the process.",
          process.cpu)
  add_one(out, "process_resident_memory_bytes", "gauge", "Memory of the process.", process.rss)
  add_one(out, "process_open_fds", "gauge", "Open descriptors of the process.",
          process.descriptors)
end

--- All of it. Waits, so that slots begin meanwhile.
-- @tparam table info of the dispatcher
-- @tparam table rows of its jobs
-- @treturn string
function metrics.format(info, rows)
  local out, labels = {}, {}
  for i, row in ipairs(rows) do
    labels[i] = '{job="' .. label(row.name) .. '"'
  end
  add_jobs(out, rows, labels)
  add_counts(out, rows, labels)
  add_process(out, info, rows)
  return table.concat(out)
end

return metrics
