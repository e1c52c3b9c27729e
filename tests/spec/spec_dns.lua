-- Private DNS: zones, links, records, and the names of injected gateways.
local dns, gateways, networks = require "dns", require "gateways", require "networks"
local ledger = require "ledger"
local test = require "test"

local equal, raises, contains = test.equal, test.raises, test.contains

local function vnet()
  return (networks.virtual_networks.ensure("vnet-dns", {address_prefixes = {"10.9.0.0/16"}}))
end

test.case("a zone has links and records", function()
  local zone, outcome = dns.ensure("contoso.internal", {})
  equal({outcome, zone.location}, {"created", "global"})
  local link = zone.links:ensure("vnet-dns", {virtual_network = vnet()})
  equal(link.virtual_network, vnet().id)
  local record = zone.a_records:ensure("gw", {addresses = {{address = "10.9.0.4"}}})
  equal({record.ttl, record.addresses[1].address}, {3600, "10.9.0.4"})
  local _, writes = ledger.during(function()
    zone.links:ensure("vnet-dns", {virtual_network = vnet()})
    zone.a_records:ensure("gw", {addresses = {{address = "10.9.0.4"}}})
    equal(select(2, dns.ensure("contoso.internal", {})), "unchanged")
  end)
  equal(writes, 0)
end)

test.case("the names of a gateway are seen to", function()
  local gw = gateways.ensure("gw-a", {})
  local options = {gateway = gw, vnet = vnet(), address = "10.9.0.4"}
  local records = dns.ensure_gateway_records(options)
  equal(#records, 1)
  equal({records[1].name, records[1].addresses[1].address}, {"@", "10.9.0.4"})
  local zone = dns.get(gw.hostname)
  equal(zone.links:list()[1].virtual_network, vnet().id)
  local _, writes = ledger.during(dns.ensure_gateway_records, options)
  equal(writes, 0)
  options.address = "10.9.0.5"
  equal(dns.ensure_gateway_records(options)[1].addresses[1].address, "10.9.0.5")
end)

test.case("one zone may hold the names of many gateways", function()
  local gw = gateways.ensure("gw-a", {})
  local label, zone = gw.hostname:match "^([^.]+)%.(.*)$"
  local records = dns.ensure_gateway_records {gateway = gw, vnet = "vnet-apim", zone = zone,
                                              address = "10.9.0.4", ttl = 60}
  equal({records[1].name, records[1].ttl}, {label, 60})
end)

test.case("options are checked before anything is sent", function()
  local gw = gateways.ensure("gw-a", {})
  local function refused(pattern, options)
    raises(pattern, dns.ensure_gateway_records, options)
  end
  local _, writes = ledger.during(function()
    refused("a table expected", "gw-a")
    refused("unknown option 'adress'; did you mean 'address'", {adress = "10.0.0.1"})
    refused("address is required", {gateway = gw, vnet = "vnet-apim"})
    refused("gateway is required", {address = "10.0.0.1", vnet = "vnet-apim"})
    refused("'10.0.0.256' is not an IPv4 address",
            {gateway = gw, vnet = "vnet-apim", address = "10.0.0.256"})
    refused("gateway: a gateway expected",
            {gateway = "gw-a", vnet = "vnet-apim", address = "10.0.0.1"})
    refused("zone 'contoso.internal' does not hold the hostname",
            {gateway = gw, vnet = "vnet-apim", address = "10.0.0.1", zone = "contoso.internal"})
  end)
  equal(writes, 0)
end)

test.case("a gateway without a hostname has no names yet", function()
  local operation = gateways.ensure("gw-new", {wait = false})
  require("tasks").sleep(60)
  local gw = gateways.get "gw-new"
  equal(gw.hostname, nil)
  local failure = raises("NoHostname", dns.ensure_gateway_records,
                         {gateway = gw, vnet = "vnet-apim", address = "10.0.0.1"})
  contains(failure.cure, "wait")
  operation:wait()
end)
