-- core.session: by which profile, where and how freely the session works.
local arm = require "arm"
local run = require "run"
local session = require "core.session"
local sim = require "sim"
local tasks = require "tasks"
local test = require "test"
local workspaces = require "workspaces"

local equal, raises = test.equal, test.raises

-- info ------------------------------------------------------------------------------------

test.case("info says where one stands before anything was asked", function()
  local info = session.info()
  equal(info.sim, true)
  equal(info.subscription, sim.profile.subscription_id)
  equal(info.resource_group, sim.profile.resource_group)
  equal(info.service, sim.profile.service)
  equal(info.tenant, sim.profile.tenant_id)
  equal(info.clock, "virtual")
  equal(info.read_only, false)
  equal(info.is_production, false)
  for _, name in ipairs {"profile", "config", "endpoint", "cloud", "credential", "run"} do
    equal(info[name], nil)
  end
  equal(info.signed_in_by, nil)
  equal(#sim.log(), 0)
end)

test.case("info names what has signed in, once something has", function()
  workspaces.list()
  equal(session.info().signed_in_by, "client secret")
end)

test.case("there are no profiles without a configuration", function()
  equal(session.profiles(), {})
  raises("BadSetting", session.use, "staging")
  raises("profile 'staging': there is no configuration", session.use, "staging")
end)

-- scope -----------------------------------------------------------------------------------

test.case("plain names are looked up where set_scope says, at once", function()
  workspaces.ensure("here", {})
  session.set_scope {service = "elsewhere"}
  equal(run.scope().service, "elsewhere")
  equal(run.scope().resource_group, sim.profile.resource_group)
  equal(session.info().service, "elsewhere")
  raises({code = "ResourceNotFound", target = "/service/elsewhere/"}, workspaces.get, "here")
  session.set_scope {resource_group = "other-group"}
  raises({target = "/resourceGroups/other%-group/.*/service/elsewhere/"}, workspaces.get, "here")
  session.set_scope {resource_group = sim.profile.resource_group, service = sim.profile.service}
  equal(workspaces.get("here").name, "here")
end)

test.case("an empty scope changes nothing", function()
  local before = run.scope()
  session.set_scope {}
  equal(run.scope(), before)
end)

test.each({
  {name = "an unknown name", field = "servic", value = "x",
   want = "unknown name 'servic'; did you mean 'service'?"},
  {name = "a number", field = "service", value = 1,
   want = "service: a name expected, got number"},
  {name = "no text", field = "service", value = "",
   want = "service: a name expected, no id and no path"},
  {name = "a path", field = "service", value = "a/b",
   want = "service: a name expected, no id and no path"},
  {name = "a zero byte", field = "service", value = "a\0b",
   want = "service: a name expected, no id and no path"},
}, "a wrong scope is refused and nothing changes: {name}", function(row)
  local before = run.scope()
  local message = raises("spec_session.lua:%d+: ", function()
    session.set_scope {resource_group = "never", [row.field] = row.value}
  end)
  test.contains(message, row.want)
  equal(run.scope(), before)
end)

-- read-only -------------------------------------------------------------------------------

test.case("read-only refuses writes and lets reads pass, until it is off", function()
  session.set_read_only(true)
  equal(session.info().read_only, true)
  raises("GuardRefused", workspaces.ensure, "payments", {})
  equal(#workspaces.list(), 0)
  session.set_read_only(false)
  equal(session.info().read_only, false)
  equal(workspaces.ensure("payments", {}).name, "payments")
  session.set_read_only(true)
  raises("GuardRefused", workspaces.delete, "payments")
  equal(workspaces.exists "payments", true)
end)

test.case("what was sent before read-only goes on to its end", function()
  local gateways = require "gateways"
  local operation = gateways.create("gw-1", {units = 1, wait = false})
  tasks.sleep "1m"
  session.set_read_only(true)
  operation:wait()
  equal(gateways.get("gw-1").name, "gw-1")
  raises("GuardRefused", gateways.delete, "gw-1")
end)

test.case("read-only is on or off, nothing else", function()
  raises("boolean expected, got no value", session.set_read_only)
  raises("boolean expected, got string", session.set_read_only, "on")
  equal(session.info().read_only, false)
end)

test.case("requests by path are refused as those of the library are", function()
  session.set_read_only(true)
  raises("GuardRefused", arm.request, {method = "PUT", path = "/subscriptions/x/resourceGroups/y",
                                       query = {["api-version"] = "2021-04-01"}, body = {}})
end)
