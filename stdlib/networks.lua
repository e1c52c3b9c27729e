--- Networks for workspace gateways.
--
--     local subnet = networks.ensure_gateway_subnet {
--       vnet = "vnet-apim", name = "snet-payments", prefix = "10.0.4.0/24",
--       mode = "integration"}
--
-- A gateway needs a subnet of its own, of /27 to /24, delegated to the right service and with
-- a network security group. The rules are those of the Azure documentation, "Network
-- resource requirements for integration of a workspace gateway into a virtual network".
-- @module networks
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local scope = require "scope"
local services = require "services"

local networks = {}

local function in_group(kind, defaults)
  return collection.verbs(kind, {
    where = {"resource_group"},
    parent = function(where)
      return scope.resource_group(where.resource_group)
    end,
    defaults = defaults,
  })
end

local function at_service()
  return {location = services.location()}
end

--- Virtual networks: `networks.virtual_networks.ensure("vnet-apim", {address_prefixes =
-- {"10.0.0.0/16"}})`; each has `vnet.subnets`, as `networks.subnets(vnet)` gives them.
networks.virtual_networks = in_group("virtual network", at_service)

--- Network security groups, with `rules`; each rule is a resource in `security_rules`, too.
networks.security_groups = in_group("network security group", at_service)

--- Route tables; each has `routes`: `networks.route_tables.get("rt").routes:list()`.
networks.route_tables = in_group("route table", at_service)

--- NAT gateways, through which subnets reach the Internet.
networks.nat_gateways = in_group("nat gateway", at_service)

--- The subnets of a virtual network, a nested collection: `networks.subnets(vnet):list()`.
-- @tparam virtual_network|string vnet the network, its name or its id
-- @tparam[opt] string resource_group where it is, if a name is given
-- @treturn subnet.collection whose verbs are called with `:`
function networks.subnets(vnet, resource_group)
  return collection.nested("subnet", networks.vnet_id(vnet, resource_group))
end

--- The id of a virtual network.
-- @tparam virtual_network|string vnet the network, its name or its id
-- @tparam[opt] string resource_group where it is, if a name is given
-- @treturn string
function networks.vnet_id(vnet, resource_group)
  if type(vnet) == "userdata" then
    return vnet.id
  elseif type(vnet) ~= "string" then
    check.fail("a virtual network, its name or its id expected, got " .. type(vnet))
  elseif vnet:sub(1, 1) == "/" then
    return vnet
  end
  return scope.resource_group(resource_group) .. "/providers/Microsoft.Network/virtualNetworks/"
           .. vnet
end

local RULES = {
  integration = {
    {name = "allow-storage", direction = "Outbound", access = "Allow", priority = 100,
     protocol = "Tcp", source = "VirtualNetwork", source_port = "*", destination = "Storage",
     destination_port = "443"},
  },
  injection = {
    {name = "allow-load-balancer", direction = "Inbound", access = "Allow", priority = 100,
     protocol = "Tcp", source = "AzureLoadBalancer", source_port = "*",
     destination = "VirtualNetwork", destination_port = "80"},
    {name = "allow-virtual-network", direction = "Inbound", access = "Allow", priority = 110,
     protocol = "Tcp", source = "VirtualNetwork", source_port = "*",
     destination = "VirtualNetwork", destination_ports = {"80", "443"}},
    {name = "allow-storage", direction = "Outbound", access = "Allow", priority = 100,
     protocol = "Tcp", source = "VirtualNetwork", source_port = "*", destination = "Storage",
     destination_port = "443"},
    {name = "allow-key-vault", direction = "Outbound", access = "Allow", priority = 110,
     protocol = "Tcp", source = "VirtualNetwork", source_port = "*",
     destination = "AzureKeyVault", destination_port = "443"},
  },
}

local DELEGATIONS = {
  integration = "Microsoft.Web/serverFarms",
  injection = "Microsoft.Web/hostingEnvironments",
}

--- Parse an IPv4 block.
-- @tparam string prefix such as `10.0.4.0/24`
-- @treturn integer its first address, nil when it is not a block
-- @treturn integer its last address, or what is wrong with it
-- @treturn integer the length of its prefix
function networks.parse_cidr(prefix)
  local a, b, c, d, length
  if type(prefix) == "string" then
    a, b, c, d, length = prefix:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)/(%d+)$"
  end
  a, b, c, d, length = tonumber(a), tonumber(b), tonumber(c), tonumber(d), tonumber(length)
  if not a or a > 255 or b > 255 or c > 255 or d > 255 or length > 32 then
    return nil, ("'%s' is not an IPv4 block such as 10.0.4.0/24"):format(tostring(prefix))
  end
  local first = a << 24 | b << 16 | c << 8 | d
  local size = 1 << (32 - length)
  if first % size ~= 0 then
    return nil, ("'%s' does not begin at a multiple of its size"):format(prefix)
  end
  return first, first + size - 1, length
end

--- What is wrong with a block for a gateway's subnet, or nil.
-- @tparam string prefix
-- @treturn ?string
function networks.check_gateway_prefix(prefix)
  local first, last, length = networks.parse_cidr(prefix)
  if not first then
    return last
  elseif length < 24 or length > 27 then
    return ("'%s' is a /%d; a gateway's subnet is a /27 to /24"):format(prefix, length)
  end
end

local OPTIONS = {"mode", "name", "prefix", "resource_group", "security_group", "vnet"}

local function check_options(options)
  if type(options) ~= "table" then
    check.fail("ensure_gateway_subnet: a table expected, got " .. type(options))
  end
  check.options(options, OPTIONS)
  for _, name in ipairs {"mode", "name", "prefix", "vnet"} do
    if options[name] == nil then
      check.fail(("ensure_gateway_subnet: %s is required"):format(name))
    end
  end
  if not RULES[options.mode] then
    check.fail(("mode '%s' is not integration or injection"):format(tostring(options.mode)))
  end
  local wrong = networks.check_gateway_prefix(options.prefix)
  if wrong then
    check.fail("prefix: " .. wrong)
  end
end

--- See to a subnet that a gateway can be put into, with its network security group.
-- The virtual network must exist. Nothing is written when all is as it should be.
-- @tparam table options
-- @tparam virtual_network|string options.vnet the network, its name or its id
-- @tparam string options.name of the subnet
-- @tparam string options.prefix its block, /27 to /24
-- @tparam string options.mode `integration` or `injection`
-- @tparam[opt] string options.security_group name of the group, `nsg-` and the subnet's name
-- @tparam[opt] string options.resource_group where the network is
-- @treturn subnet
-- @raise failure what the service refuses; a message when an option is wrong
function networks.ensure_gateway_subnet(options)
  check_options(options)
  local vnet = networks.vnet_id(options.vnet, options.resource_group)
  local group = networks.security_groups.ensure(
    options.security_group or "nsg-" .. options.name,
    {resource_group = vnet:match "^(/subscriptions/[^/]+/resourceGroups/[^/]+)",
     rules = RULES[options.mode]})
  local service = DELEGATIONS[options.mode]
  return (core.ensure("subnet", vnet, options.name, {
    prefix = options.prefix,
    network_security_group = group,
    delegations = {{name = "gateway", service = service}},
  }))
end

return networks
