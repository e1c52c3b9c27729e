--- Role definitions: finding, comparing, making and deleting them. Scripts use `rbac`.
-- @module roles
local access = require "core.access"
local check = require "core.check"
local core = require "core.resources"
local grantee = require "grantee"
local model = require "core.model"
local scope = require "scope"
local tasks = require "tasks"

local roles = {}

-- What a permission allows, and what it allows on data: each a set of actions.
local PLANES = {
  {patterns = "actions", exceptions = "not_actions", is_data = false},
  {patterns = "data_actions", exceptions = "not_data_actions", is_data = true},
}

local role_metatable = {
  __name = "role",
  __tostring = function(role)
    return role.id and ("role '%s' (%s)"):format(role.name, role.id) or "a role without name"
  end,
}

local function to_role(fields)
  return setmetatable(fields, role_metatable)
end

-- finding --------------------------------------------------------------------------------

local function by_name(name)
  local filter = "&$filter=" .. ("roleName eq '%s'"):format(name:gsub("'", "''"))
    :gsub("[^%w]", function(c)
      return ("%%%02X"):format(c:byte())
    end)
  return core.page("role definition", scope.subscription(), filter)[1]
end

local function refuse_missing(role)
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

local function from_definition(definition)
  return to_role {
    id = definition.name:lower(), name = definition.role_name,
    description = definition.description, role_type = definition.role_type,
    assignable_scopes = definition.assignable_scopes, permissions = definition.permissions,
  }
end

local function built_in(role)
  local known = model.role(role)
  if known then
    known.role_type = "BuiltInRole"
    known.assignable_scopes = {"/"}
    return to_role(known)
  end
end

local function find_text(role)
  local guid = role:match "/roleDefinitions/([^/]+)$" or role
  local known = built_in(guid)
  if known then
    return known
  end
  local definition
  if role:sub(1, 1) == "/" then
    definition = core.find("role definition", "", role)
  elseif check.is_uuid(guid) then
    definition = core.find("role definition", scope.subscription(), guid:lower())
  else
    definition = by_name(role)
  end
  return definition and from_definition(definition) or refuse_missing(role)
end

--- `rbac.role`.
function roles.find(role)
  if type(role) == "string" then
    return find_text(role)
  elseif type(role) == "userdata" and role.role_name then
    return from_definition(role)
  elseif type(role) == "table" and role.permissions then
    return role
  elseif type(role) == "table" and (role.actions or role.data_actions) then
    return to_role {permissions = {role}}
  end
  check.fail("role: a name or id expected, got " .. type(role))
end

--- `rbac.role_id`.
function roles.id(role)
  if type(role) ~= "string" then
    check.fail("role: a name or id expected, got " .. type(role))
  end
  local known = model.role(role)
  if known then
    return known.id
  elseif check.is_uuid(role) then
    return role:lower()
  end
  local definition = by_name(role)
  return definition and definition.name or refuse_missing(role)
end

-- comparing ------------------------------------------------------------------------------

local gap_metatable = {
  __name = "gap",
  __tostring = function(gap)
    local text = (gap.is_data and "on data " or "") .. gap.pattern
    if gap.is_undecided then
      return text .. " (too entangled to decide)"
    end
    return gap.example == gap.pattern and text
      or ("%s, such as %s"):format(text, gap.example)
  end,
}

local gaps_metatable = {
  __name = "gaps",
  __tostring = function(gaps)
    local lines = {}
    for i, gap in ipairs(gaps) do
      lines[i] = tostring(gap)
    end
    return table.concat(lines, "\n")
  end,
}

local function sets_of(role, plane)
  local sets = {}
  for i, permission in ipairs(role.permissions) do
    sets[i] = {patterns = permission[plane.patterns], exceptions = permission[plane.exceptions]}
  end
  return sets
end

local function add_gaps(gaps, have, wanted, plane)
  local sets = sets_of(have, plane)
  for _, set in ipairs(sets_of(wanted, plane)) do
    for _, pattern in ipairs(set.patterns or {}) do
      local example = access.find_missing(pattern, set.exceptions, sets)
      if example ~= nil then
        gaps[#gaps + 1] = setmetatable({
          pattern = pattern, example = example or nil, is_data = plane.is_data,
          is_undecided = example == false,
        }, gap_metatable)
      end
    end
  end
end

-- What `wanted` allows and `have` does not.
local function find_gaps(have, wanted)
  local gaps = setmetatable({}, gaps_metatable)
  for _, plane in ipairs(PLANES) do
    add_gaps(gaps, have, wanted, plane)
  end
  return gaps
