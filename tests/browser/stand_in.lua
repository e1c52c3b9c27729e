-- Serves the status page of a dispatcher that is none: jobs with hostile names, runs that begin and
-- end when they are asked to, a run in the store whose every text is hostile, and a large one.
--
-- Pausing `nightly` for the reason "end" ends it, "drain" makes it drain, "many" changes all jobs,
-- "raise" fails.
-- arguments: where to write the address; the token, or ""; how many jobs; where to listen
local clock = require "clock"
local core = require "core.runs"
local jobs_page = require "jobs_page"
local json = require "json"
local run = require "run"
local tasks = require "tasks"

local path, token, count, listen = ...
count = math.tointeger(tonumber(count or "3"))

local HOSTILE = '<img src=x onerror="window.pwned=1">\'"</script><script>window.pwned=2</script>'
local RUN = "20260131-190000-nightly"

-- --- the jobs ----------------------------------------------------------------------------------

local rows, by_name, listeners = {}, {}, {}

local function add_row(name, more)
  local row = {
    name = name, description = "What " .. name .. " does", schedule = "0 19 * * 1-5",
    timezone = "Europe/Berlin", enabled = true, next = clock.now() // 1 + 3600, running = {},
    waiting = 0, last = {
      key = "20260131-190000", slot = 1769886000, kind = "scheduled", status = "succeeded",
      run = RUN, host = "a:1", began = 1769886001, ended = 1769886061, duration = 60, late = 1},
    counts = {succeeded = 5, failed = 1, timed_out = 0, canceled = 0, skipped = 2, missed = 0,
              late = 1},
  }
  for key, value in pairs(more or {}) do
    row[key] = value
  end
  rows[#rows + 1] = row
  by_name[name] = row
end

add_row("nightly")
add_row(HOSTILE, {description = HOSTILE, schedule = HOSTILE, timezone = HOSTILE,
                  paused = {at = clock.now(), by = HOSTILE, reason = HOSTILE}})
add_row("back\\slash \"quote\"\nline", {last = false})
rows[3].last = nil
for i = 4, count do
  add_row(("job-%05d"):format(i))
end

local dispatcher = {}

function dispatcher:jobs() return rows end
function dispatcher:job(name) return by_name[name] end
function dispatcher:on_change(fn) listeners[#listeners + 1] = fn end

function dispatcher:info()
  return {host = "stand-in", started = clock.now() - 60, config = "moongate.lua", jobs = #rows,
          running = 0, max_runs = 64, is_draining = self.is_draining, store = core.label(),
          last_sweep = clock.now(), clock_steps = 0}
end

local function tell(name, what)
  for _, fn in ipairs(listeners) do
    fn(name, what, {})
  end
end

function dispatcher:run_now(name, by)
  local row = by_name[name]
  row.running = {{key = "20260131-190512-m1f3a", slot = clock.now() // 1, run = RUN, attempt = 1,
                  began = clock.now(), host = by}}
  tell(name, "began")
  tasks.spawn(function()
    tasks.sleep(0.5)
    row.running = {}
    row.counts.succeeded = row.counts.succeeded + 1
    tell(name, "ended")
  end)
  return "20260131-190512-m1f3a"
end

function dispatcher:pause(name, by, reason)
  if name == "nightly" and reason == "end" then
    self.is_over = true
  elseif name == "nightly" and reason == "drain" then
    self.is_draining = true
  elseif name == "nightly" and reason == "raise" then
    error "the store is on fire"
  elseif name == "nightly" and reason == "many" then
    for i = 1, #rows do
      tell(rows[i].name, "began")
    end
  end
  by_name[name].paused = {at = clock.now(), by = by, reason = reason}
  tell(name, "paused")
end

function dispatcher:resume(name)
  by_name[name].paused = nil
  tell(name, "resumed")
end

-- --- what the store has ------------------------------------------------------------------------

local records = {}

function records.history(name, most)
  local list = {}
  local statuses = {"succeeded", "failed", "timed out", "skipped", "missed", "canceled"}
  for i = 1, math.min(most, 40) do
    local status = name == "nightly" and statuses[i % #statuses + 1] or "succeeded"
    local has_run = status ~= "skipped" and status ~= "missed"
    list[i] = {key = "20260131-190000", slot = 1769886000 - i * 86400, kind = "scheduled",
               status = status, run = has_run and RUN or nil, host = "a:1", late = i % 7,
               duration = has_run and 30 + i * i % 97 or nil, attempts = 1 + i % 3,
               error = status == "failed" and HOSTILE or nil,
               reason = status == "skipped" and "the one before goes on" or nil,
               count = status == "missed" and 3 or nil}
  end
  return list
end

local schedule = {}

function schedule.find(name) return by_name[name] and 1 end
function schedule.next(_, after)
  local slot = (after // 3600 + 1) * 3600
  return slot, slot % 10800 == 0 and "shifted" or nil
end
function schedule.offset() return 3600, "CET" end

local function line(event)
  return json.encode(event) .. "\n"
end

local function put_run()
  local target = "/subscriptions/s/resourceGroups/r/providers/Microsoft.ApiManagement/service/svc"
    .. "/gateways/" .. HOSTILE:gsub("/", "-")
  local about = {kind = "gateway", name = HOSTILE, target = target, operation = 1}
  local function operation(event, time, more)
    local all = {event = event, time = time}
    for _, part in ipairs {about, more} do
      for key, value in pairs(part) do
        all[key] = value
      end
    end
    return line(all)
  end
  core.put("runs/" .. RUN .. "/run.json", json.encode {
    version = 1, id = RUN, script = HOSTILE, arguments = json.array {HOSTILE},
    started = "2026-01-31T19:00:00.000Z"})
  core.put("runs/" .. RUN .. "/events.jsonl", table.concat {
    line {event = "run.started", time = "2026-01-31T19:00:00.000Z", script = HOSTILE},
    line {event = "output", time = "2026-01-31T19:00:01.000Z", text = HOSTILE .. "\n"},
    line {event = "log", level = HOSTILE, time = "2026-01-31T19:00:02.000Z", text = HOSTILE},
    operation("operation.started", "2026-01-31T19:00:03.000Z", {verb = "create"}),
    operation("operation.state", "2026-01-31T19:00:04.000Z", {state = HOSTILE, percent = 40}),
    operation("operation.finished", "2026-01-31T19:00:09.000Z", {
      outcome = "failed", failure = {code = "Nope", message = HOSTILE}}),
    line {event = "task.failed", time = "2026-01-31T19:00:10.000Z", text = HOSTILE},
    "no event at all " .. HOSTILE .. "\n"})
end

-- 2,500 operations, of which the first does not end.
local function put_large_run()
  local lines = {line {event = "run.started", time = "2026-01-31T20:00:00.000Z", script = "big.lua"}}
  for i = 1, 2500 do
    local operation = {event = "operation.started", time = "2026-01-31T20:00:01.000Z", operation = i,
                       verb = "create", kind = "workspace", name = "w" .. i, target = "/w/w" .. i}
    lines[#lines + 1] = line(operation)
    if i > 1 then
      operation.event, operation.outcome = "operation.finished", "created"
      lines[#lines + 1] = line(operation)
    end
  end
  core.put("runs/20260131-200000-large/run.json", json.encode {
    version = 1, id = "20260131-200000-large", script = "big.lua", arguments = json.array {},
    started = "2026-01-31T20:00:00.000Z"})
  core.put("runs/20260131-200000-large/events.jsonl", table.concat(lines))
end

local function read_estate()
  return {at = clock.now(), service = HOSTILE, gateways = json.array {
    {name = "gw-shared", state = "Succeeded", units = 2, network = "vnet / shared"},
    {name = HOSTILE, state = HOSTILE, units = 1, network = HOSTILE},
    {name = "gw-new", state = "Activating", units = 1}},
    workspaces = json.array {
      {name = "orders", display_name = "Orders", gateways = json.array {"gw-shared"}},
      {name = "search", display_name = HOSTILE, gateways = json.array {HOSTILE}},
      {name = "alone", display_name = "Alone", gateways = json.array {}}}}
end

-- --- serving -----------------------------------------------------------------------------------

put_run()
put_large_run()
local page = jobs_page.serve(dispatcher, {
  listen = listen or "127.0.0.1:0", token = token ~= "" and token or nil, names = {"jobs.example"},
  records = records, schedule = schedule, estate = read_estate})
local file = assert(io.open(path, "w"))
file:write(page.address, "\n")
file:close()
while not dispatcher.is_over do
  tasks.sleep(0.05)
end
page:close()
run.exit(0)
