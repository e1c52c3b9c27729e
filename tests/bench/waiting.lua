-- Prints the KB of memory that one waiting operation takes: as many gateways as the first
-- argument says are created, which takes longer than this runs; with "tasks" as the second
-- one each has a task of its own that waits for it.
local gateways = require "gateways"
local run = require "run"
local tasks = require "tasks"

local count, has_tasks = tonumber((...)), select(2, ...) == "tasks"

local function resident_kb()
  collectgarbage()
  local file = assert(io.open "/proc/self/status")
  local kb = file:read("a"):match "VmRSS:%s+(%d+)"
  file:close()
  return tonumber(kb)
end

local operations = {}

local function create(number)
  operations[number] = gateways.create("gw-" .. number,
                                       {location = "westeurope", wait = has_tasks})
end

-- libcurl is loaded, and has as many connections as it will have
tasks.group(function(group)
  for number = 1, 64 do
    group:spawn(gateways.find, "absent-" .. number)
  end
end)

local before_kb = resident_kb()
for number = 1, count do
  if has_tasks then
    tasks.spawn(create, number)
  else
    create(number)
  end
end
-- requests go out in turn: when the last gateway is there, all have been asked for
repeat
  tasks.sleep(0.2)
until gateways.find("gw-" .. count)
tasks.sleep(0.5)
print(("%.2f"):format((resident_kb() - before_kb) / count))
run.exit(0)
