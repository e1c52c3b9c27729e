--- What the functions of `rbac` take: principals, scopes, options.
-- @module grantee
local check = require "core.check"

local grantee = {}

--- The keys of a table, sorted.
-- @tparam table map
-- @treturn table
function grantee.names_of(map)
  local names = {}
  for name in pairs(map) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- Refuse a word that is none of those there are, with the near one.
-- @tparam string what such as `option`
-- @param word
-- @tparam table names
-- @raise a message
function grantee.refuse_unknown(what, word, names)
  local near = check.nearest(tostring(word), names)
  check.fail(("unknown %s '%s'%s; there are %s"):format(
    what, tostring(word), near and (", did you mean '%s'?"):format(near) or "",
    table.concat(names, ", ")))
end

--- Check that options are a table with known keys.
-- @param options
-- @tparam table known a set of names
-- @tparam string name the function that takes them
-- @raise a message
function grantee.check_options(options, known, name)
  if type(options) ~= "table" then
    check.fail(("%s: a table expected, got %s"):format(name, type(options)))
  end
  for key in pairs(options) do
    if not known[key] then
      grantee.refuse_unknown("option", key, grantee.names_of(known))
    end
  end
end

--- The id of a scope.
-- @param value a resource or its id
-- @tparam string what the name of the argument
-- @treturn string
-- @raise a message
function grantee.scope_id(value, what)
  local id = value
  if type(value) == "userdata" then
    id = value.id
  end
  if type(id) ~= "string" or id:sub(1, 1) ~= "/" then
    check.fail(("%s: a resource or its id expected, got %s"):format(what, tostring(value)))
  end
  return #id > 1 and id:gsub("/+$", "") or id
end

--- The object id of a principal.
-- @param value a group or user of `entra`, or an object id
-- @treturn string in lower case
-- @raise a message
function grantee.principal_id(value)
  local id = value
  if type(value) == "table" then
    id = value.id
  end
  if type(id) ~= "string" or not check.is_uuid(id) then
    check.fail(("a group, user or object id expected, got %s; entra.group and entra.user find "
                .. "one by its name"):format(type(value) == "string" and ("'%s'"):format(value)
                                             or tostring(value)))
  end
  return id:lower()
end

return grantee
