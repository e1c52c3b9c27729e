--- Private DNS: zones of names that virtual networks see.
--
--     local zone = dns.ensure("contoso.internal", {})
--     zone.links:ensure("vnet-apim", {virtual_network = vnet})
--     zone.a_records:ensure("gw", {addresses = {{address = "10.0.4.4"}}})
--
-- Functions take the zone's name, and options: the fields of a zone, `resource_group` and `wait`.
-- A gateway that is injected into a network answers to its hostname alone, at a private address,
-- and Azure makes no names for that: `dns.ensure_gateway_records` does.
-- @module dns
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local networks = require "networks"
local scope = require "scope"

local dns = collection.verbs("private dns zone", {
  where = {"resource_group"},
  parent = function(where)
    return scope.resource_group(where.resource_group)
  end,
  defaults = function()
    return {location = "global"}
  end,
})

collection.methods "private dns zone"

local OPTIONS = {"address", "gateway", "resource_group", "ttl", "vnet", "zone"}

local function is_address(text)
  local parts = type(text) == "string" and {text:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$"} or {}
  for _, part in ipairs(parts) do
    if #part > 3 or tonumber(part) > 255 then
      return false
    end
  end
  return #parts == 4
end

local function check_options(options)
  if type(options) ~= "table" then
    check.fail("ensure_gateway_records: a table expected, got " .. type(options))
  end
  check.options(options, OPTIONS)
  for _, name in ipairs {"address", "gateway", "vnet"} do
    if options[name] == nil then
      check.fail(("ensure_gateway_records: %s is required"):format(name))
    end
  end
  if not is_address(options.address) then
    check.fail(("address '%s' is not an IPv4 address"):format(tostring(options.address)))
  elseif type(options.gateway) ~= "userdata" or options.gateway.kind ~= "gateway" then
    check.fail "gateway: a gateway expected"
  elseif options.zone ~= nil and type(options.zone) ~= "string" then
    check.fail("zone: a name expected, got " .. type(options.zone))
  end
end

-- The names that the gateway answers to: its own, and those that it has for its workspaces.
local function hostnames_of(gateway)
  local names, seen = {}, {}
  local function add(name)
    if name and name ~= "" and not seen[name:lower()] then
      seen[name:lower()] = true
      names[#names + 1] = name:lower()
    end
  end
  add(gateway.hostname)
  for connection in gateway.connections:each() do
    add(connection.hostname)
  end
  if #names == 0 then
    error(check.failure {
      code = "NoHostname", target = gateway.id, retryable = false,
      operation = ("DNS records of gateway '%s'"):format(gateway.name),
      message = "it has no hostname yet", cure = "wait until the gateway is there",
    }, 0)
  end
  return names
end

-- The zone of a hostname, and its name in that.
local function place(hostname, zone)
  if not zone or zone:lower() == hostname then
    return hostname, "@"
  end
  local rest = #hostname - #zone
  if rest < 2 or hostname:sub(rest) ~= "." .. zone:lower() then
    check.fail(("zone '%s' does not hold the hostname %s"):format(zone, hostname))
  end
  return zone, hostname:sub(1, rest - 1)
end

--- See to the names of a gateway that is injected into a network: for each of its hostnames a
-- private zone, its link to the network, and the record of its private address. Nothing is
-- written when all is as it should be. The API does not tell the private address; the portal
-- shows it on the gateway's overview page.
-- @tparam table options
-- @tparam resource options.gateway the gateway
-- @tparam virtual_network|string options.vnet the network in which the names are asked for, its
--   name or its id
-- @tparam string options.address the gateway's private IPv4 address
-- @tparam[opt] string options.zone a zone that holds the hostnames; when it is not given, each
--   hostname has a zone of its own, which hides no other name from the network
-- @tparam[opt=3600] integer options.ttl seconds
-- @tparam[opt] string options.resource_group where zones and network are
-- @treturn table a list of the records
-- @raise failure `NoHostname` when the gateway is not there yet; what the service refuses; a
--   message when an option is wrong
-- @usage dns.ensure_gateway_records {gateway = gw, vnet = "vnet-apim", address = "10.0.4.4"}
function dns.ensure_gateway_records(options)
  check_options(options)
  local vnet = networks.vnet_id(options.vnet, options.resource_group)
  local records = {}
  for i, hostname in ipairs(hostnames_of(options.gateway)) do
    local zone_name, record = place(hostname, options.zone)
    local zone = dns.ensure(zone_name, {resource_group = options.resource_group})
    zone.links:ensure(vnet:match "[^/]+$", {virtual_network = vnet, registration_enabled = false})
    records[i] = core.ensure("dns a record", zone.id, record, {
      ttl = options.ttl or 3600, addresses = {{address = options.address}}})
  end
  return records
end

return dns
