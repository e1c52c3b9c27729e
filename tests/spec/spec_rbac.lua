-- Access in its corners: what is listed, what is refused, what is waited for.
local clock = require "clock"
local entra = require "entra"
local ledger = require "ledger"
local rbac = require "rbac"
local scope = require "scope"
local test = require "test"
local tasks = require "tasks"
local workspaces = require "workspaces"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains
local workspace = workspaces.ensure("access", {})
local team = entra.group "api-team-orders"

test.case("the same grant twice, or by many at once, is one assignment", function()
  local numbers = {1, 2, 3, 4, 5, 6}
  tasks.map(numbers, function()
    return (rbac.grant {group = team, workspace = workspace, as = "developer"})
  end)
  local _, writes = ledger.during(rbac.grant, {group = team, workspace = workspace,
                                               as = "developer"})
  equal(writes, 0)
  equal(#rbac.list {scope = workspace, principal = team}, 2)
end)

test.case("list gives what is assigned at a scope and above, of all or of one", function()
  rbac.grant {group = team, workspace = workspace, as = "developer"}
  local all = rbac.list {scope = workspace}
  local of_team = rbac.list {scope = workspace, principal = team.id}
  ok(#all > #of_team and #of_team == 2, "the automation's own Owner is in the first list")
  for _, assignment in ipairs(of_team) do
    equal(assignment.principal_id, team.id)
    contains(workspace.id, assignment.scope)
  end
  equal(rbac.list {scope = workspace, principal = entra.group "api-team-search"}, {})
  ok(#rbac.list() >= 1)
  raises("unknown option 'scop'", rbac.list, {scop = workspace})
end)

test.case("a grant names a persona, and gives a gateway role only on a gateway", function()
  equal(#rbac.grant {group = team, workspace = workspace.id, as = "reader"}, 2)
  equal(#rbac.grant {group = team, as = "reader"}, 1)
  equal(#rbac.grant {principal = team.id, service = scope.service(), as = "reader"}, 1)
  raises("as is required: contributor, developer, product-manager, reader", rbac.grant,
         {group = team, workspace = workspace})
  raises("unknown persona 'admin'; there are contributor", rbac.grant,
         {group = team, workspace = workspace, as = "admin"})
  raises("a table expected, got nil", rbac.grant)
  raises("workspace: a resource or its id expected, got payments", rbac.grant,
         {group = team, workspace = "payments", as = "reader"})
  raises("a group, user or object id expected, got 'api-team-orders'; entra.group", rbac.grant,
         {group = "api-team-orders", workspace = workspace, as = "reader"})
end)

test.case("roles are known by name in any case, by id, and by the near name", function()
  local id = rbac.role_id "Reader"
  equal({rbac.role_id "reader", rbac.role_id(id), rbac.role_id(id:upper())}, {id, id, id})
  local failure = raises("RoleNotFound", rbac.role_id, "API Management Workspace Contributr")
  contains(failure, "did you mean 'API Management Workspace Contributor'?")
  raises("RoleNotFound", rbac.role_id, "it's none")
  raises("role: a name or id expected, got nil", rbac.role_id)
end)

test.case("a fresh group is waited for in virtual time, and written once", function()
  local fresh = entra.create "api-team-brand-new"
  local began = clock.elapsed()
  local grants = rbac.grant {group = fresh, workspace = workspace, as = "developer"}
  local seconds = clock.elapsed() - began
  ok(seconds >= 20 and seconds < 600, "waited " .. seconds)
  for _, assignment in ipairs(grants) do
    equal(ledger.of("/roleAssignments/" .. assignment.name), {1, 0, 0})
  end
end)

test.case("a principal that never comes is given up with its code", function()
  local failure = raises("PrincipalNotFound", rbac.assign, {
    principal = "00000000-0000-4000-8000-000000000000", role = "Reader", scope = workspace})
  equal(failure.status, 400)
end)

test.case("waiting for a principal ends with its task", function()
  local fresh = entra.create "api-team-canceled"
  local task = tasks.spawn(rbac.assign, {principal = fresh, role = "Reader", scope = workspace})
  tasks.sleep(2)
  equal(task:status(), "waiting")
  task:cancel()
  equal(rbac.list {scope = workspace, principal = fresh}, {})
end)

test.case("revoke takes away what the grant gave, and counts", function()
  local arguments = {group = team, workspace = workspace, as = "developer"}
  rbac.grant(arguments)
  ok(rbac.revoke(arguments) >= 1)
  equal(rbac.revoke(arguments), 0)
  raises("as is required", rbac.revoke, {group = team})
end)

test.case("a custom role is made once, changed where it differs, given and taken away", function()
  local reading = {"Microsoft.ApiManagement/gateways/read"}
  local role, outcome = rbac.ensure_role("Gateway Watcher", {actions = reading,
                                                            description = "Looks."})
  equal({outcome, role.role_name, role.role_type}, {"created", "Gateway Watcher", "CustomRole"})
  equal(role.assignable_scopes, {scope.subscription()})
  equal(select(2, rbac.ensure_role("Gateway Watcher", {actions = reading})), "unchanged")
  reading[2] = "Microsoft.ApiManagement/gateways/write"
  local changed, how = rbac.ensure_role("Gateway Watcher", {actions = reading})
  equal({how, changed.permissions[1].actions}, {"changed", reading})
  equal(rbac.role_id "gateway watcher", role.name)
  rbac.assign {principal = team, role = "Gateway Watcher", scope = workspace}
  raises("RoleDefinitionHasAssignments", rbac.delete_role, "Gateway Watcher")
  equal(rbac.unassign {principal = team, role = "Gateway Watcher", scope = workspace}, 1)
  equal({rbac.delete_role "Gateway Watcher", rbac.delete_role "Gateway Watcher"}, {true, false})
  raises("RoleNotFound", rbac.role_id, "Gateway Watcher")
end)

test.case("a custom role that cannot be is refused", function()
  raises("actions[1]: 'all' is no action", rbac.ensure_role, "Nothing", {actions = {"all"}})
  raises("a role allows something", rbac.ensure_role, "Nothing", {})
  raises("unknown option 'action', did you mean 'actions'?", function()
    rbac.ensure_role("Nothing", {action = {"*"}})
  end)
  raises("a name expected, got nil", rbac.ensure_role)
  raises("scopes: a resource or its id expected, got rg", rbac.ensure_role, "Nothing",
         {actions = {"*"}, scopes = {"rg"}})
  raises("InvalidAssignableScope", rbac.ensure_role, "Nothing",
         {actions = {"*"}, scopes = {"/subscriptions/11111111-2222-3333-4444-555555555555"}})
  raises("'/subscriptions/other' is no subscription", rbac.ensure_role, "Nothing",
         {actions = {"*"}, scopes = {"/subscriptions/other"}})
end)

test.case("what is denied can be listed; usually nothing is", function()
  equal(rbac.denials(), {})
  equal(rbac.denials {scope = workspace}, {})
  raises("unknown option 'scop'", rbac.denials, {scop = workspace})
end)
