--- What is asked of the service and the directory to tell who may do what: each thing once.
--
-- The lists of a scope take 2 requests, a principal's groups 1, and 1 more when only its
-- object id is known, a role that is not built in 1, the direct members of a group 1, an
-- object's name and type 1. Lists of several pages take one for each.
-- @module snapshot
local check = require "core.check"
local collection = require "collection"
local doctor = require "core.doctor"
local entra = require "entra"
local grantee = require "grantee"
local roles = require "roles"
local tasks = require "tasks"

-- The methods; access.lua and holders.lua add those that scripts call.
local snapshot = {}
snapshot.__index = snapshot
snapshot.__name = "snapshot"

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

--- Make one.
-- @treturn snapshot
function snapshot.new()
  return setmetatable({scopes = {}, roles = {}, principals = {}, objects = {}, members_of = {}},
                      snapshot)
end

return snapshot
