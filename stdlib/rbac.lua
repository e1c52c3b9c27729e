--- Who may do what: role assignments, roles, and what comes of them.
--
--     rbac.grant {group = team, workspace = ws, gateway = gw, as = "developer"}
--
-- Who works in a workspace needs a role on the service and one on the workspace; Reader on
-- the gateway is advised. A persona stands for the pair. Names of assignments are made from
-- scope, principal and role, so that the same grant twice is one assignment.
-- @module rbac
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local grantee = require "grantee"
local roles = require "roles"
local scope = require "scope"
local snapshot = require "access"
local tasks = require "tasks"

local rbac = {}

--- What each persona stands for: a role on the service and one on the workspace.
rbac.personas = {
  ["developer"] = {
    service = "API Management Service Workspace API Developer",
    workspace = "API Management Workspace API Developer",
  },
  ["product-manager"] = {
    service = "API Management Service Workspace API Product Manager",
    workspace = "API Management Workspace API Product Manager",
  },
  ["contributor"] = {
    service = "API Management Service Workspace API Product Manager",
    workspace = "API Management Workspace Contributor",
  },
  ["reader"] = {
    service = "API Management Service Workspace API Developer",
    workspace = "API Management Workspace Reader",
  },
}

--- The roles that make sense on a gateway.
rbac.gateway_roles = {"Reader", "Contributor", "Owner"}

--- Find a role by its name or id: the built-in ones at once, others by asking.
-- @tparam string role such as `API Management Workspace Reader`, or a GUID
-- @treturn string the GUID of its definition
-- @raise failure `RoleNotFound`
-- @usage print(rbac.role_id "API Management Workspace Reader")
function rbac.role_id(role)
  return roles.id(role)
end

--- Get a role with what it allows: the built-in ones that moongate knows at once, others by
-- one request.
-- @param role its name in any case, its GUID, the id of its definition, or a definition
-- @treturn role with `id` (the GUID), `name`, `description`, `role_type` (`BuiltInRole` or
--   `CustomRole`), `assignable_scopes`, and `permissions`: a list of tables with `actions`,
--   `not_actions`, `data_actions` and `not_data_actions`
-- @raise failure `RoleNotFound`
-- @usage print(rbac.role("Reader").permissions[1].actions[1])
function rbac.role(role)
  return roles.find(role)
end

