-- The module sim: time, faults and what the simulator counts.
local sim, test = require "sim", require "test"
local clock, gateways, tasks, workspaces = require "clock", require "gateways", require "tasks",
                                           require "workspaces"

test.case("time passes, and operations go on in it", function()
  local began = clock.elapsed()
  local op = gateways.create("gw-7", {wait = false})
  sim.advance "1h"
  test.equal({clock.elapsed() - began, op:status()}, {3600, "running", "Activating"})
  test.equal(gateways.get("gw-7").state, "Activating")
  sim.advance(3 * 3600)
  test.equal((op:status()), "succeeded")
  test.equal(gateways.get("gw-7").state, "Succeeded")
end)

test.case("when advance returns, what happens at that time has happened", function()
  local got
  tasks.spawn(function()
    tasks.sleep "10m"
    got = workspaces.create("late", {}).name -- at the very end of the advance
  end)
  sim.advance "10m"
  test.equal(got, "late")
  test.equal(clock.elapsed(), 600)
end)

test.case("advance takes durations only, and waits like all that waits", function()
  test.raises("duration 'soon' is not a duration", sim.advance, "soon")
  test.raises("cannot wait here", table.sort, {2, 1}, function()
    sim.advance(1)
  end)
  local task = tasks.spawn(sim.advance, "1h")
  tasks.sleep "1h" -- the advance is settling now
  task:cancel()
  test.equal(task:status(), "canceled")
end)

