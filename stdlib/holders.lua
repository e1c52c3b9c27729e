--- Who may do something at a scope, and by which ways. Scripts use `rbac.who`.
-- @module holders
local judgement = require "judgement"

local holders = {}

local EVERYONE = judgement.EVERYONE

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
    if judgement.of_denial(denial, where, action, on_data) == "denies" then
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
    return ("%s: %s"):format(judgement.describe_principal(holder), table.concat(lines, "; "))
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

--- `rbac.who`; `self` is a snapshot.
function holders.who(self, action, where, options)
  judgement.check_action(action)
  where = judgement.check_scope(where)
  local on_data = judgement.is_data(options, "rbac.who")
  local denied = find_denied(self, where, action, on_data)
  local found = {}
  for _, assignment in ipairs(self:lists(where).assignments) do
    local effect = judgement.of_assignment(self, assignment, action, on_data)
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
  local sorted = table.move(found, 1, #found, 1, {})
  table.sort(sorted, function(a, b)
    local one, other = a.name or "", b.name or ""
    return one < other or one == other and a.id < b.id
  end)
  return sorted
end

return holders
