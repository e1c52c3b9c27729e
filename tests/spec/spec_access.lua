-- Groups of the directory and what they may do.
local arm, entra, rbac = require "arm", require "entra", require "rbac"
local gateways, workspaces = require "gateways", require "workspaces"
local check, clock, scope = require "core.check", require "clock", require "scope"
local spec = require "spec"

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

spec.test("a group is found by name and by id", function()
  spec.equal(team.display_name, "api-team-payments")
  spec.equal(entra.group(team.id).id, team.id)
  spec.equal(entra.find "api-team-nobody", nil)
  spec.raises("GroupNotFound", entra.group, "api-team-nobody")
  spec.raises("a text expected", entra.group, nil)
end)

spec.test("groups are listed by prefix and by filter", function()
  spec.equal(#entra.list {prefix = "api-team-"}, 12)
  spec.equal(#entra.list {filter = "displayName eq 'api-team-orders'"}, 1)
  spec.equal(#entra.list {prefix = "nobody-"}, 0)
  spec.raises("unknown option", entra.list, {prefx = "x"})
end)

spec.test("a group is made, filled, emptied and deleted; each twice", function()
  local group, outcome = entra.ensure "o'neill's group"
  spec.equal(outcome, "created")
  spec.equal(select(2, entra.ensure "o'neill's group"), "unchanged")
  spec.raises("AlreadyExists", entra.create, "o'neill's group")
  local user = some_user()
  spec.equal(entra.user(user.upn).id, user.id)
  spec.equal(group:add(user), true)
  spec.equal(group:add(user.upn), false)
  spec.equal(#group:members(), 1)
  spec.equal(group:remove(user), true)
  spec.equal(group:remove(user), false)
  spec.equal(group:delete(), true)
  spec.equal(group:delete(), false)
  spec.equal(entra.find "o'neill's group", nil)
end)

spec.test("nested members are those of the groups inside, too", function()
  local outer, inner = entra.create "outer", entra.create "inner"
  outer:add(inner)
  inner:add(some_user())
  spec.equal(#outer:members(), 1)
  spec.equal(outer:members()[1].type, "Group")
  spec.equal(#outer:members {nested = true}, 2)
end)

spec.test("two groups of one name are ambiguous", function()
  entra.create "twin"
  arm.request {graph = true, method = "POST", path = "/v1.0/groups", body = {
    displayName = "twin", mailEnabled = false, securityEnabled = true, mailNickname = "twin2"}}
  spec.raises("Ambiguous", entra.group, "twin")
end)

spec.test("a role is given once, however often it is asked for", function()
  local _, first = rbac.assign {principal = team, role = "Reader", scope = gw}
  local _, second = rbac.assign {principal = team, role = "reader", scope = gw}
  spec.equal({first, second}, {"created", "unchanged"})
end)

spec.test("an assignment under another name is taken as it is", function()
  local role = rbac.role_id "API Management Workspace Reader"
  arm.put(ws.id .. "/providers/Microsoft.Authorization/roleAssignments/"
            .. "11111111-2222-4333-8444-555555555555", {["api-version"] = "2022-04-01"}, {
    properties = {principalId = team.id, principalType = "Group",
                  roleDefinitionId = scope.subscription()
                    .. "/providers/Microsoft.Authorization/roleDefinitions/" .. role}})
  local _, outcome = rbac.assign {principal = team, role = role, scope = ws}
  spec.equal(outcome, "unchanged")
  spec.equal(rbac.unassign {principal = team, role = role, scope = ws}, 1)
end)

spec.test("a grant gives three roles at three scopes, a revoke takes them away", function()
  local grants = rbac.grant {group = team, workspace = ws, gateway = gw, as = "product-manager"}
  spec.equal(#grants, 3)
  local persona = rbac.personas["product-manager"]
  spec.equal(roles_at(ws, team), {rbac.role_id(persona.workspace)})
  spec.equal(roles_at(gw, team), {rbac.role_id "Reader"})
  spec.equal(#rbac.grant {group = team, workspace = ws, gateway = gw, as = "product-manager"}, 3)
  spec.equal(rbac.revoke {group = team, workspace = ws, gateway = gw, as = "product-manager"}, 3)
  spec.equal(roles_at(ws, team), {})
  spec.equal(rbac.revoke {group = team, workspace = ws, gateway = gw, as = "product-manager"}, 0)
end)

spec.test("each persona is a role on the service and one on the workspace", function()
  for persona, roles in pairs(rbac.personas) do
    spec.equal(#rbac.grant {group = team, workspace = ws, as = persona}, 2)
    spec.equal(roles_at(ws, team), {rbac.role_id(roles.workspace)})
    spec.equal(rbac.revoke {group = team, workspace = ws, as = persona}, 2)
  end
end)

spec.test("a group that was just made is waited for until it is known everywhere", function()
  local fresh, before = entra.create "api-team-fresh", clock.elapsed()
  rbac.assign {principal = fresh, role = "Reader", scope = ws}
  spec.ok(clock.elapsed() - before >= 20, "some time has passed")
end)

spec.test("wrong arguments are refused with what there is", function()
  spec.raises("did you mean 'developer'", rbac.grant, {group = team, workspace = ws,
                                                       as = "developper"})
  spec.raises("as is required", rbac.grant, {group = team, workspace = ws})
  spec.raises("unknown option 'gatway', did you mean 'gateway'", rbac.grant,
              {group = team, gatway = gw, as = "reader"})
  spec.raises("unknown gateway role", rbac.grant, {group = team, workspace = ws, gateway = gw,
                                                   as = "reader", gateway_role = "Boss"})
  spec.raises("a group, user or object id", rbac.grant, {workspace = ws, as = "reader"})
  spec.raises("scope: a resource", rbac.assign, {principal = team, role = "Reader"})
  local failure = spec.raises("RoleNotFound", rbac.assign,
                              {principal = team, role = "API Management Workspace Reade",
                               scope = ws})
  spec.contains(failure.cure, "API Management Workspace Reader")
end)

spec.test("names of assignments never change: scope, principal and role make them", function()
  spec.equal(check.uuid "/subscriptions/x|p|r", "807ce59c-6d46-57e8-a3bc-1d0163e698bd")
  local assignment = rbac.assign {principal = team, role = "Reader", scope = gw}
  spec.equal(assignment.name, check.uuid(("%s|%s|%s"):format(gw.id:lower(), team.id,
                                                              rbac.role_id "Reader")))
end)

spec.finish()
