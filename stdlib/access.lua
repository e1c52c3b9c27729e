--- Effective access: who may do what where, from role assignments, groups, roles and deny
-- assignments. Scripts use `rbac`.
--
-- A snapshot asks for each thing once: the lists of a scope (2 requests), a principal's
-- groups (1, and 1 more when only its object id is known), a role that is not built in (1),
-- the direct members of a group (1), a principal's name (1).
-- @module access
local check = require "core.check"
local collection = require "collection"
local core = require "core.access"
local doctor = require "core.doctor"
local entra = require "entra"
local grantee = require "grantee"
local roles = require "roles"
local scope = require "scope"
local tasks = require "tasks"

local access = {}

local EVERYONE = "00000000-0000-0000-0000-000000000000"

local snapshot = {}
snapshot.__index = snapshot
snapshot.__name = "snapshot"

-- what is asked --------------------------------------------------------------------------

-- Whether what holds at `above` holds at `where`: the service lists what a scope inherits from
-- management groups, whose ids do not tell what is in them.
local function is_at_or_above(above, where)
  above, where = above:lower(), where:lower()
  return above == "/" or above == where or where:sub(1, #above + 1) == above .. "/"
    or above:find("/providers/microsoft.management/managementgroups/", 1, true) == 1
end

local function text_or_nil(value)
  return type(value) == "string" and value ~= "" and value or nil
end

local function to_assignment(found)
  return {
    id = found.id, scope = found.scope, principal = found.principal_id:lower(),
    type = found.principal_type, role = found.role_definition,
    condition = text_or_nil(found.condition),
  }
end

local function ids_of(principals)
  local ids = {}
  for _, principal in ipairs(principals or {}) do
    ids[principal.id:lower()] = true
  end
  return ids
end

local function to_denial(found)
  return {
    id = found.id, name = found.deny_name, scope = found.scope,
    is_here_only = found.is_here_only == true, permissions = found.permissions or {},
    principals = ids_of(found.principals), excluded = ids_of(found.excluded_principals),
  }
end

local function list(kind, where, convert)
  local all = {}
  for found in collection.each(kind, where, "&$filter=atScope()") do
    if is_at_or_above(found.scope, where) then
      all[#all + 1] = convert(found)
    end
  end
  return all
end

-- The assignments and denials at a scope and above it.
function snapshot:lists(where)
  local key = where:lower()
  local lists = self.scopes[key]
  if not lists then
    lists = {assignments = list("role assignment", where, to_assignment),
             denials = list("deny assignment", where, to_denial)}
    self.scopes[key] = lists
  end
  return lists
end

-- A role by the id of its definition; false when it is gone.
function snapshot:role(id)
  local key = id:match("[^/]+$"):lower()
  local role = self.roles[key]
  if role == nil then
    local found, failure = tasks.try(roles.find, id)
    if failure and failure.code ~= "RoleNotFound" then
      error(failure, 0)
    end
    role = found or false
    self.roles[key] = role
  end
  return role
end

local function refuse_unknown(id)
  error(check.failure {
    code = "PrincipalNotFound", retryable = false,
    message = ("there is no user, group or service principal '%s' in the directory"):format(id),
  }, 0)
end

-- Whose requests these are, as far as a token has said it.
local function find_me()
  for _, credential in ipairs(doctor.credentials()) do
    if credential.principal then
      return credential.principal:lower()
    end
  end
  error(check.failure {
    code = "PrincipalNotFound", retryable = false,
    message = "who 'me' is, is not known: no token of this run names an object id",
    cure = "give the object id",
  }, 0)
end

-- A user, group or service principal with its type and name; nil when it is gone.
function snapshot:object(id)
  local object = self.objects[id]
  if object == nil then
    object = entra.object(id) or false
    self.objects[id] = object
  end
  return object or nil
end

-- What may be asked about: a group, user, service principal, object id or "me".
local function check_principal(value)
  if value ~= "me" then
    grantee.principal_id(value)
  end
  return value
end

local TYPES = {User = true, Group = true, ServicePrincipal = true}

-- The principal with `ids`: what it is known by, itself and its groups by their object ids.
function snapshot:principal(value)
  local id = value == "me" and find_me() or grantee.principal_id(value)
  local known = self.principals[id]
  if known then
    return known
  end
  local object = type(value) == "table" and TYPES[value.type] and value or self:object(id)
  if not object then
    refuse_unknown(id)
  end
  local groups, failure = tasks.try(entra.groups_of, object)
  if failure then
    if failure.status == 404 then
      refuse_unknown(id)
    end
    error(failure, 0)
  end
  known = {id = id, type = object.type, name = object.display_name, ids = {[id] = "itself"}}
  for _, group in ipairs(groups) do
    known.ids[group.id:lower()] = group
  end
  self.principals[id] = known
  return known
end

-- judging --------------------------------------------------------------------------------

-- What permissions make of an action: the word, the pattern that fits, the exception.
local function judge(permissions, action, is_data)
  local patterns = is_data and "data_actions" or "actions"
  local exceptions = is_data and "not_data_actions" or "not_actions"
  local word, pattern, exception = "other", nil, nil
  for _, permission in ipairs(permissions) do
    local is_in, by, but = core.judge(permission[patterns], permission[exceptions], action)
    if is_in then
      return "fits", by
    elseif by then
      word, pattern, exception = "excepted", by, but
    end
  end
  return word, pattern, exception
end

local function judge_assignment(self, assignment, action, is_data)
  local role = self:role(assignment.role)
  if not role then
    return "gone"
  end
  local word, pattern, exception = judge(role.permissions, action, is_data)
  if word == "fits" then
    word = assignment.condition and "conditional" or "allows"
  end
  return word, pattern, exception
end

local function has_any(ids, wanted)
  for id in pairs(ids) do
    if wanted[id] then
      return true
    end
  end
  return false
end

local function judge_denial(denial, where, action, is_data)
  if denial.is_here_only and denial.scope:lower() ~= where:lower() then
    return "not here"
  end
  local word, pattern, exception = judge(denial.permissions, action, is_data)
  return word == "fits" and "denies" or word, pattern, exception
end

-- texts ----------------------------------------------------------------------------------

local function describe_principal(principal)
  return ("%s '%s' (%s)"):format(({User = "user", Group = "group",
                                   ServicePrincipal = "service principal"})[principal.type]
                                 or "object", principal.name or "?", principal.id)
end

local function describe_through(through)
  return through and (", through group '%s'"):format(through.name) or ""
end

local EFFECTS = {
  allows = "allows it by '%s'",
  conditional = "allows it by '%s' on a condition, which cannot be evaluated here: %s",
  excepted = "does not allow it: '%s' would, its exception '%s' takes it away",
  other = "does not allow it",
  gone = "the role is gone",
}

local DENIAL_EFFECTS = {
  denies = "denies it by '%s'",
  excluded = "does not count for this principal: it is excluded",
  excepted = "does not deny it: '%s' would, its exception '%s' spares it",
  other = "does not deny it",
  ["not here"] = "does not count below its scope",
}

local function describe_assignment(row)
  local text = EFFECTS[row.effect]:format(row.pattern,
                                          row.effect == "conditional" and row.condition
                                            or row.exception)
  return ("role '%s' at %s%s: %s"):format(row.role, row.scope, describe_through(row.through), text)
end

local function describe_denial(row)
  return ("deny assignment '%s' at %s: %s"):format(
    row.name, row.scope, DENIAL_EFFECTS[row.effect]:format(row.pattern, row.exception))
end

local SIGNS = {allows = "+", conditional = "?", denies = "!"}

local function describe_rows(lines, rows, describe)
  for _, row in ipairs(rows) do
    lines[#lines + 1] = ("  %s %s"):format(SIGNS[row.effect] or "-", describe(row))
  end
end

local MAY = {allowed = "may", conditionally = "may on a condition"}

local explanation_metatable = {
  __name = "explanation",
  __tostring = function(self)
    local lines = {
      ("%s %s %s%s"):format(describe_principal(self.principal), MAY[self.verdict] or "may not",
                            self.action, self.is_data and " (on data)" or ""),
      "  at " .. self.scope,
      "  because " .. self.reason,
    }
    describe_rows(lines, self.assignments, describe_assignment)
    describe_rows(lines, self.denials, describe_denial)
    return table.concat(lines, "\n")
  end,
}

-- explaining -----------------------------------------------------------------------------

-- Its own assignments and those of its groups, each with what `add` says of it.
local function each_assignment(self, principal, where, add)
  local rows = {}
  for _, assignment in ipairs(self:lists(where).assignments) do
    local via = principal.ids[assignment.principal]
    if via then
      local role = self:role(assignment.role)
      local row = {
        id = assignment.id, scope = assignment.scope, condition = assignment.condition,
        role = role and role.name or assignment.role:match "[^/]+$",
        role_id = assignment.role:match("[^/]+$"):lower(),
        through = via ~= "itself" and {id = via.id, name = via.display_name} or nil,
      }
      add(row, assignment, role)
      rows[#rows + 1] = row
    end
  end
  return rows
end

-- The deny assignments that name it, one of its groups, or everyone.
local function each_denial(self, principal, where, add)
  local rows = {}
  for _, denial in ipairs(self:lists(where).denials) do
    if denial.principals[EVERYONE] or has_any(denial.principals, principal.ids) then
      local row = {id = denial.id, name = denial.name, scope = denial.scope}
      add(row, denial, has_any(denial.excluded, principal.ids))
      rows[#rows + 1] = row
    end
  end
  return rows
end

local function first_with(rows, effect)
  for _, row in ipairs(rows) do
    if row.effect == effect then
      return row
    end
  end
end

-- The verdict and why.
local function conclude(assignments, denials)
  local allowing = first_with(assignments, "allows")
  local conditional = first_with(assignments, "conditional")
  local denying = first_with(denials, "denies")
  if not allowing and not conditional then
    return "none", #assignments == 0 and "it has no role here or above"
      or #assignments == 1 and "its one role here or above does not allow it"
      or ("none of its %d roles here or above allows it"):format(#assignments)
  elseif denying then
    return "denied", describe_denial(denying)
  elseif allowing then
    return "allowed", describe_assignment(allowing)
  end
  return "conditionally", describe_assignment(conditional)
end

local function check_action(action)
  if type(action) ~= "string" or action:find("*", 1, true) or not core.is_pattern(action) then
    check.fail(("action: '%s' is none: such as Microsoft.ApiManagement/service/read, which ends "
      .. "with read, write, delete or name/action and has no '*'"):format(tostring(action)))
  end
  return action
end

-- The service when no scope is given.
local function check_scope(where)
  return where == nil and scope.service() or grantee.scope_id(where, "scope")
end

local DATA = {data = true}

local function is_data(options, name)
  if options == nil then
    return false
  end
  grantee.check_options(options, DATA, name)
  if options.data ~= nil and type(options.data) ~= "boolean" then
    check.fail(("%s: data is true or false, got %s"):format(name, type(options.data)))
  end
  return options.data == true
end

--- `rbac.explain`.
function snapshot:explain(principal, action, where, options)
  if action == nil then
    return self:access {principal = principal, scope = where}
  end
  check_principal(principal)
  check_action(action)
  where = check_scope(where)
  local on_data = is_data(options, "rbac.explain")
  self:lists(where) -- before the principal: from the first token on, "me" is known
  local who = self:principal(principal)
  local assignments = each_assignment(self, who, where, function(row, assignment)
    row.effect, row.pattern, row.exception = judge_assignment(self, assignment, action, on_data)
  end)
  local denials = each_denial(self, who, where, function(row, denial, is_excluded)
    if is_excluded then
      row.effect = "excluded"
    else
      row.effect, row.pattern, row.exception = judge_denial(denial, where, action, on_data)
    end
  end)
  local verdict, reason = conclude(assignments, denials)
  return setmetatable({
    verdict = verdict, is_allowed = verdict == "allowed", reason = reason, action = action,
    scope = where, is_data = on_data, assignments = assignments, denials = denials,
    principal = {id = who.id, type = who.type, name = who.name},
  }, explanation_metatable)
end

--- `rbac.can`.
function snapshot:can(principal, action, where, options)
  if action == nil then
    check_action(action)
  end
  local explanation = self:explain(principal, action, where, options)
  return explanation.is_allowed, explanation.reason
end

-- reporting ------------------------------------------------------------------------------

local LISTS = {{"actions", "allows"}, {"not_actions", "but not"},
               {"data_actions", "allows on data"}, {"not_data_actions", "but not on data"}}
local DENIED = {actions = "denies", data_actions = "denies on data"}

local function describe_permissions(lines, permissions, words)
  for _, permission in ipairs(permissions) do
    for _, pair in ipairs(LISTS) do
      local patterns = permission[pair[1]] or {}
      if #patterns > 0 then
        lines[#lines + 1] = ("      %s %s"):format(words[pair[1]] or pair[2],
                                                   table.concat(patterns, ", "))
      end
    end
  end
end

local report_metatable = {
  __name = "access",
  __tostring = function(self)
    local lines = {("%s at %s"):format(describe_principal(self.principal), self.scope)}
    for _, row in ipairs(self.assignments) do
      lines[#lines + 1] = ("  role '%s' at %s%s%s"):format(
        row.role, row.scope, describe_through(row.through),
        row.condition and ", on a condition: " .. row.condition or "")
      describe_permissions(lines, row.permissions, {})
    end
    for _, row in ipairs(self.denials) do
      lines[#lines + 1] = ("  deny assignment '%s' at %s"):format(row.name, row.scope)
      describe_permissions(lines, row.permissions, DENIED)
    end
    if #self.assignments == 0 then
      lines[#lines + 1] = "  no role here or above"
    end
    return table.concat(lines, "\n")
  end,
}

--- `rbac.access`.
function snapshot:access(options)
  grantee.check_options(options, {principal = true, scope = true}, "rbac.access")
  check_principal(options.principal)
  local where = check_scope(options.scope)
  self:lists(where)
  local who = self:principal(options.principal)
  local assignments = each_assignment(self, who, where, function(row, _, role)
    row.permissions = role and role.permissions or {}
  end)
  local denials = {}
  each_denial(self, who, where, function(row, denial, is_excluded)
    local holds = not denial.is_here_only or denial.scope:lower() == where:lower()
    if holds and not is_excluded then
      row.permissions = denial.permissions
      denials[#denials + 1] = row
    end
  end)
  return setmetatable({
    principal = {id = who.id, type = who.type, name = who.name}, scope = where,
    assignments = assignments, denials = denials,
  }, report_metatable)
end

-- who ------------------------------------------------------------------------------------

-- The direct members of a group.
function snapshot:members(group)
  local id = group.id:lower()
  local members = self.members_of[id]
  if not members then
    members = group:members()
    self.members_of[id] = members
    for _, member in ipairs(members) do
      self.objects[member.id:lower()] = self.objects[member.id:lower()] or member
    end
  end
  return members
end

-- Calls `visit(object, groups)` for an object and, a group, all in it, each once, by the
-- shortest way; `groups`: the names of those on the way.
local function walk(self, object, visit)
  local queue, seen = {{object = object, groups = {}}}, {[object.id:lower()] = true}
  local at = 1
  while queue[at] do
    local step = queue[at]
    visit(step.object, step.groups)
    if step.object.type == "Group" then
      local groups = table.move(step.groups, 1, #step.groups, 1, {})
      groups[#groups + 1] = step.object.display_name
      for _, member in ipairs(self:members(step.object)) do
        local id = member.id:lower()
        if not seen[id] then
          seen[id] = true
          queue[#queue + 1] = {object = member, groups = groups}
        end
      end
    end
    at = at + 1
  end
end

-- All that principals stand for: themselves and who is in them.
local function expand(self, ids)
  local all = {}
  for id in pairs(ids) do
    all[id] = true
    local object = id ~= EVERYONE and self:object(id)
    if object then
      walk(self, object, function(member)
        all[member.id:lower()] = true
      end)
    end
  end
  return all
end

-- A list of {whom, but}: sets of ids that may not, and of those who may all the same.
local function find_denied(self, where, action, on_data)
  local denied = {}
  for _, denial in ipairs(self:lists(where).denials) do
    if judge_denial(denial, where, action, on_data) == "denies" then
      denied[#denied + 1] = {whom = expand(self, denial.principals),
                             but = expand(self, denial.excluded)}
    end
  end
  return denied
end

local function is_denied(denied, id)
  for _, one in ipairs(denied) do
    if (one.whom[EVERYONE] or one.whom[id]) and not one.but[id] then
      return true
    end
  end
  return false
end

local path_metatable = {
  __name = "path",
  __tostring = function(path)
    return ("role '%s' at %s%s%s"):format(
      path.role, path.scope,
      #path.groups > 0 and ", through " .. table.concat(path.groups, " > ") or "",
      path.condition and ", on a condition: " .. path.condition or "")
  end,
}

local holder_metatable = {
  __name = "holder",
  __tostring = function(holder)
    local lines = {}
    for i, path in ipairs(holder.paths) do
      lines[i] = tostring(path)
    end
    return ("%s: %s"):format(describe_principal(holder), table.concat(lines, "; "))
  end,
}

local function add_path(found, object, path)
  local id = object.id:lower()
  local holder = found[id]
  if not holder then
    holder = setmetatable({id = id, type = object.type, name = object.display_name,
                           upn = object.upn, is_conditional = true, paths = {}},
                          holder_metatable)
    found[id], found[#found + 1] = holder, holder
  end
  holder.paths[#holder.paths + 1] = path
  holder.is_conditional = holder.is_conditional and path.condition ~= nil
end

--- `rbac.who`.
function snapshot:who(action, where, options)
  check_action(action)
  where = check_scope(where)
  local on_data = is_data(options, "rbac.who")
  local denied = find_denied(self, where, action, on_data)
  local found = {}
  for _, assignment in ipairs(self:lists(where).assignments) do
    local effect = judge_assignment(self, assignment, action, on_data)
    local object = (effect == "allows" or effect == "conditional")
      and self:object(assignment.principal)
    if object then
      walk(self, object, function(member, groups)
        if not is_denied(denied, member.id:lower()) then
          add_path(found, member, setmetatable({
            role = self:role(assignment.role).name, scope = assignment.scope, groups = groups,
            condition = assignment.condition}, path_metatable))
        end
      end)
    end
  end
  local holders = table.move(found, 1, #found, 1, {})
  table.sort(holders, function(a, b)
    local one, other = a.name or "", b.name or ""
    return one < other or one == other and a.id < b.id
  end)
  return holders
end

--- `rbac.snapshot`.
function access.snapshot()
  return setmetatable({scopes = {}, roles = {}, principals = {}, objects = {}, members_of = {}},
                      snapshot)
end

return access
