-- Prints the KB of memory that one waiting operation takes: as many tasks as the argument
-- says each create a gateway, which takes longer than this runs.
local gateways = require "gateways"
local run = require "run"
local tasks = require "tasks"

local count = tonumber(...)

local function resident_kb()
  collectgarbage()
  local file = assert(io.open "/proc/self/status")
  local kb = file:read("a"):match "VmRSS:%s+(%d+)"
  file:close()
  return tonumber(kb)
end

local function create(number)
  gateways.create("gw-" .. number, {location = "westeurope"})
end

-- libcurl is loaded, and has as many connections as it will have
tasks.group(function(group)
  for number = 1, 64 do
    group:spawn(gateways.find, "absent-" .. number)
  end
end)

local before_kb = resident_kb()
for number = 1, count do
  tasks.spawn(create, number)
end
-- requests go out in turn: when the last gateway is there, all have been asked for
repeat
  tasks.sleep(0.2)
until gateways.find("gw-" .. count)
tasks.sleep(0.5)
print(("%.2f"):format((resident_kb() - before_kb) / count))
run.exit(0)