end

--- `rbac.covers`.
function roles.covers(role, other)
  local gaps = find_gaps(roles.find(role), roles.find(other))
  return #gaps == 0, gaps
end

--- `rbac.compare`.
function roles.compare(role, other)
  role, other = roles.find(role), roles.find(other)
  local more, less = find_gaps(other, role), find_gaps(role, other)
  local word = "different"
  if #less == 0 then
    word = #more == 0 and "equal" or "more"
  elseif #more == 0 then
    word = "less"
  end
  return word, {more = more, less = less}
end

-- making and deleting --------------------------------------------------------------------

local LISTS = {"actions", "not_actions", "data_actions", "not_data_actions"}
local OPTIONS = {actions = true, assignable_scopes = true, data_actions = true,
                 description = true, name = true, not_actions = true,
                 not_data_actions = true, scopes = true}

local function check_name(name)
  if type(name) ~= "string" or name == "" then
    check.fail("role: a name expected, got " .. (name == "" and "an empty one" or type(name)))
  elseif model.role(name) then
    check.fail(("role: '%s' is a built-in role, which cannot be changed"):format(name))
  end
  return name
end

local function check_patterns(list, what)
  if type(list) ~= "table" then
    check.fail(("%s: a list of actions expected, got %s"):format(what, type(list)))
  end
  for i, pattern in ipairs(list) do
    if type(pattern) ~= "string" or not access.is_pattern(pattern) then
      check.fail(("%s[%d]: '%s' is no action: Company.Provider/types/ and then read, write, "
        .. "delete or name/action, with '*' for any part"):format(what, i, tostring(pattern)))
    end
  end
  return list
end

local function check_permission(options)
  local permission = {}
  for _, name in ipairs(LISTS) do
    permission[name] = check_patterns(options[name] or {}, name)
  end
  if #permission.actions == 0 and #permission.data_actions == 0 then
    check.fail "a role allows something: actions or data_actions, at least one"
  end
  return permission
end

-- Which tenant another subscription or a management group is of, only the service knows.
local function check_scope(where, what)
  local id = grantee.scope_id(where, what)
  local low = id:lower()
  local subscription, rest = low:match "^/subscriptions/([^/]+)(.*)$"
  if low:find "^/providers/microsoft%.management/managementgroups/[^/]+$"
     or subscription and check.is_uuid(subscription) and (rest == "" or rest:find "^/[^/]+/.") then
    return id
  end
  check.fail(("%s: '%s' is no subscription, management group, resource group or resource; only "
    .. "built-in roles can be assigned everywhere"):format(what, id))
end

local function check_scopes(options)
  if options.scopes and options.assignable_scopes then
    check.fail "scopes and assignable_scopes are the same: give one of them"
  end
  local what = options.scopes and "scopes" or "assignable_scopes"
  local given = options[what] or {scope.subscription()}
  if type(given) ~= "table" or #given == 0 then
    check.fail(what .. ": a list of resources or ids expected, at least one")
  end
  local scopes = {}
  for i, where in ipairs(given) do
    scopes[i] = check_scope(where, what)
  end
  return scopes
end

local function id_of(name)
  return check.uuid("role|" .. name:lower())
end

--- `rbac.ensure_role`.
function roles.ensure(name, options)
  if type(name) == "table" and options == nil then
    options, name = name, name.name
  elseif type(options) == "table" and options.name ~= nil then
    check.fail "role: its name is the first argument already"
  end
  check_name(name)
  grantee.check_options(options, OPTIONS, "rbac.ensure_role")
  local fields = {
    role_name = name, description = options.description,
    permissions = {check_permission(options)}, assignable_scopes = check_scopes(options),
  }
  local where = scope.subscription()
  local result = table.pack(tasks.try(core.ensure, "role definition", where, id_of(name), fields))
  local failure = result[2]
  if result[1] ~= nil then
    return table.unpack(result, 1, result.n)
  elseif failure.code ~= "RoleDefinitionWithSameNameExists" then
    error(failure, 0)
  end
  local other = by_name(name) -- somebody has made it under another id
  if not other then
    error(failure, 0) -- where this subscription does not see it
  end
  return core.ensure("role definition", where, other.name, fields)
end

--- `rbac.delete_role`.
function roles.delete(name)
  check_name(name)
  if core.delete("role definition", scope.subscription(), id_of(name)) then
    return true
  end
  local other = by_name(name)
  return other ~= nil and core.delete("role definition", "", other.id)
end

return roles
