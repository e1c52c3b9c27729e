-- Onboarding through a service that fails in every way it can: all succeed, nothing twice.
local arm = require "arm"
local entra = require "entra"
local ledger = require "ledger"
local onboarding = require "onboarding"
local spec = require "spec"
local tasks = require "tasks"

local FAULTS = "throttle=0.1,error=0.05,error-after=0.03,reset=0.05,reset-after=0.05,"
  .. "monitor-lost=0.02,revoke=0.002,token-life=10m"
local TEAMS = 30

local function set_faults(text)
  return arm.request {method = "POST", path = "/_sim/faults", body = text, repeatable = true}
end

local teams = {}
for i = 1, TEAMS do
  teams[i] = {team = ("faulty-%d"):format(i), display_name = "F", group = ("faulty %d"):format(i)}
end
local options = {gateway = "own", network = "integration", subnet_bits = 27}

spec.test("groups are made once although answers get lost", function()
  set_faults(FAULTS)
  tasks.map(teams, function(team)
    entra.ensure(team.group)
  end)
  set_faults ""
  local count = 0
  for group in entra.each {prefix = "faulty"} do
    count = count + (group.display_name:find "^faulty" and 1 or 0)
  end
  spec.equal(count, TEAMS)
end)

spec.test("every team is onboarded, and no resource is made twice", function()
  set_faults(FAULTS)
  local rows = onboarding.run(onboarding.check(teams, options), options)
  set_faults ""
  for _, row in ipairs(rows) do
    spec.ok(not row.failure, tostring(row.failure))
  end
  local struck = arm.get("/_sim/requests").body
  spec.ok(struck.faults > 500 and struck.lost > 50, "faults struck")
  for _, row in ipairs(arm.get("/_sim/ledger").body.resources) do
    spec.equal({row.id, row.created, row.deleted}, {row.id, 1, 0})
  end
end)

spec.test("a second run through the same faults writes nothing", function()
  set_faults(FAULTS)
  local _, writes = ledger.during(onboarding.run, onboarding.check(teams, options), options)
  set_faults ""
  spec.equal(writes, 0)
end)

spec.finish()
