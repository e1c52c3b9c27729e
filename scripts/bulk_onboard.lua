-- Onboard many API teams: workspaces, gateways, networks and access.
--
--   moongate run --sim bulk_onboard --teams scripts/teams.csv --network integration
--
--   payments        gw-payments          gw-payments-1f0c....gateway.westeurope-01.azure-api.net
--   ...
--   12 teams onboarded
local args = require "args"
local onboarding = require "onboarding"
local run = require "run"

local defaults = onboarding.defaults

local options = args.parse({
  purpose = [[
Gives each API team a workspace, a workspace gateway (its own or a shared one), a network for
the gateway, and its Entra group access at service, workspace and gateway. What is there
already stays; a second run writes nothing.]],
  {name = "teams", value = "FILE", help = "CSV with the columns "
    .. table.concat(onboarding.columns, ",")},
  {name = "groups-prefix", value = "TEXT", help = "instead: one team for each Entra group "
    .. "whose name begins so"},
  {name = "gateway", value = "KIND", choices = {"own", "shared"}, default = defaults.gateway,
   help = "for teams that do not say"},
  {name = "network", value = "MODE", choices = {"none", "integration", "injection"},
   default = defaults.network, help = "for teams that do not say"},
  {name = "role", value = "PERSONA", default = defaults.role,
   choices = {"developer", "product-manager", "contributor", "reader"},
   help = "for teams that do not say"},
  {name = "gateway-role", value = "ROLE", default = defaults.gateway_role,
   choices = {"Reader", "Contributor", "Owner"}, help = "of the team on its gateway"},
  {name = "units", value = "N", type = "integer", min = 1, max = 12, default = defaults.units,
   help = "scale units of a gateway, for teams that do not say"},
  {name = "shared-teams", value = "N", type = "integer", min = 1, max = 30,
   default = defaults.shared_teams, help = "the most teams on one shared gateway"},
  {name = "gateway-prefix", value = "TEXT", default = defaults.gateway_prefix,
   help = "what names of gateways begin with"},
  {name = "vnet", value = "NAME", default = defaults.vnet,
   help = "the virtual network for gateways' subnets"},
  {name = "subnet-space", value = "CIDR", default = defaults.subnet_space,
   help = "where subnets are chosen for teams that name none"},
  {name = "subnet-bits", value = "N", type = "integer", min = 24, max = 27,
   default = defaults.subnet_bits, help = "their size"},
}, ...)

if (options.teams == nil) == (options.groups_prefix == nil) then
  require("log").error "either --teams FILE or --groups-prefix TEXT; see --help"
  run.exit(2)
end

local source_file, prefix = options.teams, options.groups_prefix
options.teams, options.groups_prefix = nil, nil

local teams = source_file and onboarding.read_csv(source_file, options)
  or onboarding.from_groups(prefix, options)
local failed, refused = 0, false

for _, row in ipairs(onboarding.run(teams, options)) do
  if row.failure then
    failed = failed + 1
    refused = refused or row.failure.code == "GuardRefused"
    print(("%-15s failed: %s"):format(row.team, tostring(row.failure)))
  else
    print(("%-15s %-20s %s"):format(row.team, row.gateway, row.hostname or "-"))
  end
end

print(("%d team%s onboarded%s"):format(#teams - failed, #teams - failed == 1 and "" or "s",
                                       failed > 0 and (", %d failed"):format(failed) or ""))
run.exit(refused and 5 or failed > 0 and 1 or 0) -- 5: a guard refused, as in any run
