-- Writes workspaces, as many as the argument says, by 64 tasks; prints how many a second. One
-- service is sent 8 writes at once, so they go to eight.
local arm = require "arm"
local clock = require "clock"
local scope = require "scope"
local tasks = require "tasks"

local count = tonumber(...)
local TASKS, SERVICES = 64, 8

local group_id = scope.resource_group()
local query = {["api-version"] = "2024-05-01"}
local number, started = 0, clock.now()

tasks.group(function(group)
  for _ = 1, TASKS do
    group:spawn(function()
      while number < count do
        number = number + 1
        arm.put(("%s/providers/Microsoft.ApiManagement/service/bench%d/workspaces/team%d")
                  :format(group_id, number % SERVICES, number), query,
                {properties = {displayName = "Team " .. number}})
      end
    end)
  end
end)
print(("%.0f"):format(count / (clock.now() - started)))
