--- What one assignment or one deny assignment makes of an action, and the arguments of the
-- functions that ask so.
-- @module judgement
local check = require "core.check"
local core = require "core.access"
local grantee = require "grantee"
local scope = require "scope"

local judgement = {}

-- The principal that stands for all of them in a deny assignment.
judgement.EVERYONE = "00000000-0000-0000-0000-000000000000"

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

-- allows, conditional, excepted, other or gone; the pattern and the exception that fit.
function judgement.of_assignment(snapshot, assignment, action, is_data)
  local role = snapshot:role(assignment.role)
  if not role then
    return "gone"
  end
  local word, pattern, exception = judge(role.permissions, action, is_data)
  if word == "fits" then
    word = assignment.condition and "conditional" or "allows"
  end
  return word, pattern, exception
end

-- denies, excepted, other or "not here"; the pattern and the exception that fit.
function judgement.of_denial(denial, where, action, is_data)
  if denial.is_here_only and denial.scope:lower() ~= where:lower() then
    return "not here"
  end
  local word, pattern, exception = judge(denial.permissions, action, is_data)
  return word == "fits" and "denies" or word, pattern, exception
end

-- An action, not a pattern of some.
function judgement.check_action(action)
  if type(action) ~= "string" or action:find("*", 1, true) or not core.is_pattern(action) then
    check.fail(("action: '%s' is none: such as Microsoft.ApiManagement/service/read, which ends "
      .. "with read, write, delete or name/action and has no '*'"):format(tostring(action)))
  end
  return action
end

-- The service when no scope is given.
function judgement.check_scope(where)
  return where == nil and scope.service() or grantee.scope_id(where, "scope")
end

local DATA = {data = true}

-- Whether options say that it is an action on data; `name`: the function that takes them.
function judgement.is_data(options, name)
  if options == nil then
    return false
  end
  grantee.check_options(options, DATA, name)
  if options.data ~= nil and type(options.data) ~= "boolean" then
    check.fail(("%s: data is true or false, got %s"):format(name, type(options.data)))
  end
  return options.data == true
end

-- A principal for people.
function judgement.describe_principal(principal)
  return ("%s '%s' (%s)"):format(({User = "user", Group = "group",
                                   ServicePrincipal = "service principal"})[principal.type]
                                 or "object", principal.name or "?", principal.id)
end

return judgement
