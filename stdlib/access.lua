--- Effective access: what a principal may do, from its role assignments, groups, roles and
-- deny assignments. Scripts use `rbac`.
-- @module access
local grantee = require "grantee"
local holders = require "holders"
local judgement = require "judgement"
local snapshot = require "snapshot"

-- texts ----------------------------------------------------------------------------------

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
      ("%s %s %s%s"):format(judgement.describe_principal(self.principal),
                            MAY[self.verdict] or "may not", self.action,
                            self.is_data and " (on data)" or ""),
      "  at " .. self.scope,
      "  because " .. self.reason,
    }
    describe_rows(lines, self.assignments, describe_assignment)
    describe_rows(lines, self.denials, describe_denial)
    return table.concat(lines, "\n")
  end,
}

-- explaining -----------------------------------------------------------------------------

local function has_any(ids, wanted)
  for id in pairs(ids) do
    if wanted[id] then
      return true
    end
  end
  return false
end

-- What may be asked about: a group, user, service principal, object id or "me".
local function check_principal(value)
  if value ~= "me" then
    grantee.principal_id(value)
  end
  return value
end

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
    if denial.principals[judgement.EVERYONE] or has_any(denial.principals, principal.ids) then
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

--- `rbac.explain`.
function snapshot:explain(principal, action, where, options)
  if action == nil then
    return self:access {principal = principal, scope = where}
  end
  check_principal(principal)
  judgement.check_action(action)
  where = judgement.check_scope(where)
  local on_data = judgement.is_data(options, "rbac.explain")
  self:lists(where) -- before the principal: from the first token on, "me" is known
  local who = self:principal(principal)
  local assignments = each_assignment(self, who, where, function(row, assignment)
    row.effect, row.pattern, row.exception = judgement.of_assignment(self, assignment, action,
                                                                     on_data)
  end)
  local denials = each_denial(self, who, where, function(row, denial, is_excluded)
    if is_excluded then
      row.effect = "excluded"
    else
      row.effect, row.pattern, row.exception = judgement.of_denial(denial, where, action, on_data)
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
    judgement.check_action(action)
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
    local lines = {("%s at %s"):format(judgement.describe_principal(self.principal), self.scope)}
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
  local where = judgement.check_scope(options.scope)
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

snapshot.who = holders.who

return snapshot
