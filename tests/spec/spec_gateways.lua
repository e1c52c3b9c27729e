-- Gateways, their networks, and which workspaces they serve.
local clock, gateways, networks = require "clock", require "gateways", require "networks"
local tasks, workspaces = require "tasks", require "workspaces"
local spec = require "spec"

local function subnet(name, prefix, mode)
  return networks.ensure_gateway_subnet {vnet = "vnet-apim", name = name, prefix = prefix,
                                         mode = mode or "integration"}
end

spec.test("a gateway takes hours and then has a hostname", function()
  local before = clock.elapsed()
  local gw, outcome = gateways.ensure("gw-a", {})
  spec.equal(outcome, "created")
  spec.ok(clock.elapsed() - before > 9000)
  spec.equal(gw.state, "Succeeded")
  spec.equal(gw.units, 1)
  spec.equal(gw.network, "none")
  spec.equal(gw.location, "westeurope")
  spec.contains(gw.hostname, "gw-a-")
end)

spec.test("ensure without fields leaves an existing gateway as it is", function()
  local gw = gateways.get "gw-a"
  spec.equal(select(2, gw:scale(3)), "changed")
  spec.equal(select(2, gateways.ensure("gw-a", {})), "unchanged")
  spec.equal(gateways.get "gw-a".units, 3)
  spec.equal(select(2, gw:scale(3)), "unchanged")
  spec.raises("whole number of units", gw.scale, gw, "3")
  spec.raises("units 13 is outside 1 to 12", gw.scale, gw, 13)
end)

spec.test("the network cannot be changed", function()
  local failure = spec.raises("ImmutableProperty", gateways.ensure, "gw-a",
                              {network = "integration", subnet = subnet("s-x", "10.0.9.0/24")})
  spec.contains(failure.message, "network")
end)

spec.test("a workspace is attached once and detached once", function()
  local gw, ws = gateways.get "gw-a", workspaces.ensure("payments", {})
  local connection, outcome = gw:attach(ws)
  spec.equal(outcome, "created")
  spec.contains(connection.hostname, "gw-a")
  spec.equal(select(2, gw:attach(ws.id)), "unchanged")
  spec.equal(#gw:workspaces(), 1)
  spec.equal(ws:gateways()[1].name, "gw-a")
  spec.equal(gw:detach(ws), true)
  spec.equal(gw:detach(ws), false)
  spec.equal(#gw:workspaces(), 0)
  spec.raises("a workspace or its id", gw.attach, gw, "payments")
end)

spec.test("several workspaces are attached side by side, one write after another", function()
  local gw = gateways.get "gw-a"
  local attached = tasks.map({"one", "two", "three with spaces and more than thirty letters"},
                             function(name)
    return gw:attach(workspaces.ensure(name, {}))
  end)
  spec.equal(#attached, 3)
  spec.equal(#gw:workspaces(), 3)
end)

spec.test("a gateway serves at most thirty workspaces", function()
  local gw = gateways.ensure("gw-full", {})
  tasks.map({table.unpack((function()
    local names = {}
    for i = 1, gateways.MOST_WORKSPACES do
      names[i] = "w" .. i
    end
    return names
  end)())}, function(name)
    gw:attach(workspaces.ensure(name, {}))
  end)
  local failure = spec.raises("GatewayFull", gw.attach, gw, workspaces.ensure("w31", {}))
  spec.contains(failure.message, "30 workspaces")
end)

spec.test("a subnet for a gateway is delegated and guarded, for both modes", function()
  local integration = subnet("s-1", "10.0.1.0/24")
  spec.equal(integration.delegations[1].service, "Microsoft.Web/serverFarms")
  spec.contains(integration.network_security_group, "nsg-s-1")
  local injection = subnet("s-2", "10.0.2.0/27", "injection")
  spec.equal(injection.delegations[1].service, "Microsoft.Web/hostingEnvironments")
  local rules = networks.security_groups.get "nsg-s-2".rules
  spec.equal(#rules, 4)
  local gw = gateways.ensure("gw-private", {network = "injection", subnet = injection})
  spec.equal(gw.network, "injection")
  spec.equal(gw.subnet:lower(), injection.id:lower())
end)

spec.test("asked for again, nothing is written", function()
  local before = networks.subnets "vnet-apim":get "s-1".etag
  subnet("s-1", "10.0.1.0/24")
  spec.equal(networks.subnets "vnet-apim":get "s-1".etag, before)
end)

spec.test("subnets of one network are written one after another", function()
  local before = clock.elapsed()
  tasks.map({10, 11, 12, 13, 14}, function(i)
    subnet("p-" .. i, ("10.0.%d.0/24"):format(i))
  end)
  spec.ok(clock.elapsed() - before >= 10, "five writes of seconds each")
  spec.ok(#networks.subnets "vnet-apim":list() >= 7)
end)

spec.test("blocks are checked before anything is sent", function()
  for prefix, text in pairs {["10.0.300.0/24"] = "is not an IPv4 block",
                             ["10.0.1.5/24"] = "does not begin at a multiple",
                             ["10.0.0.0/23"] = "/27 to /24", ["10.0.0.0/28"] = "/27 to /24",
                             ["x"] = "is not an IPv4 block"} do
    spec.raises(text, subnet, "s-9", prefix)
  end
  spec.raises("is not integration or injection", subnet, "s-9", "10.0.8.0/24", "none")
  spec.raises("did you mean 'prefix'", networks.ensure_gateway_subnet, {prefx = "x"})
  spec.raises("vnet is required", networks.ensure_gateway_subnet,
              {name = "x", prefix = "10.0.8.0/24", mode = "injection"})
end)

spec.test("nested collections are called with a colon", function()
  local subnets = networks.subnets "vnet-apim"
  spec.raises("with ':', not with '.'", subnets.get, "s-1")
  spec.equal(subnets:find "nope", nil)
  spec.equal(subnets:exists "s-1", true)
end)

spec.finish()
