-- The script of a run that is stepped into: some of its writes are done, one is refused, and the
-- last one fails.
local arm = require "arm"
local gateways = require "gateways"
local run = require "run"
local tasks = require "tasks"
local teams = require "teams"
local workspaces = require "workspaces"

local ticket = run.once("ticket", function()
  local file <close> = io.open("tickets", "a")
  file:write "one\n"
  return {number = 42}
end)

local function make(name, number)
  local title = "Team " .. name
  local made = workspaces.ensure(name, {display_name = title, description = "no. " .. number})
  return made
end

local made = {}
for i, name in ipairs(teams) do
  made[i] = make(name, i)
end

local refused = select(2, tasks.try(arm.put, made[1].id .. "/apis/no-path",
  {["api-version"] = "2024-05-01"}, {properties = {displayName = "No path"}}))
print("refused", refused and refused.status)

local units = 1
local gateway = gateways.ensure("gw-teams", {units = units})
local found = workspaces.get(teams[2])
print(("ticket %d, %d units, found %s"):format(ticket.number, gateway.units, found.display_name))