--- Whether a role allows at least what another does, for every action that could be, not
-- only for those that exist today.
--
-- What a role allows is, for each of its permissions, what its actions fit less what its
-- notActions fit, all these together; and the same for actions on data. "*" stands for any
-- characters, case does not matter. Where the patterns are too entangled to decide, the
-- answer is false and the difference says so: true is always true.
-- @param role a role: what `rbac.role` takes or gives, or a table with `actions`,
--   `not_actions`, `data_actions`, `not_data_actions`
-- @param other the same
-- @treturn boolean
-- @treturn table what is missing: a list of tables with `pattern` (of the other role),
--   `example` (an action that the other allows and this one does not), `is_data`,
--   `is_undecided`; printed it is a line for each
-- @raise failure `RoleNotFound`
-- @usage local enough, missing = rbac.covers("API Management Workspace Reader",
--                                            "API Management Workspace API Developer")
--   print(enough, #missing, missing[1])
function rbac.covers(role, other)
  return roles.covers(role, other)
end

--- What two roles are to each other.
-- @param role as for `rbac.covers`
-- @param other the same
-- @treturn string `equal`, `more` (the first allows all that the second does, and more),
--   `less` or `different`
-- @treturn table `more` and `less`: what the first has and lacks, as `rbac.covers` tells it
-- @raise failure `RoleNotFound`
-- @usage print((rbac.compare("Owner", "Reader")))
function rbac.compare(role, other)
  return roles.compare(role, other)
end

local ASSIGN = {principal = true, principal_type = true, role = true, scope = true,
                description = true}

local function assignment_name(where, principal, role)
  return check.uuid(("%s|%s|%s"):format(where:lower(), principal, role))
end

--- Give a role. One that is given already is fine. Waits until a principal that was just
-- made is known everywhere.
-- @tparam table options
-- @param options.principal a group or user of `entra`, or an object id
-- @tparam string options.role name or id of the role
-- @param options.scope a resource or its id
-- @tparam[opt=Group] string options.principal_type User, Group or ServicePrincipal
-- @tparam[opt] string options.description why
-- @treturn role_assignment
-- @treturn string `created` or `unchanged`
-- @raise failure `RoleNotFound`, `AuthorizationFailed`; a message when an option is wrong
-- @usage rbac.assign {principal = team, role = "Reader", scope = gw}
function rbac.assign(options)
  grantee.check_options(options, ASSIGN, "rbac.assign")
  local where = grantee.scope_id(options.scope, "scope")
  local principal = grantee.principal_id(options.principal)
  local role = rbac.role_id(options.role)
  return core.ensure("role assignment", where, assignment_name(where, principal, role), {
    role_definition = scope.subscription()
      .. "/providers/Microsoft.Authorization/roleDefinitions/" .. role,
    principal_id = principal,
    principal_type = options.principal_type
      or (type(options.principal) == "table" and options.principal.type) or "Group",
    description = options.description,
  })
end

--- The assignments at a scope and above it.
-- @tparam table options
-- @param options.scope a resource or its id; the service when it is not given
-- @param[opt] options.principal only those of this group, user or object id
-- @treturn table of role assignments
-- @raise failure
-- @usage for _, a in ipairs(rbac.list {scope = ws}) do print(a.principal_id) end
function rbac.list(options)
  options = options or {}
  grantee.check_options(options, {principal = true, scope = true}, "rbac.list")
  local where = options.scope and grantee.scope_id(options.scope, "scope") or scope.service()
  local filter = "atScope()"
  if options.principal then
    filter = ("principalId eq '%s'"):format(grantee.principal_id(options.principal))
  end
  filter = filter:gsub("[ ']", {[" "] = "%20", ["'"] = "%27"})
  return collection.all("role assignment", where, "&$filter=" .. filter)
end

local function is_of(assignment, where, principal, role)
  return (assignment.scope or ""):lower() == where:lower()
    and (assignment.principal_id or ""):lower() == principal
    and (not role or (assignment.role_definition or ""):lower():sub(-#role) == role)
end

--- Take a role away, under whatever name it was given. Fine when it was not.
-- @tparam table options `principal`, `role`, `scope` as for `rbac.assign`; without `role` all
--   roles that the principal has at exactly this scope
-- @treturn integer how many assignments were deleted
-- @raise failure
-- @usage rbac.unassign {principal = team, role = "Reader", scope = gw}
function rbac.unassign(options)
  grantee.check_options(options, ASSIGN, "rbac.unassign")
  local where = grantee.scope_id(options.scope, "scope")
  local principal = grantee.principal_id(options.principal)
  local role = options.role and rbac.role_id(options.role):lower()
  local count = 0
  for _, assignment in ipairs(rbac.list {scope = where, principal = principal}) do
    if is_of(assignment, where, principal, role)
       and core.delete("role assignment", "", assignment.id) then
      count = count + 1
    end
  end
  return count
end

--- The deny assignments that count at a scope: what nobody may do there whatever roles say.
-- Azure makes them, for managed applications and deployment stacks.
-- @tparam[opt] table options
-- @param options.scope a resource or its id; the service when it is not given
-- @treturn table of deny assignments
-- @raise failure
-- @usage for _, d in ipairs(rbac.denials {scope = gw}) do print(d.deny_name) end
function rbac.denials(options)
  options = options or {}
  grantee.check_options(options, {scope = true}, "rbac.denials")
  local where = options.scope and grantee.scope_id(options.scope, "scope") or scope.service()
  return collection.all("deny assignment", where, "&$filter=atScope()")
end

--- Make a custom role, or change the one of that name. Its id is made from the name.
-- What would be refused for its form is refused before anything is sent. A tenant has at most
-- 5,000 custom roles (`RoleDefinitionLimitExceeded`).
-- @tparam string name what people see, unique in the tenant, 1 to 512 characters; or
--   `options` alone, which then has `name`
-- @tparam table options
-- @tparam[opt] table options.actions what it allows, such as `{"Microsoft.ApiManagement/*/read"}`
-- @tparam[opt] table options.not_actions what it does not allow after all
-- @tparam[opt] table options.data_actions what it allows on data
-- @tparam[opt] table options.not_data_actions what it does not allow on data after all
-- @tparam[opt] table options.assignable_scopes where it can be assigned, there and below:
--   resources or ids of subscriptions, management groups, resource groups or resources; the
--   subscription when it is not given (`scopes` is the same)
-- @tparam[opt] string options.description what it is for, at most 2,048 characters
-- @treturn role_definition
-- @treturn string `created`, `changed` or `unchanged`
-- @raise failure `InvalidAssignableScope`, `AuthorizationFailed`,
--   `RoleDefinitionWithSameNameExists` when it is there where this subscription does not see
--   it; a message when an option is wrong
-- @usage rbac.ensure_role("Gateway Reader", {actions = {"Microsoft.ApiManagement/gateways/read"}})
function rbac.ensure_role(name, options)
  return roles.ensure(name, options)
end

--- Delete a custom role. Fine when there is none.
-- @tparam string name
-- @treturn boolean whether it was deleted
-- @raise failure `RoleDefinitionHasAssignments` as long as somebody has it; a message when it
--   is a built-in role
-- @usage rbac.delete_role "Gateway Reader"
function rbac.delete_role(name)
  return roles.delete(name)
end

local GRANT = {as = true, description = true, gateway = true, gateway_role = true, group = true,
               principal = true, principal_type = true, service = true, workspace = true}

-- The pairs of scope and role that a grant means.
local function pairs_of(options)
  local persona = rbac.personas[options.as]
  local grants = {}
  local workspace = options.workspace and grantee.scope_id(options.workspace, "workspace")
  local service = options.service and grantee.scope_id(options.service, "service")
    or workspace and workspace:match "^(.*)/workspaces/[^/]+$"
    or scope.service()
  if persona then
    grants[#grants + 1] = {scope = service, role = persona.service}
    if workspace then
      grants[#grants + 1] = {scope = workspace, role = persona.workspace}
    end
  end
  if options.gateway then
    grants[#grants + 1] = {scope = grantee.scope_id(options.gateway, "gateway"),
                           role = options.gateway_role or "Reader"}
  end
  return grants
end

local function check_grant(options, name)
  grantee.check_options(options, GRANT, name)
  if options.as == nil then
    check.fail(("%s: as is required: %s"):format(
      name, table.concat(grantee.names_of(rbac.personas), ", ")))
  elseif not rbac.personas[options.as] then
    grantee.refuse_unknown("persona", options.as, grantee.names_of(rbac.personas))
  end
  if options.gateway_role then
    local known = false
    for _, role in ipairs(rbac.gateway_roles) do
      known = known or role == options.gateway_role
    end
    if not known then
      grantee.refuse_unknown("gateway role", options.gateway_role, rbac.gateway_roles)
    end
  end
  return grantee.principal_id(options.group or options.principal)
end

--- Give a group its access at service, workspace and gateway in one act.
-- @tparam table options
-- @param options.group a group of `entra` (or `principal`: a user or an object id)
-- @tparam string options.as developer, product-manager, contributor or reader
-- @param options.workspace the workspace
-- @param[opt] options.gateway the gateway, on which it gets `gateway_role`
-- @tparam[opt=Reader] string options.gateway_role Reader, Contributor or Owner
-- @param[opt] options.service the service when there is no workspace, or another
-- @treturn table the role assignments
-- @raise failure; a message when an option is wrong
function rbac.grant(options)
  local principal = check_grant(options, "rbac.grant")
  return tasks.map(pairs_of(options), function(grant)
    return (rbac.assign {
      principal = principal, role = grant.role, scope = grant.scope,
      principal_type = options.principal_type, description = options.description,
    })
  end)
end

--- Take away what the same call of `rbac.grant` gives.
-- The role on the service goes, too: grant again what other workspaces of the group need.
-- @tparam table options as for `rbac.grant`
-- @treturn integer how many assignments were deleted
-- @raise failure
function rbac.revoke(options)
  local principal = check_grant(options, "rbac.revoke")
  local count = 0
  for _, grant in ipairs(pairs_of(options)) do
    count = count + rbac.unassign {principal = principal, role = grant.role,
                                   scope = grant.scope}
  end
  return count
end

--- Whether a principal may do something: what its role assignments at the scope and above
-- give it, by itself and through groups in groups, less what deny assignments keep it from.
--
-- Several roles add up: what the notActions of one take away, another can give. A role that
-- was given on a condition does not count as a yes, as conditions cannot be evaluated here:
-- `rbac.explain` has the verdict `conditionally` then. Locks and policies are not looked at,
-- nor conditions of deny assignments, which count as if they had none.
--
-- It takes 3 requests, 1 more when only an object id is given, and 1 for each role that is
-- not built in; those that list take more where a list has several pages. `rbac.snapshot`
-- saves what several questions have in common.
-- @param principal a group or user of `entra`, an object id, or `"me"`: whose the run's
--   requests are
-- @tparam string action such as `Microsoft.ApiManagement/service/workspaces/write`
-- @param[opt] where a resource or its id; the service when it is not given
-- @tparam[opt] table options
-- @tparam[opt=false] boolean options.data it is an action on data
-- @treturn boolean
-- @treturn string why
-- @raise failure `PrincipalNotFound`, `AuthorizationFailed` when the assignments cannot be
--   read; a message when an argument is wrong
-- @usage print(rbac.can("me", "Microsoft.ApiManagement/service/read"))
function rbac.can(principal, action, where, options)
  return snapshot.new():can(principal, action, where, options)
end

--- Why a principal may do something, or not. Printed it says so, with a line for each
-- assignment that was considered; requests as of `rbac.can`.
-- @param principal as for `rbac.can`
-- @tparam ?string action as for `rbac.can`; when it is nil, this is `rbac.access`
-- @param[opt] where a resource or its id; the service when it is not given
-- @tparam[opt] table options as for `rbac.can`
-- @treturn table `verdict` (`allowed`; `conditionally`: only on a condition of an assignment;
--   `denied`: a role allows it and a deny assignment denies it; `none`: no role allows it),
--   `is_allowed`, `reason`, `principal`, `action`, `scope`, `is_data`; `assignments`: a list
--   with `role`, `role_id`, `scope`, `through` (the group, with `id` and `name`),
--   `condition`, `effect` (`allows`, `conditional`, `excepted`, `other`, `gone`), `pattern`
--   and `exception`; `denials`: a list with `name`, `scope`, `effect` (`denies`, `excluded`,
--   `excepted`, `other`, `not here`), `pattern` and `exception`
-- @raise as `rbac.can`
-- @usage print(rbac.explain(entra.group "api-team-payments",
--                           "Microsoft.ApiManagement/service/read"))
function rbac.explain(principal, action, where, options)
  return snapshot.new():explain(principal, action, where, options)
end

--- All that a principal may do at a scope, for a report. Requests as of `rbac.can`.
-- @tparam table options
-- @param options.principal as for `rbac.can`
-- @param[opt] options.scope a resource or its id; the service when it is not given
-- @treturn table `principal`, `scope`; `assignments`: a list with `role`, `role_id`, `scope`,
--   `through`, `condition` and `permissions` (as of `rbac.role`); `denials`: a list of what
--   keeps it from something, with `name`, `scope` and `permissions`
-- @raise as `rbac.can`
-- @usage print(rbac.access {principal = "me"})
function rbac.access(options)
  return snapshot.new():access(options)
end

--- Who may do something at a scope: users, groups and service principals, each with the ways
-- to it. It is the list of those for whom `rbac.can` says yes, and of those who may on a
-- condition (`is_conditional`). Principals that are deleted are left out.
--
-- It takes 2 requests, 1 for each role that is not built in, 1 for each principal that has a
-- role that allows it (or that a deny assignment of the action names), and 1 for each group
-- that is in one of these.
-- @tparam string action as for `rbac.can`
-- @param[opt] where a resource or its id; the service when it is not given
-- @tparam[opt] table options as for `rbac.can`
-- @treturn table a list by name, with `id`, `type`, `name`, `upn`, `is_conditional`, and
--   `paths`: a list with `role`, `scope`, `groups` (names, from the one with the role down)
--   and `condition`
-- @raise failure `AuthorizationFailed`; a message when an argument is wrong
-- @usage for _, who in ipairs(rbac.who "Microsoft.ApiManagement/service/delete") do
--     print(who)
--   end
function rbac.who(action, where, options)
  return snapshot.new():who(action, where, options)
end

--- Several questions about one moment: what was asked for one is not asked again for another.
-- @treturn snapshot with the methods `can`, `explain`, `access` and `who`, which take what
--   the functions of the same names take; it does not see what changes after it has asked
-- @usage local now = rbac.snapshot()
--   for _, team in ipairs(entra.list {prefix = "api-team-"}) do
--     print(team, now:can(team, "Microsoft.ApiManagement/service/read"))
--   end
function rbac.snapshot()
  return snapshot.new()
end

return rbac
