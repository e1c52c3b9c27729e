-- Onboarding while answers come late, broken, old or not at all: what can be healed is, what
-- cannot fails with a reason, and nothing is called done that is not.
local ledger = require "ledger"
local onboarding = require "onboarding"
local sim = require "sim"
local test = require "test"

local TEAMS = 4

local options = {gateway = "own", network = "integration", subnet_bits = 27}

local teams = {}
for i = 1, TEAMS do
  teams[i] = {team = ("chaos-%d"):format(i), display_name = "C", group = "api-team-search"}
end

local function onboard(them)
  return onboarding.run(onboarding.check(them, options), options)
end

-- Onboards the teams under faults. Returns the teams that were done and those that failed, and
-- the failures' codes.
local function onboard_under(faults)
  local done, failed, codes = {}, {}, {}
  sim.fault(faults)
  local rows = onboard(teams)
  sim.clear_faults()
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

local function check_struck(faults)
  test.ok(sim.requests().faults > 0, "a strike of " .. faults)
end

local function check_done(them)
  local _, writes = ledger.during(onboard, them)
  test.equal(writes, 0)
end

test.each({
  "slow=0.2", "truncated=0.2", "content-type=0.5", "headers-lost=0.5", "stale=0.3",
  "maintenance=0.05", "error-503=0.2", "reset-after@PUT:*/gateways/*=0.5",
}, "{} is healed", {seed = 1}, function(faults)
  local done, _, codes = onboard_under(faults)
  check_struck(faults)
  test.equal(codes, {})
  check_done(done)
end)

-- Old answers and wrong clocks strike nobody in particular, so nobody counts them.
test.each({"replication-lag=4s", "clock-skew=2h", "clock-skew=-2h"}, "{} is healed", {seed = 1},
          function(faults)
  local done, _, codes = onboard_under(faults)
  test.equal(codes, {})
  check_done(done)
end)

test.each({
  {faults = "malformed@PUT:*=0.2", code = "ProtocolError"},
  {faults = "html@PUT:*=0.4", code = "ProtocolError"},
  {faults = "malformed@GET:*/operationresults/*=0.3", code = "ProtocolError"},
  {faults = "empty@GET:*/operationresults/*=0.3", code = "ProtocolError"},
  {faults = "lro-fail@PUT:*/gateways/*=0.5", code = "InternalServerError"},
  {faults = "lro-vanish@PUT:*/gateways/*=0.5", code = "ResourceNotFound"},
}, "{faults} fails with a reason and leaves what a second run completes", {seed = 1},
          function(row)
  local done, failed, codes = onboard_under(row.faults)
  check_struck(row.faults)
  test.ok(#failed > 0, "a failure")
  for _, code in ipairs(codes) do
    test.equal(code, row.code)
  end
  check_done(done)
  for _, again in ipairs(onboard(failed)) do
    test.ok(not again.failure, tostring(again.failure))
  end
  check_done(failed)
end)
