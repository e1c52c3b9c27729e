-- Security rules: items of their group's list and resources of their own.
local ledger = require "ledger"
local networks = require "networks"
local test = require "test"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

local function rule(priority, fields)
  local whole = {direction = "Inbound", access = "Allow", protocol = "Tcp",
                 priority = priority, source = "*", destination = "*",
                 source_port = "*", destination_port = "443"}
  for name, value in pairs(fields or {}) do
    whole[name] = value
  end
  return whole
end

local function group(rules)
  return (networks.security_groups.ensure("nsg-probe", {rules = rules}))
end

local function names(list)
  local found = {}
  for _, each in ipairs(list) do
    found[#found + 1] = each.name
  end
  return found
end

test.case("a rule that is made as a resource is in the list of its group", function()
  local nsg = group {rule(100, {name = "first"})}
  local made, outcome = nsg.security_rules:create("second", rule(200))
  equal({outcome, made.kind, made.priority, made.state},
        {"created", "security rule", 200, "Succeeded"})
  local now = networks.security_groups.get "nsg-probe"
  equal(names(now.rules), {"first", "second"})
  equal({now.rules[2].priority, now.rules[2].state}, {200, "Succeeded"})
  equal(select(2, nsg.security_rules:ensure("second", {priority = 200})), "unchanged")
  equal(select(2, nsg.security_rules:ensure("second", {priority = 201})), "changed")
  equal(networks.security_groups.get "nsg-probe".rules[2].priority, 201)
end)

test.case("a rule of the list is a resource, until the list has it no more", function()
  local nsg = group {rule(100, {name = "first"}), rule(200, {name = "second"})}
  equal(nsg.security_rules:get "second".priority, 200)
  equal(#nsg.security_rules:list(), 2)
  group {rule(100, {name = "first"})}
  equal(names(nsg.security_rules:list()), {"first"})
  equal(nsg.security_rules:find "second", nil)
end)

test.case("a rule that is deleted leaves the list", function()
  local nsg = group {rule(100, {name = "first"}), rule(200, {name = "second"})}
  equal(nsg.security_rules:delete "first", true)
  equal(names(networks.security_groups.get "nsg-probe".rules), {"second"})
  equal(nsg.security_rules:delete "first", false)
end)

test.case("the same list again changes nothing, whoever made the rules", function()
  local nsg = group {rule(100, {name = "first"})}
  nsg.security_rules:create("second", rule(200))
  local _, outcome = networks.security_groups.ensure("nsg-probe", {
    rules = {rule(100, {name = "first"}), rule(200, {name = "second"})}})
  equal(outcome, "unchanged")
end)

test.case("two rules of a direction cannot have one priority", function()
  local nsg = group {rule(100, {name = "first"})}
  raises("SecurityRuleConflict", function()
    nsg.security_rules:create("second", rule(100))
  end)
  equal(nsg.security_rules:find "second", nil)
  local _, outcome = nsg.security_rules:create("out", rule(100, {direction = "Outbound"}))
  equal(outcome, "created")
end)

test.case("two rules of a list cannot have one name", function()
  local _, failure = pcall(group, {rule(100, {name = "twice"}), rule(200, {name = "Twice"})})
  contains(tostring(failure), "twice")
  equal(networks.security_groups.find "nsg-probe", nil)
end)

test.case("a group that goes takes its rules along", function()
  local nsg = group {rule(100, {name = "first"}), rule(200, {name = "second"})}
  local id = nsg.security_rules:get "first".id
  networks.security_groups.delete "nsg-probe"
  equal(ledger.of(id), {0, 0, 1}) -- made by the write of the group
end)

test.case("each group has Azure's own rules, which nobody can change", function()
  local nsg = group {}
  local found = nsg.default_security_rules:list()
  equal(#found, 6)
  equal(#nsg.default_rules, 6)
  local last = nsg.default_security_rules:get "DenyAllInBound"
  equal({last.access, last.priority, last.direction}, {"Deny", 65500, "Inbound"})
  equal(nsg.default_security_rules:find "AllowAll", nil)
  ok(not pcall(function() nsg.default_security_rules:ensure("DenyAllInBound", {}) end))
end)

test.case("a group tells which subnets use it", function()
  local nsg = group {}
  local vnet = networks.virtual_networks.ensure("vnet-probe",
                                                {address_prefixes = {"10.9.0.0/16"}})
  local subnet = vnet.subnets:ensure("s", {prefix = "10.9.1.0/24",
                                           network_security_group = nsg})
  equal(networks.security_groups.get "nsg-probe".subnet_ids, {subnet.id})
end)
