-- Onboarding: what a file of teams may say, and what becomes of it.
local arm = require "arm"
local entra = require "entra"
local gateways = require "gateways"
local ledger = require "ledger"
local networks = require "networks"
local onboarding = require "onboarding"
local rbac = require "rbac"
local test = require "test"
local workspaces = require "workspaces"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains
local folder = arg[0]:match "^(.*/)" or ""

-- Teams by name, each of the group of its name.
local function teams_of(names, fields)
  local teams = {}
  for i, name in ipairs(names) do
    teams[i] = {team = name, display_name = name:upper(), group = "api-team-" .. name}
    for key, value in pairs(fields or {}) do
      teams[i][key] = value
    end
  end
  return teams
end

local function onboard(teams, options)
  return onboarding.run(onboarding.check(teams, options), options)
end

local function column(rows, name)
  local values = {}
  for i, row in ipairs(rows) do
    values[i] = row[name] or false
  end
  return values
end

-- files ----------------------------------------------------------------------------------

test.case("a file is read as people's programs write it, and completed", function()
  local teams = onboarding.read_csv(folder .. "teams_good.csv", {gateway_prefix = "g-"})
  equal(column(teams, "line"), {2, 3, 4})
  equal(column(teams, "team"), {"payments", "orders", "search"})
  equal(column(teams, "description"), {'Cards, and "refunds"', false, false})
  equal(column(teams, "units"), {2, 1, 1})
  equal(column(teams, "network"), {"none", "integration", "none"})
  equal(column(teams, "role"), {"developer", "reader", "developer"})
  equal(column(teams, "mode"), {"own", "own", "shared"})
  equal(column(teams, "gateway_name"), {"g-payments", "gw-trade", false})
  equal(column(teams, "subnet_prefix"), {false, "10.0.8.0/26", false})
end)

test.case("every mistake of a file is told with its line, and nothing is sent", function()
  local failure
  local requests = ledger.during(function()
    failure = raises("BadTeams", onboarding.read_csv, folder .. "teams_bad.csv")
  end)
  equal(requests, 0)
  for _, mistake in ipairs {
    "2: role 'develper' is unknown, did you mean 'developer'?; there are contributor",
    "2: team: workspace name 'pay*' does not match",
    "2: units '13' is not a whole number from 1 to 12",
    "3: display_name is empty",
    "4: group is empty",
    "4: network 'vnet' is not none, integration or injection",
    "4: team 'Orders' was named before on line 3",
    "4: units 'x' is not a whole number from 1 to 12",
    "6: subnet_prefix '10.0.4.0/24' has no use with network none",
    "6: team: workspace name",
    "8: gateway 'gw-trade' has subnet_prefix 10.0.2.0/26 here and 10.0.1.0/26 on line 3",
    "8: gateway 'gw-trade' has units 2 here and 1 on line 3",
    "9: subnet_prefix 10.0.1.32/27 overlaps 10.0.1.0/26 of team 'orders' on line 3",
    "10: 3 fields where the first line has 8",
    "11: subnet_prefix: '10.9.0.0/16' is a /16; a gateway's subnet is a /27 to /24",
    "12: subnet_prefix '10.0.9.0/27' has no use on a shared gateway",
  } do
    contains(failure.message, "teams_bad.csv:" .. mistake)
  end
  contains(failure.message, "nothing was sent")
  local last = 0
  for line in failure.message:gmatch "teams_bad.csv:(%d+)" do
    ok(tonumber(line) >= last, "lines in order")
    last = tonumber(line)
  end
  raises("IOError", onboarding.read_csv, folder .. "teams_missing.csv")
end)

test.case("options are checked", function()
  raises("unknown option 'shared_team'; did you mean 'shared_teams'?", onboarding.check, {},
         {shared_team = 1})
  raises("unknown option", onboarding.run, {}, {nothing = 1})
  equal(onboarding.check({}, {}), {})
  raises("a team is a table with the fields of onboarding.columns, got string", onboarding.team,
         "payments")
end)

test.case("teams of one gateway must describe it alike", function()
  local teams = teams_of({"orders", "search"}, {gateway = "gw-same"})
  teams[2].units = 3
  contains(raises("BadTeams", onboarding.check, teams).message,
           "gateway 'gw-same' has units 3 here and 1 before")
end)

