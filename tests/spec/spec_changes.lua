-- Changes: a write says what was read, so that nobody's change in between is lost.
local arm = require "arm"
local json = require "json"
local sim = require "sim"
local tasks = require "tasks"
local test = require "test"
local workspaces = require "workspaces"

local equal, ok, raises = test.equal, test.ok, test.raises

local function requests_with(status)
  local count = 0
  for _, request in ipairs(sim.log()) do
    count = count + (request.status == status and 1 or 0)
  end
  return count
end

local LAG = {faults = "replication-lag=2s"}

test.case("a change decided on an old read is decided again", LAG, function()
  local ws = workspaces.ensure("payments", {display_name = "Payments"})
  tasks.sleep "1m"
  -- somebody else, whose change the reads of the next seconds do not show
  arm.request {method = "PATCH", path = ws.id, headers = {["If-Match"] = "*"},
               query = {["api-version"] = "2024-05-01"},
               body = {properties = {description = "theirs"}}}
  local updated, outcome = ws:update {display_name = "Ours"}
  equal(outcome, "changed")
  equal(updated.display_name, "Ours")
  ok(requests_with(412) > 0)
  tasks.sleep "1m"
  equal(workspaces.get("payments").description, "theirs")
end)

test.case("an etag that is not the last one is refused, and nothing is written", function()
  local ws = workspaces.ensure("payments", {display_name = "Payments"})
  local old = ws.etag
  workspaces.update("payments", {description = "new"})
  local before = sim.requests().by_class.arm_writes
  local failure = raises("PreconditionFailed", workspaces.update, "payments",
                         {description = "newer", if_match = old})
  ok(failure.message:find(old, 1, true))
  equal(sim.requests().by_class.arm_writes, before)
  workspaces.update("payments", {description = "newer",
                                 if_match = workspaces.get("payments").etag})
  raises("PreconditionFailed", workspaces.delete, "payments", {if_match = old})
  ok(workspaces.exists "payments")
  raises("has no etag yet", workspaces.create, "other", {if_match = old})
end)

test.case("what a script sets to null is cleared", function()
  local ws = workspaces.ensure("payments", {display_name = "Payments", description = "x"})
  equal(select(2, ws:update {description = json.null}), "changed")
  equal(ws.description, nil)
  equal(select(2, ws:update {description = json.null}), "unchanged")
end)

test.case("a map that is given is the whole map; an object only what it says", function()
  local ws = workspaces.ensure("payments", {})
  local backend = ws.backends:ensure("erp", {
    url = "https://erp.contoso.example", protocol = "http",
    tls = {validate_certificate_chain = true, validate_certificate_name = true},
    circuit_breaker = {rules = {{name = "r", trip_duration = "1m",
                                 failure_condition = {count = 3, interval = 60}}}},
  })
  equal(backend.circuit_breaker.rules[1].trip_duration, 60)
  equal(select(2, ws.backends:ensure("erp", {tls = {validate_certificate_name = true}})),
        "unchanged")
  equal(select(2, ws.backends:ensure("erp", {tls = {validate_certificate_name = false}})),
        "changed")
  equal(ws.backends:get("erp").tls.validate_certificate_chain, true)
end)

test.case("a value at any depth is refused by its way", function()
  local ws = workspaces.ensure("payments", {})
  raises("circuit_breaker%.rules%[1%]%.failure_condition%.status_code_ranges%[2%]%.min 100",
         ws.backends.ensure, ws.backends, "erp", {circuit_breaker = {rules = {{
           failure_condition = {status_code_ranges = {{min = 200, max = 299},
                                                      {min = 100, max = 599}}}}}}})
  raises("did you mean 'validate_certificate_name'", ws.backends.ensure, ws.backends, "erp",
         {tls = {validate_certificat_name = true}})
end)
