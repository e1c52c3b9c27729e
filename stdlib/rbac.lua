--- Who may do what: role assignments.
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
local model = require "core.model"
local scope = require "scope"
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

local function names_of(map)
  local names = {}
  for name in pairs(map) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function refuse_unknown(what, word, names)
  local near = check.nearest(tostring(word), names)
  check.fail(("unknown %s '%s'%s; there are %s"):format(
    what, tostring(word), near and (", did you mean '%s'?"):format(near) or "",
    table.concat(names, ", ")))
end

local function check_options(options, known, name)
  if type(options) ~= "table" then
    check.fail(("%s: a table expected, got %s"):format(name, type(options)))
  end
  for key in pairs(options) do
    if not known[key] then
      refuse_unknown("option", key, names_of(known))
    end
  end
end

--- Find a role by its name or id: the built-in ones at once, others by asking.
-- @tparam string role such as `API Management Workspace Reader`, or a GUID
-- @treturn string the GUID of its definition
-- @raise failure `RoleNotFound`
function rbac.role_id(role)
  if type(role) ~= "string" then
    check.fail("role: a name or id expected, got " .. type(role))
  end
  local builtin = model.role(role)
  if builtin then
    return builtin.id
  elseif check.is_uuid(role) then
    return role:lower()
  end
  local filter = "&$filter=" .. ("roleName eq '%s'"):format(role:gsub("'", "''"))
    :gsub("[^%w]", function(c)
      return ("%%%02X"):format(c:byte())
    end)
  local found = core.page("role definition", scope.subscription(), filter)
  if #found == 0 then
    local names = {}
    for i, known in ipairs(model.roles()) do
      names[i] = known.name
    end
    local near = check.nearest(role, names)
    error(check.failure {
      code = "RoleNotFound", retryable = false,
      message = ("there is no role '%s'"):format(role),
      cure = near and ("did you mean '%s'?"):format(near) or nil,
    }, 0)
  end
  return found[1].name
end

local function scope_id(value, what)
  local id = value
  if type(value) == "userdata" then
    id = value.id
  end
  if type(id) ~= "string" or id:sub(1, 1) ~= "/" then
    check.fail(("%s: a resource or its id expected, got %s"):format(what, tostring(value)))
  end
  return id
end

local function principal_id(value)
  local id = value
  if type(value) == "table" then
    id = value.id
  end
  if type(id) ~= "string" or not check.is_uuid(id) then
    check.fail(("a group, user or object id expected, got %s"):format(tostring(value)))
  end
  return id:lower()
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
-- @treturn resource the role assignment
-- @treturn string `created` or `unchanged`
-- @raise failure `RoleNotFound`, `AuthorizationFailed`; a message when an option is wrong
-- @usage rbac.assign {principal = team, role = "Reader", scope = gw}
function rbac.assign(options)
  check_options(options, ASSIGN, "rbac.assign")
  local where = scope_id(options.scope, "scope")
  local principal = principal_id(options.principal)
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
  check_options(options, {principal = true, scope = true}, "rbac.list")
  local where = options.scope and scope_id(options.scope, "scope") or scope.service()
  local filter = "atScope()"
  if options.principal then
    filter = ("principalId eq '%s'"):format(principal_id(options.principal))
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
  check_options(options, ASSIGN, "rbac.unassign")
  local where = scope_id(options.scope, "scope")
  local principal = principal_id(options.principal)
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
  check_options(options, {scope = true}, "rbac.denials")
  local where = options.scope and scope_id(options.scope, "scope") or scope.service()
  return collection.all("deny assignment", where, "&$filter=atScope()")
end

local ROLE = {actions = true, data_actions = true, description = true, not_actions = true,
              not_data_actions = true, scopes = true}

--- Make a custom role, or change the one of that name. Its id is made from the name.
-- @tparam string name what people see, unique in the tenant
-- @tparam table options
-- @tparam[opt] table options.actions what it allows, such as `{"Microsoft.ApiManagement/*/read"}`
-- @tparam[opt] table options.not_actions what it does not allow after all
-- @tparam[opt] table options.data_actions what it allows on data
-- @tparam[opt] table options.not_data_actions what it does not allow on data after all
-- @tparam[opt] table options.scopes where it can be assigned, resources or ids; the
--   subscription when it is not given
-- @tparam[opt] string options.description what it is for
-- @treturn resource the role definition
-- @treturn string `created`, `changed` or `unchanged`
-- @raise failure `InvalidActionOrNotAction`, `RoleDefinitionWithSameNameExists` when it is
--   there under another id, `AuthorizationFailed`; a message when an option is wrong
-- @usage rbac.ensure_role("Gateway Reader", {actions = {"Microsoft.ApiManagement/gateways/read"}})
function rbac.ensure_role(name, options)
  if type(name) ~= "string" or name == "" then
    check.fail("role: a name expected, got " .. type(name))
  end
  check_options(options, ROLE, "rbac.ensure_role")
  local scopes = {}
  for i, where in ipairs(options.scopes or {scope.subscription()}) do
    scopes[i] = scope_id(where, "scopes")
  end
  return core.ensure("role definition", scope.subscription(), check.uuid("role|" .. name:lower()), {
    role_name = name,
    description = options.description,
    permissions = {{
      actions = options.actions or {}, not_actions = options.not_actions or {},
      data_actions = options.data_actions or {},
      not_data_actions = options.not_data_actions or {},
    }},
    assignable_scopes = scopes,
  })
end

--- Delete a custom role that `rbac.ensure_role` made. Fine when there is none.
-- @tparam string name
-- @treturn boolean whether it was deleted
-- @raise failure `RoleDefinitionHasAssignments` as long as somebody has it
function rbac.delete_role(name)
  if type(name) ~= "string" or name == "" then
    check.fail("role: a name expected, got " .. type(name))
  end
  return core.delete("role definition", scope.subscription(), check.uuid("role|" .. name:lower()))
end

local GRANT = {as = true, description = true, gateway = true, gateway_role = true, group = true,
               principal = true, principal_type = true, service = true, workspace = true}

-- The pairs of scope and role that a grant means.
local function pairs_of(options)
  local persona = rbac.personas[options.as]
  local grants = {}
  local workspace = options.workspace and scope_id(options.workspace, "workspace")
  local service = options.service and scope_id(options.service, "service")
    or workspace and workspace:match "^(.*)/workspaces/[^/]+$"
    or scope.service()
  if persona then
    grants[#grants + 1] = {scope = service, role = persona.service}
    if workspace then
      grants[#grants + 1] = {scope = workspace, role = persona.workspace}
    end
  end
  if options.gateway then
    grants[#grants + 1] = {scope = scope_id(options.gateway, "gateway"),
                           role = options.gateway_role or "Reader"}
  end
  return grants
end

local function check_grant(options, name)
  check_options(options, GRANT, name)
  if options.as == nil then
    check.fail(("%s: as is required: %s"):format(name,
                                                 table.concat(names_of(rbac.personas), ", ")))
  elseif not rbac.personas[options.as] then
    refuse_unknown("persona", options.as, names_of(rbac.personas))
  end
  if options.gateway_role then
    local known = false
    for _, role in ipairs(rbac.gateway_roles) do
      known = known or role == options.gateway_role
    end
    if not known then
      refuse_unknown("gateway role", options.gateway_role, rbac.gateway_roles)
    end
  end
  return principal_id(options.group or options.principal)
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

return rbac
