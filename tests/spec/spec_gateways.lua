-- Gateways, their networks, and which workspaces they serve.
local clock, gateways, networks = require "clock", require "gateways", require "networks"
local tasks, workspaces = require "tasks", require "workspaces"
local test = require "test"

local function subnet(name, prefix, mode)
  return networks.ensure_gateway_subnet {vnet = "vnet-apim", name = name, prefix = prefix,
                                         mode = mode or "integration"}
end

local function gateway()
  return (gateways.ensure("gw-a", {}))
end

test.case("a gateway takes hours and then has a hostname", function()
  local before = clock.elapsed()
  local gw, outcome = gateways.ensure("gw-a", {})
  test.equal(outcome, "created")
  test.ok(clock.elapsed() - before > 9000)
  test.equal(gw.state, "Succeeded")
  test.equal(gw.units, 1)
  test.equal(gw.network, "none")
  test.equal(gw.location, "westeurope")
  test.contains(gw.hostname, "gw-a-")
end)

test.case("ensure without fields leaves an existing gateway as it is", function()
  local gw = gateway()
  test.equal(select(2, gw:scale(3)), "changed")
  test.equal(select(2, gateways.ensure("gw-a", {})), "unchanged")
  test.equal(gateways.get "gw-a".units, 3)
  test.equal(select(2, gw:scale(3)), "unchanged")
  test.raises("whole number of units", gw.scale, gw, "3")
  test.raises("units 13 is outside 1 to 12", gw.scale, gw, 13)
end)

test.case("the network cannot be changed", function()
  gateway()
  local failure = test.raises("ImmutableProperty", gateways.ensure, "gw-a",
                              {network = "integration", subnet = subnet("s-x", "10.0.9.0/24")})
  test.contains(failure.message, "network")
end)

test.case("a workspace is attached once and detached once", function()
  local gw, ws = gateway(), workspaces.ensure("payments", {})
  local connection, outcome = gw:attach(ws)
  test.equal(outcome, "created")
  test.contains(connection.hostname, "gw-a")
  test.equal(select(2, gw:attach(ws.id)), "unchanged")
  test.equal(#gw:workspaces(), 1)
  test.equal(ws:gateways()[1].name, "gw-a")
  test.equal(gw:detach(ws), true)
  test.equal(gw:detach(ws), false)
  test.equal(#gw:workspaces(), 0)
  test.raises("a workspace or its id", gw.attach, gw, "payments")
end)

test.case("several workspaces are attached side by side, one write after another", function()
  local gw = gateway()
  local attached = tasks.map({"one", "two", "three with spaces and more than thirty letters"},
                             function(name)
    return gw:attach(workspaces.ensure(name, {}))
  end)
  test.equal(#attached, 3)
  test.equal(#gw:workspaces(), 3)
end)

test.case("a gateway serves at most thirty workspaces", function()
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
  local failure = test.raises("GatewayFull", gw.attach, gw, workspaces.ensure("w31", {}))
  test.contains(failure.message, "30 workspaces")
end)

test.case("a subnet for a gateway is delegated and guarded, for both modes", function()
  local integration = subnet("s-1", "10.0.1.0/24")
  test.equal(integration.delegations[1].service, "Microsoft.Web/serverFarms")
  test.contains(integration.network_security_group, "nsg-s-1")
  local injection = subnet("s-2", "10.0.2.0/27", "injection")
  test.equal(injection.delegations[1].service, "Microsoft.Web/hostingEnvironments")
  local rules = networks.security_groups.get "nsg-s-2".rules
  test.equal(#rules, 4)
  local gw = gateways.ensure("gw-private", {network = "injection", subnet = injection})
  test.equal(gw.network, "injection")
  test.equal(gw.subnet:lower(), injection.id:lower())
end)

test.case("asked for again, nothing is written", function()
  local before = subnet("s-1", "10.0.1.0/24").etag
  subnet("s-1", "10.0.1.0/24")
  test.equal(networks.subnets "vnet-apim":get "s-1".etag, before)
end)

test.case("subnets of one network are written one after another", function()
  local before = clock.elapsed()
  tasks.map({10, 11, 12, 13, 14}, function(i)
    subnet("p-" .. i, ("10.0.%d.0/24"):format(i))
  end)
  test.ok(clock.elapsed() - before >= 10, "five writes of seconds each")
  test.equal(#networks.subnets "vnet-apim":list(), 5)
end)

test.case("blocks are checked before anything is sent", function()
  for prefix, text in pairs {["10.0.300.0/24"] = "is not an IPv4 block",
                             ["10.0.1.5/24"] = "does not begin at a multiple",
                             ["10.0.0.0/23"] = "/27 to /24", ["10.0.0.0/28"] = "/27 to /24",
                             ["x"] = "is not an IPv4 block"} do
    test.raises(text, subnet, "s-9", prefix)
  end
  test.raises("is not integration or injection", subnet, "s-9", "10.0.8.0/24", "none")
  test.raises("did you mean 'prefix'", networks.ensure_gateway_subnet, {prefx = "x"})
  test.raises("vnet is required", networks.ensure_gateway_subnet,
              {name = "x", prefix = "10.0.8.0/24", mode = "injection"})
end)

test.case("nested collections are called with a colon", function()
  local subnets = networks.subnets "vnet-apim"
  subnet("s-1", "10.0.1.0/24")
  test.raises("with ':', not with '.'", subnets.get, "s-1")
  test.equal(subnets:find "nope", nil)
  test.equal(subnets:exists "s-1", true)
end)
