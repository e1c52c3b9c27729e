-- Contoso's estate: two services, teams on shared and own gateways, networks in a group of
-- their own, and who may do what.
--
--   moongate run --sim-world scripts/worlds/contoso.lua -e '
--     for gw in require("gateways").each() do print(gw.name, gw.units, #gw:workspaces()) end'
--
--   gw-loyalty   1   1
--   gw-payments  4   2
--   gw-shared    2   3
now = "2026-03-02T08:00:00Z"
tenant = {name = "Contoso", domain = "contoso.example"}
subscription = {name = "API Platform (production)"}
location = "westeurope"

resource_groups = {
  {name = "rg-apim", tags = {costcenter = "4711", owner = "api-platform"}},
  {name = "rg-network", tags = {owner = "network"}},
  {name = "rg-apim-test", location = "northeurope", tags = {owner = "api-platform"}},
}
services = {
  {name = "contoso-apim", sku = "Premium", capacity = 2, created_at = "2023-06-12T09:14:00Z",
   publisher_name = "Contoso API Platform", resource_tags = {environment = "production"}},
  {name = "contoso-apim-test", resource_group = "rg-apim-test", location = "northeurope",
   sku = "StandardV2", created_at = "2025-09-01T07:30:00Z",
   resource_tags = {environment = "test"}},
}

-- networks: each gateway has a subnet of its own
network_security_groups = {
  {name = "nsg-gateways", resource_group = "rg-network", rules = {
    {name = "storage", direction = "Outbound", access = "Allow", priority = 100,
     protocol = "Tcp", source = "VirtualNetwork", source_port = "*",
     destination = "Storage", destination_port = "443"},
  }},
}
local function subnet(name, prefix)
  return {name = name, prefix = prefix, network_security_group = "rg-network/nsg-gateways",
          delegations = {{name = "gateway", service = "Microsoft.Web/serverFarms"}}}
end
virtual_networks = {
  {name = "vnet-apim", resource_group = "rg-network", address_prefixes = {"10.20.0.0/16"},
   tags = {owner = "network"},
   subnets = {subnet("snet-shared", "10.20.1.0/24"), subnet("snet-payments", "10.20.2.0/27")}},
}

-- teams: a workspace each, a group each, a lead each
local teams = {
  {"payments", "Payments", gateway = "gw-payments"}, {"billing", "Billing", gateway = "gw-payments"},
  {"orders", "Orders", gateway = "gw-shared"}, {"catalog", "Catalog", gateway = "gw-shared"},
  {"search", "Search", gateway = "gw-shared"}, {"loyalty", "Loyalty"},
}
workspaces, groups, role_assignments = {}, {}, {}
users = {{upn = "ada.king@contoso.example", name = "Ada King", password = "simulated-password-1"}}
applications = {{name = "deployments", secret = "deploy~5hR1T.simulated-secret-3"}}

local connections = {}
for i, team in ipairs(teams) do
  local name, title = team[1], team[2]
  local group = "api-team-" .. name
  workspaces[i] = {name = name, display_name = title, description = "The APIs of " .. title}
  groups[i] = {name = group, description = "Develops the APIs of " .. title,
               owners = {"ada.king@contoso.example"},
               members = {("lead.%s@contoso.example"):format(name),
                          ("dev.%s@contoso.example"):format(name)}}
  for _, grant in ipairs {
    {"API Management Service Workspace API Developer", "services/contoso-apim"},
    {"API Management Workspace API Developer", "workspaces/" .. name},
  } do
    table.insert(role_assignments, {principal = group, role = grant[1], scope = grant[2]})
  end
  if team.gateway then
    connections[team.gateway] = connections[team.gateway] or {}
    table.insert(connections[team.gateway], name)
    table.insert(role_assignments,
                 {principal = group, role = "Reader", scope = "gateways/" .. team.gateway})
  end
end
groups[#groups + 1] = {name = "api-platform", members = {"ada.king@contoso.example"}}
groups[#groups + 1] = {name = "api-teams", members = {"api-team-payments", "api-team-orders"}}
table.insert(role_assignments, {principal = "api-platform", role = "Contributor",
                                scope = "resource_groups/rg-apim", description = "on call"})
table.insert(role_assignments, {principal = "deployments", role = "Contributor",
                                scope = "services/contoso-apim"})

gateways = {
  {name = "gw-shared", units = 2, network = "integration", created_at = "2025-11-03T10:00:00Z",
   subnet = "rg-network/vnet-apim/snet-shared", connections = connections["gw-shared"]},
  {name = "gw-payments", units = 4, network = "integration", created_at = "2025-06-20T10:00:00Z",
   subnet = "rg-network/vnet-apim/snet-payments", connections = connections["gw-payments"],
   tags = {pci = "yes"}},
  -- made before gateways could be shared: it serves one workspace and no second one
  {name = "gw-loyalty", created_at = "2025-02-11T10:00:00Z", connections = {"loyalty"}},
}
limits = {workspaces_per_service = 100}
durations = {["gateway.create"] = {"2h50m", "3h10m"}}
replication_seconds = 30
