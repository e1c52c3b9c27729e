-- Groups of the directory and what they may do.
local arm, entra, rbac = require "arm", require "entra", require "rbac"
local gateways, workspaces = require "gateways", require "workspaces"
local check, clock, scope = require "core.check", require "clock", require "scope"
local test = require "test"

local ws = workspaces.ensure("payments", {display_name = "Payments"})
local gw = gateways.ensure("gw-payments", {})
local team = entra.group "api-team-payments"

-- The first user of the team itself.
local function some_user()
  for _, member in ipairs(team:members()) do
    if member.type == "User" then
      return member
    end
  end
end

local function roles_at(where, principal)
  local names = {}
  for _, assignment in ipairs(rbac.list {scope = where, principal = principal}) do
    if assignment.scope:lower() == where.id:lower() then
      names[#names + 1] = assignment.role_definition:match "[^/]+$"
    end
  end
  table.sort(names)
  return names
end

test.case("a group is found by name and by id", function()
  test.equal(team.display_name, "api-team-payments")
  test.equal(entra.group(team.id).id, team.id)
  test.equal(entra.find "api-team-nobody", nil)
  test.raises("GroupNotFound", entra.group, "api-team-nobody")
  test.raises("a text expected", entra.group, nil)
end)

test.case("groups are listed by prefix and by filter", function()
  test.equal(#entra.list {prefix = "api-team-"}, 12)
  test.equal(#entra.list {filter = "displayName eq 'api-team-orders'"}, 1)
  test.equal(#entra.list {prefix = "nobody-"}, 0)
  test.raises("unknown option", entra.list, {prefx = "x"})
end)

test.case("a group is made, filled, emptied and deleted; each twice", function()
  local group, outcome = entra.ensure "o'neill's group"
  test.equal(outcome, "created")
  test.equal(select(2, entra.ensure "o'neill's group"), "unchanged")
  test.raises("AlreadyExists", entra.create, "o'neill's group")
  local user = some_user()
  test.equal(entra.user(user.upn).id, user.id)
  test.equal(group:add(user), true)
  test.equal(group:add(user.upn), false)
  test.equal(#group:members(), 1)
  test.equal(group:remove(user), true)
  test.equal(group:remove(user), false)
  test.equal(group:delete(), true)
  test.equal(group:delete(), false)
  test.equal(entra.find "o'neill's group", nil)
end)

test.case("nested members are those of the groups inside, too", function()
  local outer, inner = entra.create "outer", entra.create "inner"
  outer:add(inner)
  inner:add(some_user())
  test.equal(#outer:members(), 1)
  test.equal(outer:members()[1].type, "Group")
  test.equal(#outer:members {nested = true}, 2)
end)

test.case("two groups of one name are ambiguous", function()
  entra.create "twin"
  arm.request {graph = true, method = "POST", path = "/v1.0/groups", body = {
    displayName = "twin", mailEnabled = false, securityEnabled = true, mailNickname = "twin2"}}
  test.raises("Ambiguous", entra.group, "twin")
end)

test.case("a role is given once, however often it is asked for", function()
  local _, first = rbac.assign {principal = team, role = "Reader", scope = gw}
  local _, second = rbac.assign {principal = team, role = "reader", scope = gw}
  test.equal({first, second}, {"created", "unchanged"})
end)

test.case("an assignment under another name is taken as it is", function()
  local role = rbac.role_id "API Management Workspace Reader"
  arm.put(ws.id .. "/providers/Microsoft.Authorization/roleAssignments/"
            .. "11111111-2222-4333-8444-555555555555", {["api-version"] = "2022-04-01"}, {
    properties = {principalId = team.id, principalType = "Group",
                  roleDefinitionId = scope.subscription()
                    .. "/providers/Microsoft.Authorization/roleDefinitions/" .. role}})
  local _, outcome = rbac.assign {principal = team, role = role, scope = ws}
  test.equal(outcome, "unchanged")
  test.equal(rbac.unassign {principal = team, role = role, scope = ws}, 1)
end)

test.case("a grant gives three roles at three scopes, a revoke takes them away", function()
  local grants = rbac.grant {group = team, workspace = ws, gateway = gw, as = "product-manager"}
  test.equal(#grants, 3)
  local persona = rbac.personas["product-manager"]
  test.equal(roles_at(ws, team), {rbac.role_id(persona.workspace)})
  test.equal(roles_at(gw, team), {rbac.role_id "Reader"})
  test.equal(#rbac.grant {group = team, workspace = ws, gateway = gw, as = "product-manager"}, 3)
  test.equal(rbac.revoke {group = team, workspace = ws, gateway = gw, as = "product-manager"}, 3)
  test.equal(roles_at(ws, team), {})
  test.equal(rbac.revoke {group = team, workspace = ws, gateway = gw, as = "product-manager"}, 0)
end)

test.case("each persona is a role on the service and one on the workspace", function()
  for persona, roles in pairs(rbac.personas) do
    test.equal(#rbac.grant {group = team, workspace = ws, as = persona}, 2)
    test.equal(roles_at(ws, team), {rbac.role_id(roles.workspace)})
    test.equal(rbac.revoke {group = team, workspace = ws, as = persona}, 2)
  end
end)

test.case("a group that was just made is waited for until it is known everywhere", function()
  local fresh, before = entra.create "api-team-fresh", clock.elapsed()
  rbac.assign {principal = fresh, role = "Reader", scope = ws}
  test.ok(clock.elapsed() - before >= 20, "some time has passed")
end)

test.case("wrong arguments are refused with what there is", function()
  test.raises("did you mean 'developer'", rbac.grant, {group = team, workspace = ws,
                                                       as = "developper"})
  test.raises("as is required", rbac.grant, {group = team, workspace = ws})
  test.raises("unknown option 'gatway', did you mean 'gateway'", rbac.grant,
              {group = team, gatway = gw, as = "reader"})
  test.raises("unknown gateway role", rbac.grant, {group = team, workspace = ws, gateway = gw,
                                                   as = "reader", gateway_role = "Boss"})
  test.raises("a group, user or object id", rbac.grant, {workspace = ws, as = "reader"})
  test.raises("scope: a resource", rbac.assign, {principal = team, role = "Reader"})
  local failure = test.raises("RoleNotFound", rbac.assign,
                              {principal = team, role = "API Management Workspace Reade",
                               scope = ws})
  test.contains(failure.cure, "API Management Workspace Reader")
end)

test.case("names of assignments never change: scope, principal and role make them", function()
  test.equal(check.uuid "/subscriptions/x|p|r", "807ce59c-6d46-57e8-a3bc-1d0163e698bd")
  local assignment = rbac.assign {principal = team, role = "Reader", scope = gw}
  test.equal(assignment.name, check.uuid(("%s|%s|%s"):format(gw.id:lower(), team.id,
                                                              rbac.role_id "Reader")))
end)