test.case("two may advance at once", function()
  local ends = {}
  tasks.all {
    function() sim.advance "2h" ends[#ends + 1] = clock.elapsed() end,
    function() sim.advance "1h" ends[#ends + 1] = clock.elapsed() end,
  }
  test.equal(ends, {3600, 7200})
end)

test.case("now is the simulator's time", function()
  test.near(sim.now(), clock.now(), 0.001)
  local before = sim.now()
  sim.advance "90s"
  test.near(sim.now() - before, 90, 1e-6)
end)

test.case("faults are a text or a table, and replace those before", function()
  sim.fault "throttle=1"
  sim.fault {lro_fail = {"gw-a", "gw-b"}}
  test.raises({code = "InternalServerError", target = "/gateways/gw-a"}, gateways.create, "gw-a")
  test.raises({code = "InternalServerError", target = "/gateways/gw-b"}, gateways.create, "gw-b")
  test.equal(gateways.create("gw-c").state, "Succeeded")
  test.equal(sim.requests().throttled, 0)
  sim.fault {lro_fail = "gw-d", throttle = 0}
  sim.clear_faults()
  test.equal(gateways.create("gw-d").state, "Succeeded")
end)

test.case("faults that make no sense are refused and change nothing", function()
  test.raises("'nonsense'", sim.fault, "nonsense=1")
  test.raises("a text or table of faults expected, got nil", sim.fault)
  test.raises("throttle", sim.fault, {throttle = 7})
end)

test.case("the ledger counts what really was done", function()
  local ws = workspaces.create("payments", {})
  ws:update {description = "x"}
  workspaces.create("gone", {}):delete()
  test.equal(sim.ledger "/workspaces/payments", {created = 1, changed = 1, deleted = 0})
  test.equal(sim.ledger "/WORKSPACES/GONE", {created = 1, changed = 0, deleted = 1})
  test.equal(sim.ledger "/workspaces/never", {created = 0, changed = 0, deleted = 0})
  test.equal({sim.created(), sim.changed(), sim.deleted()}, {2, 1, 1})
  test.equal({sim.created "/workspaces/", sim.created "/Payments$", sim.created "gateway"}, {2, 1, 0})
  test.equal(#sim.ledger(), 2)
end)

test.case("looking is no request, and no fault strikes it", function()
  sim.fault {error = 1, reset = 1}
  local before = sim.requests()
  sim.ledger()
  sim.now()
  test.equal(sim.requests(), before)
  test.equal(before.requests, 0)
end)

test.case("the profile has the ids of the simulated tenant, and no secrets", function()
  local run = require "run"
  test.matches(sim.endpoint, "^http://127%.0%.0%.1:%d+$")
  test.equal({sim.profile.subscription_id, sim.profile.service, sim.profile.resource_group},
             {run.scope().subscription, run.scope().service, run.scope().resource_group})
  for _, name in ipairs {"tenant_id", "client_id", "guest_id"} do
    test.matches(sim.profile[name], "^%x+%-%x+%-%x+%-%x+%-%x+$")
  end
  for name in pairs(sim.profile) do
    test.ok(not name:find "secret", name)
  end
end)

test.case("as the guest, what it has no right to is refused", function()
  workspaces.create("payments", {})
  test.raises("AuthorizationFailed", sim.as, "guest", workspaces.get, "payments")
  test.equal(workspaces.get("payments").name, "payments")
  test.equal({sim.as("owner", function(...) return ... end, 1, nil, 3)}, {1, nil, 3})
  test.raises("guest or owner expected, got boss", sim.as, "boss", error)
  test.raises("a function expected, got nil", sim.as, "guest")
end)

test.case("who acts ends with the function, however that ends", function()
  local function is_refused()
    return not pcall(workspaces.list)
  end
  sim.as("guest", function()
    test.equal(is_refused(), true)
    sim.as("owner", function()
      test.equal(is_refused(), false)
    end)
    test.equal(is_refused(), true)
  end)
  pcall(sim.as, "guest", error)
  test.equal(is_refused(), false)
  local task = tasks.spawn(sim.as, "guest", tasks.sleep, "1h")
  tasks.sleep "1m"
  test.equal(is_refused(), true)
  task:cancel()
  test.equal(is_refused(), false)
end)

test.case("the guest can do what it is given the right to", function()
  local arm, rbac = require "arm", require "rbac"
  local workspace = workspaces.create("payments", {})
  local guest = arm.request {graph = true, path = "/v1.0/servicePrincipals",
                             query = {["$filter"] = "appId eq '" .. sim.profile.guest_id .. "'"}}
  rbac.assign {principal = guest.body.value[1].id, principal_type = "ServicePrincipal",
               role = "Reader", scope = workspace}
  sim.advance "10m"
  test.equal(sim.as("guest", workspaces.get, "payments").name, "payments")
  test.raises("AuthorizationFailed", sim.as, "guest", workspaces.delete, "payments")
end)

-- worlds ---------------------------------------------------------------------------------

local WORLD = {service = "other-apim", groups = {{name = "one-team"}}}

local function group_names()
  local names = {}
  for i, group in ipairs(require "entra".list {}) do
    names[i] = group.display_name
  end
  return names
end

test.case("another world is loaded, and names stand for what it has", function()
  workspaces.create("of the old", {})
  sim.load(WORLD)
  test.equal({sim.profile.service, require "run".scope().service}, {"other-apim", "other-apim"})
  test.equal(group_names(), {"one-team"})
  test.equal(workspaces.list(), {})
  sim.load {groups = {}} -- an empty list
  test.equal({sim.profile.service, group_names()}, {"contoso-apim", {}})
  sim.load '{"service": "of-text"}'
  test.equal(workspaces.create("x", {}).id:match "/service/([^/]+)", "of-text")
end)

test.case("a world that is none is refused, and nothing has changed", function()
  workspaces.create("kept", {})
  test.raises("nonsense", sim.load, {nonsense = 1})
  test.raises("a world as text or table expected, got nil", sim.load)
  local endless = {}
  endless.groups = endless
  test.raises("lie too deep (limit 32)", sim.load, endless)
  test.equal(workspaces.list()[1].name, "kept")
end)

test.case("a dump brings back what there was, operations under way among it", function()
  sim.load(WORLD)
  workspaces.create("payments", {})
  local op = gateways.create("gw", {wait = false})
  sim.advance "1h"
  local before = sim.world()
  test.ok(not before:find(sim.profile.endpoint, 1, true))
  workspaces.delete "payments"
  sim.load(before)
  test.equal(workspaces.list()[1].name, "payments")
  test.equal(gateways.get("gw").state, "Activating")
  test.equal(op:wait().state, "Succeeded")
end)

test.case("a reset gives the world that the test began with, and counts anew", function()
  workspaces.create("payments", {})
  sim.reset()
  test.equal({workspaces.list(), sim.created()}, {{}, 0})
end)

test.case("the log has each request with its answer", function()
  workspaces.create("payments", {})
  sim.fault "error=1"
  local task = tasks.spawn(pcall, workspaces.get, "payments")
  tasks.sleep(0.1)
  task:cancel()
  local log = sim.log()
  local put, get
  for i, request in ipairs(log) do
    test.equal(request.number, i)
    put = request.method == "PUT" and request or put
    get = request.fault == "error" and request or get
  end
  test.contains(put.target, "/workspaces/payments?api-version=")
  test.equal(put.status, 201)
  test.matches(put.time, "^2026%-01%-05T")
  test.ok(get.status >= 500 and get.method == "GET", "the fault is told")
end)