-- own gateways ---------------------------------------------------------------------------

local OWN = {network = "integration", gateway_prefix = "own-"}

test.case("a team gets workspace, gateway, subnet and three roles", function()
  local row = onboard(teams_of {"payments"}, OWN)[1]
  equal({row.team, row.gateway, row.failure}, {"payments", "own-payments"})
  contains(row.hostname, "own-payments")
  local workspace, gateway = workspaces.get "payments", gateways.get "own-payments"
  equal({workspace.display_name, workspace.id}, {"PAYMENTS", row.workspace})
  equal({gateway.network, gateway.units}, {"integration", 1})
  equal(gateway:workspaces(), {workspace.id})
  local subnet = networks.subnets("vnet-apim"):get "snet-own-payments"
  equal({subnet.prefix, gateway.subnet}, {"10.0.0.0/27", subnet.id})
  equal(subnet.delegations[1].service, "Microsoft.Web/serverFarms")
  local group = entra.group "api-team-payments"
  local function roles(scope)
    local found = {}
    for _, assignment in ipairs(rbac.list {scope = scope, principal = group}) do
      if assignment.scope:lower() == scope:lower() then
        found[#found + 1] = assignment.role_definition:match "[^/]+$"
      end
    end
    return found
  end
  local persona = rbac.personas.developer
  equal(roles(workspace.id), {rbac.role_id(persona.workspace)})
  equal(roles(workspace.id:match "^(.*)/workspaces"), {rbac.role_id(persona.service)})
  equal(roles(gateway.id), {rbac.role_id "Reader"})
end)

test.case("a second run writes nothing and chooses the same subnets", function()
  local names = {"payments", "orders", "search", "catalog"}
  local first = onboard(teams_of(names), OWN)
  equal(column(first, "gateway"), {"own-payments", "own-orders", "own-search", "own-catalog"})
  local subnets = {}
  for i, name in ipairs(names) do
    subnets[i] = networks.subnets("vnet-apim"):get("snet-own-" .. name).prefix
  end
  equal(subnets, {"10.0.0.0/27", "10.0.0.32/27", "10.0.0.64/27", "10.0.0.96/27"})
  local second
  local _, writes = ledger.during(function()
    second = onboard(teams_of(names), OWN)
  end)
  equal({writes, second}, {0, first})
  local _, other_order = ledger.during(function()
    onboard(teams_of {"catalog", "search", "orders", "payments"}, OWN)
  end)
  equal(other_order, 0)
end)

test.case("a new team's subnet goes where there is room", function()
  onboard(teams_of {"payments", "orders", "search", "catalog"}, OWN)
  onboard({{team = "identity", display_name = "I", group = "api-team-identity",
            subnet_prefix = "10.0.0.128/27"}}, OWN)
  onboard(teams_of {"payments", "shipping"}, OWN)
  equal(networks.subnets("vnet-apim"):get("snet-own-shipping").prefix, "10.0.0.160/27")
end)

test.case("an address space that is full is told before anything is written", function()
  local _, writes = ledger.during(function()
    local failure = raises("AddressSpaceFull", onboard, teams_of {"billing", "loyalty"},
                           {network = "injection", subnet_space = "10.0.1.0/27"})
    contains(failure.message, "10.0.1.0/27 has no room for a /27 for team 'loyalty'")
  end)
  equal(writes, 0)
  raises("subnet_space: '10.0.1' is not an IPv4 block", onboard, teams_of {"billing"},
         {network = "injection", subnet_space = "10.0.1"})
end)

test.case("the injection mode has its own delegation", function()
  onboard(teams_of {"billing"}, {network = "injection"})
  equal(networks.subnets("vnet-apim"):get("snet-gw-billing").delegations[1].service,
        "Microsoft.Web/hostingEnvironments")
  equal(gateways.get("gw-billing").network, "injection")
end)

test.case("teams that name the same gateway share it, and it is made once", function()
  local rows = onboard(teams_of({"analytics", "inventory"}, {gateway = "gw-both"}),
                       {network = "integration"})
  equal(column(rows, "gateway"), {"gw-both", "gw-both"})
  equal(#gateways.get("gw-both"):workspaces(), 2)
  equal(ledger.of "/gateways/gw-both", {1, 0, 0})
end)

-- shared gateways ------------------------------------------------------------------------

local SHARED = {gateway = "shared", shared_teams = 2, gateway_prefix = "s-"}

test.case("shared gateways are filled up to their number of teams", function()
  local rows = onboard(teams_of {"payments", "orders", "search"}, SHARED)
  equal(column(rows, "gateway"), {"s-shared-1", "s-shared-1", "s-shared-2"})
  equal(#gateways.get("s-shared-1"):workspaces(), 2)
  equal(gateways.find "s-payments", nil)
end)

test.case("who shares a gateway stays there; others fill up what has room", function()
  onboard(teams_of {"payments", "orders", "search"}, SHARED)
  local _, writes = ledger.during(onboard, teams_of {"search", "orders", "payments"}, SHARED)
  equal(writes, 0)
  local rows = onboard(teams_of {"catalog", "search", "shipping", "payments"}, SHARED)
  equal(column(rows, "gateway"), {"s-shared-2", "s-shared-2", "s-shared-3", "s-shared-1"})
end)

test.case("shared gateways have networks, too", function()
  local rows = onboard(teams_of {"loyalty", "partners"}, {gateway = "shared", gateway_prefix = "n-",
                                                          network = "integration"})
  equal(rows[1].gateway, rows[2].gateway)
  local gateway = gateways.get(rows[1].gateway)
  equal({gateway.network, #gateway:workspaces()}, {"integration", 2})
  local _, writes = ledger.during(onboard, teams_of {"partners", "loyalty"},
                                  {gateway = "shared", gateway_prefix = "n-",
                                   network = "integration"})
  equal(writes, 0)
end)

-- groups, failures -----------------------------------------------------------------------

test.case("teams are made of groups by their prefix", function()
  entra.ensure("x-beta", {description = "Second"})
  entra.ensure "x-alpha"
  local teams = onboarding.from_groups "x-"
  equal(column(teams, "team"), {"alpha", "beta"})
  equal(column(teams, "display_name"), {"Alpha", "Beta"})
  equal(column(teams, "description"), {false, "Second"})
  equal(column(teams, "gateway_name"), {"gw-alpha", "gw-beta"})
  local rows = onboarding.run(teams)
  equal(column(rows, "failure"), {false, false})
  raises("GroupNotFound", onboarding.from_groups, "nobody-")
end)

test.case("groups whose names make no teams are told together", function()
  entra.ensure "y-a*"
  entra.ensure "y-b?"
  local failure = raises("BadTeams", onboarding.from_groups, "y-")
  contains(failure.message, "2 mistakes in groups y-*")
end)

test.case("one team's failure does not stop the others", function()
  local teams = teams_of {"notifications", "identity"}
  table.insert(teams, 2, {team = "lost", display_name = "Lost", group = "api-team-lost"})
  local rows = onboard(teams, {gateway_prefix = "f-"})
  equal(column(rows, "team"), {"notifications", "lost", "identity"})
  equal(column(rows, "gateway"), {"f-notifications", false, "f-identity"})
  equal(rows[2].failure.code, "GroupNotFound")
  equal(workspaces.find "lost", nil)
end)

test.case("a gateway that cannot be made fails all of its teams, and no others", function()
  local teams = teams_of({"orders", "search"}, {gateway = "gw-bad", network = "integration"})
  teams[3] = teams_of({"catalog"}, {gateway = "gw-good"})[1]
  for _, team in ipairs(teams) do
    team.subnet_prefix = team.network and "172.16.0.0/24" or nil -- outside of the network
  end
  local rows = onboard(teams)
  equal({rows[1].failure.code, rows[2].failure.code, rows[3].failure},
        {rows[2].failure.code, rows[1].failure.code})
  contains(rows[1].failure, "snet-gw-bad")
  ok(gateways.exists "gw-good" and not gateways.exists "gw-bad")
end)

test.case("one team is onboarded by itself, and its failure is raised", function()
  local row = onboarding.team({team = "partners", display_name = "P",
                               group = "api-team-partners"}, {gateway_prefix = "one-"})
  equal(row.gateway, "one-partners")
  raises("GroupNotFound", onboarding.team, {team = "p", display_name = "P", group = "none"})
  raises("BadTeams", onboarding.team, {team = "p", display_name = "P", group = "g", units = 13})
  ok(#arm.get("/_sim/ledger").body.resources > 0)
end)
