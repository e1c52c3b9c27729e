-- Onboarding through a service that fails in every way it can: all succeed, nothing twice.
local entra = require "entra"
local ledger = require "ledger"
local onboarding = require "onboarding"
local sim = require "sim"
local test = require "test"
local tasks = require "tasks"

local FAULTS = "throttle=0.1,error=0.05,error-after=0.03,reset=0.05,reset-after=0.05,"
  .. "monitor-lost=0.02,revoke=0.002,token-life=10m"
local TEAMS = 30

local teams = {}
for i = 1, TEAMS do
  teams[i] = {team = ("faulty-%d"):format(i), display_name = "F", group = ("faulty %d"):format(i)}
end
local options = {gateway = "own", network = "integration", subnet_bits = 27}

local function make_groups()
  tasks.map(teams, function(team)
    entra.ensure(team.group)
  end)
end

local function onboard()
  return onboarding.run(onboarding.check(teams, options), options)
end

test.case("groups are made once although answers get lost", {seed = 1, faults = FAULTS}, function()
  make_groups()
  sim.clear_faults()
  local count = 0
  for group in entra.each {prefix = "faulty"} do
    count = count + (group.display_name:find "^faulty" and 1 or 0)
  end
  test.equal(count, TEAMS)
end)

test.case("every team is onboarded, and no resource is made twice", {seed = 1}, function()
  make_groups()
  sim.fault(FAULTS)
  local rows = onboard()
  for _, row in ipairs(rows) do
    test.ok(not row.failure, tostring(row.failure))
  end
  local struck = sim.requests()
  test.ok(struck.faults > 500 and struck.lost > 50, "faults struck")
  local ledger_rows = sim.ledger()
  test.ok(#ledger_rows >= TEAMS * 7, "all of it was made")
  for _, row in ipairs(ledger_rows) do
    test.equal({row.id, row.created, row.deleted}, {row.id, 1, 0})
  end
end)

test.case("a second run through the same faults writes nothing", {seed = 1}, function()
  make_groups()
  onboard()
  sim.fault(FAULTS)
  local _, writes = ledger.during(onboard)
  test.equal(writes, 0)
  test.ok(sim.requests().faults > 10, "faults struck")
end)
