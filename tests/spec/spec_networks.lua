-- Blocks of addresses, subnets of gateways, the collections of a network.
local ledger = require "ledger"
local networks = require "networks"
local run = require "run"
local test = require "test"
local tasks = require "tasks"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

test.case("parse_cidr gives the first and last address and the length", function()
  equal({networks.parse_cidr "10.0.4.0/24"}, {0x0a000400, 0x0a0004ff, 24})
  equal({networks.parse_cidr "0.0.0.0/0"}, {0, 0xffffffff, 0})
  equal({networks.parse_cidr "255.255.255.255/32"}, {0xffffffff, 0xffffffff, 32})
  for _, wrong in ipairs {"", "10.0.0.0", "10.0.0/24", "10.0.0.256/24", "10.0.0.0/33",
                          "10.0.0.0/-1", " 10.0.0.0/24", "10.0.0.0/24 ", "a.b.c.d/8", "::/0",
                          "1e1.0.0.0/8"} do
    local first, message = networks.parse_cidr(wrong)
    equal(first, nil)
    contains(message, "is not an IPv4 block")
  end
  equal(networks.parse_cidr(), nil)
  equal(networks.parse_cidr {}, nil)
  contains(select(2, networks.parse_cidr "10.0.0.1/31"), "does not begin at a multiple")
end)

test.case("a gateway's subnet is a /27 to /24", function()
  for length = 20, 32 do
    local wrong = networks.check_gateway_prefix(("10.0.0.0/%d"):format(length))
    equal(wrong == nil, length >= 24 and length <= 27)
  end
end)

for mode, service in pairs {integration = "Microsoft.Web/serverFarms",
                            injection = "Microsoft.Web/hostingEnvironments"} do
  local options = {vnet = "vnet-apim", name = "snet-" .. mode, mode = mode,
                   prefix = mode == "injection" and "10.0.20.0/24" or "10.0.21.0/24"}

  test.case(("a subnet for %s is made with its group, and then left as it is"):format(mode), function()
    local subnet = networks.ensure_gateway_subnet(options)
    equal({subnet.name, subnet.prefix, subnet.delegations[1].service},
          {options.name, options.prefix, service})
    local group = networks.security_groups.get("nsg-" .. options.name)
    equal(subnet.network_security_group, group.id)
    ok(#group.rules > 0)
    local _, writes = ledger.during(function()
      equal(networks.ensure_gateway_subnet(options), subnet)
    end)
    equal(writes, 0)
    equal(ledger.of("/subnets/" .. options.name), {1, 0, 0})
  end)

  test.case(("a rule for %s that is lost comes back, and nothing else changes"):format(mode), function()
    networks.ensure_gateway_subnet(options)
    local group = networks.security_groups.get("nsg-" .. options.name)
    local rules = group.rules
    networks.security_groups.update(group.name, {rules = {rules[1]}})
    if #rules > 1 then
      equal(#networks.security_groups.get(group.name).rules, 1)
    end
    networks.ensure_gateway_subnet(options)
    equal(#networks.security_groups.get(group.name).rules, #rules)
    equal(ledger.of("/subnets/" .. options.name), {1, 0, 0})
  end)
end

test.case("a network may be named by its id or be the resource, a group be chosen", function()
  local vnet = networks.virtual_networks.get "vnet-apim"
  equal(networks.vnet_id(vnet), vnet.id)
  equal(networks.vnet_id "vnet-apim":lower(), vnet.id:lower())
  equal(networks.vnet_id(vnet.id), vnet.id)
  for i, form in ipairs {vnet, vnet.id} do
    local subnet = networks.ensure_gateway_subnet {
      vnet = form, name = "form-" .. i, prefix = ("10.0.%d.0/27"):format(30 + i),
      mode = "integration", security_group = "nsg-forms"}
    contains(subnet.network_security_group, "/nsg-forms")
    contains(subnet.id, vnet.id)
  end
  equal(ledger.of "/nsg-forms", {1, 0, 0})
  raises("a virtual network, its name or its id expected, got nil", networks.subnets)
end)

test.case("many subnets of one network go one after another, without a conflict", function()
  local numbers = {}
  for i = 1, 40 do
    numbers[i] = i
  end
  tasks.map(numbers, function(i)
    networks.ensure_gateway_subnet {vnet = "vnet-apim", name = "many-" .. i, mode = "integration",
                                    prefix = ("10.0.%d.0/27"):format(100 + i),
                                    security_group = "nsg-many"}
  end)
  for i = 1, 40 do
    equal(ledger.of("/subnets/many-" .. i), {1, 0, 0})
  end
end)

test.case("a subnet that overlaps or lies outside is refused by the service", function()
  networks.ensure_gateway_subnet {vnet = "vnet-apim", name = "first", prefix = "10.0.20.0/24",
                                  mode = "integration"}
  raises("NetcfgSubnetRangesOverlap", networks.ensure_gateway_subnet,
         {vnet = "vnet-apim", name = "over", prefix = "10.0.20.0/25", mode = "integration"})
  raises("NetcfgSubnetRangeOutsideVnet", networks.ensure_gateway_subnet,
         {vnet = "vnet-apim", name = "out", prefix = "192.168.0.0/24", mode = "integration"})
  raises("NotFound", networks.ensure_gateway_subnet,
         {vnet = "vnet-none", name = "x", prefix = "10.0.22.0/24", mode = "integration"})
end)

test.case("networks, groups and subnets have the verbs of collections", function()
  local vnet, outcome = networks.virtual_networks.ensure("vnet-two",
                                                         {address_prefixes = {"10.8.0.0/16"}})
  equal({outcome, vnet.location, vnet.address_prefixes}, {"created", "westeurope", {"10.8.0.0/16"}})
  equal(select(2, networks.virtual_networks.ensure("vnet-two", {})), "unchanged")
  local subnets = networks.subnets(vnet)
  equal(subnets:list(), {})
  equal(select(2, subnets:create("a", {prefix = "10.8.0.0/24"})), "created")
  raises("AlreadyExists", subnets.create, subnets, "a", {prefix = "10.8.0.0/24"})
  equal({subnets:exists "a", subnets:exists "b", subnets:find "b"}, {true, false, nil})
  equal(subnets:get("a").prefix, "10.8.0.0/24")
  equal(select(2, subnets:ensure("a", {prefix = "10.8.0.0/24"})), "unchanged")
  for subnet in subnets:each() do
    equal(subnet.name, "a")
  end
  raises("prefix 'x' does not match", subnets.ensure, subnets, "b", {prefix = "x"})
  raises("call ensure with ':', not with '.'", subnets.ensure, "b", {})
  equal({subnets:delete "a", subnets:delete "a"}, {true, false})
  equal({vnet:delete(), networks.virtual_networks.find "vnet-two"}, {true})
  ok(run.scope().service)
end)
