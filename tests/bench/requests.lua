-- Reads and writes workspaces, as many as the argument says of each, by 64 tasks: what
-- bare_curl.c does, the way scripts do it.
local arm = require "arm"
local scope = require "scope"
local tasks = require "tasks"
local workspaces = require "workspaces"

local count = tonumber(...)
local TASKS = 64

-- Lets the tasks take numbers from 1 to count in turn.
local function share(work)
  local number = 0
  tasks.group(function(group)
    for _ = 1, TASKS do
      group:spawn(function()
        while number < count do
          number = number + 1
          work(number)
        end
      end)
    end
  end)
end

share(function(number)
  workspaces.get("team" .. number)
end)

local service = scope.service()
local query = {["api-version"] = "2024-05-01"}

share(function(number)
  arm.put(service .. "/workspaces/team" .. number, query,
          {properties = {displayName = "Team " .. number}})
end)
