-- Onboarding while answers come late, broken, old or not at all: what can be healed is, what
-- cannot fails with a reason, and nothing is called done that is not.
local arm = require "arm"
local ledger = require "ledger"
local onboarding = require "onboarding"
local spec = require "spec"

local TEAMS = 4

local options = {gateway = "own", network = "integration", subnet_bits = 27}
local count = 0

local function set_faults(text)
  return arm.request {method = "POST", path = "/_sim/faults", body = text, repeatable = true}
end

local function struck()
  return arm.get("/_sim/faults").body.struck
end

local function new_teams()
  local teams = {}
  for i = 1, TEAMS do
    count = count + 1
    teams[i] = {team = ("chaos-%d"):format(count), display_name = "C", group = "api-team-search"}
  end
  return teams
end

-- Onboards new teams under a fault. Returns the teams that were done and those that failed, and
-- the failures' codes.
local function onboard(faults)
  local teams, done, failed, codes = new_teams(), {}, {}, {}
  local before = struck()
  set_faults(faults)
  local rows = onboarding.run(onboarding.check(teams, options), options)
  set_faults ""
  spec.ok(struck() > before, "a strike of " .. faults)
  for i, row in ipairs(rows) do
    if row.failure then
      failed[#failed + 1] = teams[i]
      codes[#codes + 1] = row.failure.code
    else
      done[#done + 1] = teams[i]
    end
  end
  return done, failed, codes
end

local function check_done(teams)
  local _, writes = ledger.during(onboarding.run, onboarding.check(teams, options), options)
  spec.equal(writes, 0)
end

for _, faults in ipairs {
  "slow=0.2", "truncated=0.2", "content-type=0.5", "headers-lost=0.5", "stale=0.3",
  "maintenance=0.05", "error-503=0.2", "reset-after@PUT:*/gateways/*=0.5"
} do
  spec.test(faults .. " is healed", function()
    local done, _, codes = onboard(faults)
    spec.equal(codes, {})
    check_done(done)
  end)
end

-- Old answers and wrong clocks strike nobody in particular, so nobody counts them.
for _, faults in ipairs {"replication-lag=4s", "clock-skew=2h", "clock-skew=-2h"} do
  spec.test(faults .. " is healed", function()
    local teams = new_teams()
    set_faults(faults)
    local rows = onboarding.run(onboarding.check(teams, options), options)
    set_faults ""
    for _, row in ipairs(rows) do
      spec.ok(not row.failure, tostring(row.failure))
    end
    check_done(teams)
  end)
end

for faults, code in pairs {
  ["malformed@PUT:*=0.2"] = "ProtocolError", ["html@PUT:*=0.4"] = "ProtocolError",
  ["malformed@GET:*/operationresults/*=0.3"] = "ProtocolError",
  ["empty@GET:*/operationresults/*=0.3"] = "ProtocolError",
  ["lro-fail@PUT:*/gateways/*=0.5"] = "InternalServerError",
  ["lro-vanish@PUT:*/gateways/*=0.5"] = "ResourceNotFound",
} do
  spec.test(faults .. " fails with a reason and leaves what a second run completes", function()
    local done, failed, codes = onboard(faults)
    spec.ok(#failed > 0, "a failure")
    for _, have in ipairs(codes) do
      spec.equal(have, code)
    end
    check_done(done)
    for _, row in ipairs(onboarding.run(onboarding.check(failed, options), options)) do
      spec.ok(not row.failure, tostring(row.failure))
    end
    check_done(failed)
  end)
end

spec.finish()
