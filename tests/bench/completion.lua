-- Prints how long completion takes, in milliseconds of CPU time: the slowest look-up among COUNT
-- live names, the first hint of a session, and the hint at a key of a usual line.
local started = os.clock()
local completion = require "completion"
local line = 'gateways.create("gw-7", {units = 2, network = "integration", sub'
completion.hint(line, #line, {})
local first_hint = os.clock() - started

local live_names = require "live_names"
local tasks = require "tasks"
local workspaces = require "workspaces"

local count = math.tointeger(tonumber(arg[1]))
local KEYS = 1000

local function make(i)
  return workspaces.create(("team-%05d"):format(i), {display_name = "A team"})
end

local numbers = {}
for i = 1, count do
  numbers[i] = i
end
tasks.map(numbers, make)

local first = completion.at('workspaces.get("', 16, {})
live_names.refresh(first.is_missing)

local function seconds(call, text)
  local before = os.clock()
  local found = call(text, #text, {})
  return os.clock() - before, found
end

local slowest = 0
for _, typed in ipairs {"", "team-", "team-04", "TEAM-0", "4999", "nowhere"} do
  local taken, found = seconds(completion.at, 'workspaces.get("' .. typed)
  assert(found.total > 0 or typed == "nowhere")
  slowest = math.max(slowest, taken)
end

local before = os.clock()
for _ = 1, KEYS do
  completion.hint(line, #line, {})
end
local each_hint = (os.clock() - before) / KEYS
print(("%.2f %.2f %.3f"):format(slowest * 1e3, first_hint * 1e3, each_hint * 1e3))
