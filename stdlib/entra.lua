--- Groups and users of Microsoft Entra, through Microsoft Graph.
--
--     local team = entra.group "api-team-payments"
--     for _, member in ipairs(team:members {nested = true}) do print(member.display_name) end
-- @module entra
local arm = require "arm"
local check = require "core.check"
local core = require "core.arm"
local paging = require "paging"
local report = require "core.report"
local tasks = require "tasks"

local entra = {}

local SELECT = "id,displayName,mailNickname,description"
local CREATE_ATTEMPTS = 4
local PAGE = 999 -- the most that Graph gives at once

local group_methods = {}
local group_metatable = {
  __index = group_methods,
  __name = "group",
  __tostring = function(group)
    return ("group '%s' (%s)"):format(group.display_name, group.id)
  end,
}
local member_metatable = {
  __name = "member",
  __tostring = function(member)
    return ("%s '%s' (%s)"):format(member.type:lower(), member.display_name or member.upn or "?",
                                   member.id)
  end,
}

local function to_group(body)
  return setmetatable({
    id = body.id, type = "Group", display_name = body.displayName,
    mail_nickname = body.mailNickname,
    description = type(body.description) == "string" and body.description or nil,
  }, group_metatable)
end

local TYPES = {["#microsoft.graph.user"] = "User", ["#microsoft.graph.group"] = "Group",
               ["#microsoft.graph.servicePrincipal"] = "ServicePrincipal"}

local function to_member(body)
  local kind = TYPES[body["@odata.type"]] or (body.userPrincipalName and "User") or "Object"
  if kind == "Group" then
    return to_group(body)
  end
  return setmetatable({id = body.id, type = kind, display_name = body.displayName,
                       upn = body.userPrincipalName, mail = body.mail}, member_metatable)
end

local function text(value, what)
  if type(value) ~= "string" or value == "" then
    check.fail(("%s: a text expected, got %s"):format(what, value == "" and "an empty one"
                                                              or type(value)))
  end
  return value
end

local function quote(value)
  return "'" .. value:gsub("'", "''") .. "'"
end

-- Escapes one part of a path.
local function escape(value)
  return (value:gsub("[^%w%-._~@]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

-- All items of a list, page by page.
local function each(path, query, convert)
  local next_item = arm.each(path, {graph = true, query = query})
  return function()
    local item = next_item()
    return item and convert(item)
  end
end

--- Find a group by its display name or object id.
-- @tparam string name
-- @treturn ?group nil when there is none
-- @raise failure `Ambiguous` when several have this display name
function entra.find(name)
  text(name, "group")
  if check.is_uuid(name) then
    local answer, failure = tasks.try(arm.request, {graph = true, path = "/v1.0/groups/" .. name,
                                                     query = {["$select"] = SELECT}})
    if failure and failure.status ~= 404 then
      error(failure, 0)
    end
    return answer and to_group(answer.body)
  end
  local found = paging.all(each("/v1.0/groups", {["$filter"] = "displayName eq " .. quote(name),
                                              ["$select"] = SELECT}, to_group))
  if #found > 1 then
    error(check.failure {
      code = "Ambiguous", retryable = false,
      message = ("%d groups are called '%s'"):format(#found, name),
      cure = "name the group by its object id: " .. found[1].id .. " or " .. found[2].id,
    }, 0)
  end
  return found[1]
end

--- Get a group by its display name or object id.
-- @tparam string name
-- @treturn group with `id`, `display_name`, `mail_nickname`, `description`
-- @raise failure `GroupNotFound`, `Ambiguous`
function entra.group(name)
  local group = entra.find(name)
  if not group then
    error(check.failure {
      code = "GroupNotFound", retryable = false,
      message = ("there is no group '%s' in the directory"):format(name),
    }, 0)
  end
  return group
end

--- Go through groups, page by page.
-- @tparam[opt] table options
-- @tparam[opt] string options.prefix only those whose display name begins so
-- @tparam[opt] string options.filter an OData filter, such as `mailNickname eq 'x'`
-- @treturn function an iterator
function entra.each(options)
  options = check.options(options, {"prefix", "filter"})
  local filters = {}
  if options.prefix then
    filters[1] = ("startswith(displayName,%s)"):format(quote(text(options.prefix, "prefix")))
  end
  filters[#filters + 1] = options.filter
  return each("/v1.0/groups", {
    ["$filter"] = #filters > 0 and table.concat(filters, " and ") or nil,
    ["$select"] = SELECT, ["$top"] = PAGE,
  }, to_group)
end

--- List groups.
-- @tparam[opt] table options as for `entra.each`
-- @treturn table of groups
-- @usage local teams = entra.list {prefix = "api-team-"}
function entra.list(options)
  return paging.all(entra.each(options))
end

-- A POST whose answer was lost may have made the group, and a second one would make a second
-- group: so it is looked for before anything is sent again.
local function make_group(name, request)
  for attempt = 1, CREATE_ATTEMPTS do
    local answer, failure = tasks.try(arm.request, request)
    if answer then
      return to_group(answer.body)
    elseif not (failure.retryable or failure.code == "AnswerLost")
      or attempt == CREATE_ATTEMPTS then
      error(failure, 0)
    end
    tasks.sleep(2 ^ attempt) -- a directory that has just made it may not show it at once
    local made = entra.find(name)
    if made then
      return made
    end
  end
end

-- The request that makes a group.
local function creation(name, options)
  local nickname = options.mail_nickname or name:gsub("[^%w_-]", ""):sub(1, 64)
  return {graph = true, method = "POST", path = "/v1.0/groups", body = {
    displayName = name, description = options.description, mailEnabled = false,
    securityEnabled = true, mailNickname = nickname ~= "" and nickname or "group",
  }}
end

--- Make a security group.
-- @tparam string name its display name, 1 to 256 characters
-- @tparam[opt] table options `mail_nickname` (made from the name when it is not given),
--   `description`
-- @treturn group
-- @raise failure `AlreadyExists`
function entra.create(name, options)
  text(name, "group")
  options = check.options(options, {"mail_nickname", "description"})
  if utf8.len(name) == nil or utf8.len(name) > 256 then
    check.fail "group: a name is UTF-8 of 1 to 256 characters"
  end
  local request = creation(name, options)
  -- Graph takes a second group of the same name without a word; one that an earlier attempt of
  -- this run made is its own
  if not core.was_sent(request) and entra.find(name) then
    error(check.failure {code = "AlreadyExists", retryable = false,
                         message = ("there is a group '%s' already"):format(name)}, 0)
  end
  local group = make_group(name, request)
  report("created", "group", name)
  return group
end

--- Get a group, or make it.
-- @tparam string name
-- @tparam[opt] table options as for `entra.create`
-- @treturn group
-- @treturn string `created` or `unchanged`
function entra.ensure(name, options)
  text(name, "group")
  options = check.options(options, {"mail_nickname", "description"})
  local group = not core.was_sent(creation(name, options)) and entra.find(name)
  if group then
    report("unchanged", "group", name)
    return group, "unchanged"
  end
  return entra.create(name, options), "created"
end

--- Get a user by user principal name or object id.
-- @tparam string name such as `ada@contoso.example`
-- @treturn user with `id`, `display_name`, `upn`, `mail`
-- @raise failure `Request_ResourceNotFound`
function entra.user(name)
  return to_member(arm.request {graph = true,
                                 path = "/v1.0/users/" .. escape(text(name, "user"))}.body)
end

--- The members of a group.
-- @tparam[opt] table options
-- @tparam[opt=false] boolean options.nested also those of groups inside it
-- @treturn table of users, groups and service principals, each with `id`, `type`,
--   `display_name` and, a user, `upn`
function group_methods:members(options)
  options = check.options(options, {"nested"})
  return paging.all(each(("/v1.0/groups/%s/%s"):format(self.id, options.nested and
                        "transitiveMembers" or "members"), {["$top"] = PAGE}, to_member))
end

--- Find a user, group or service principal by its object id.
-- @tparam string id
-- @treturn ?table the user, group or service principal, with `id`, `type` and `display_name`;
--   nil when there is none
-- @raise failure
-- @usage local who = entra.object "9f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f"
function entra.object(id)
  if type(id) ~= "string" or not check.is_uuid(id) then
    check.fail(("object: an object id expected, got %s"):format(tostring(id)))
  end
  local answer, failure = tasks.try(arm.request, {graph = true,
                                                  path = "/v1.0/directoryObjects/" .. id})
  if failure and failure.status ~= 404 then
    error(failure, 0)
  end
  return answer and to_member(answer.body)
end

local PLURALS = {User = "users", Group = "groups", ServicePrincipal = "servicePrincipals"}

--- The groups that a user, group or service principal is in, through others too.
-- @tparam table object what has an `id` and a `type`: what `entra.user`, `entra.group`,
--   `entra.object` or `group:members` gave
-- @treturn table of groups
-- @raise failure `Request_ResourceNotFound`
-- @usage for _, group in ipairs(entra.groups_of(entra.group "api-team-payments")) do
--     print(group)
--   end
function entra.groups_of(object)
  local plural = type(object) == "table" and PLURALS[object.type]
  if not plural then
    check.fail(("groups_of: a user, group or service principal expected, got %s"):format(
      tostring(object)))
  end
  local groups = {}
  for above in each(("/v1.0/%s/%s/transitiveMemberOf"):format(plural, object.id),
                    {["$top"] = PAGE}, to_member) do
    groups[#groups + 1] = above.type == "Group" and above or nil -- not roles of the directory
  end
  return groups
end

local function member_id(member)
  local id = type(member) == "table" and member.id or member
  if type(id) == "string" and not check.is_uuid(id) then
    id = entra.user(id).id
  end
  return text(id, "member")
end

--- Add a member. Fine when it is one already.
-- @param member a user, group, object id or user principal name
-- @treturn boolean whether it was added
function group_methods:add(member)
  local id = member_id(member)
  -- the directory's own address, whichever endpoint carries the request
  local _, failure = tasks.try(arm.request, {
    graph = true, method = "POST", path = ("/v1.0/groups/%s/members/$ref"):format(self.id),
    repeatable = true, -- a second one is refused: it is a member already
    body = {["@odata.id"] = "https://graph.microsoft.com/v1.0/directoryObjects/" .. id},
  })
  if failure and not (failure.status == 400 and failure.message:find("already exist", 1, true)) then
    error(failure, 0)
  end
  report(failure and "unchanged" or "changed", "group", self.display_name)
  return failure == nil
end

--- Remove a member. Fine when it is none.
-- @param member a user, group, object id or user principal name
-- @treturn boolean whether it was removed
function group_methods:remove(member)
  local _, failure = tasks.try(arm.request, {
    graph = true, method = "DELETE",
    path = ("/v1.0/groups/%s/members/%s/$ref"):format(self.id, member_id(member)),
  })
  if failure and failure.status ~= 404 then
    error(failure, 0)
  end
  report(failure and "unchanged" or "changed", "group", self.display_name)
  return failure == nil
end

--- Delete the group. Fine when it is gone.
-- @treturn boolean whether it was there
function group_methods:delete()
  local _, failure = tasks.try(arm.request, {graph = true, method = "DELETE",
                                              path = "/v1.0/groups/" .. self.id})
  if failure and failure.status ~= 404 then
    error(failure, 0)
  end
  report(failure and "absent" or "deleted", "group", self.display_name)
  return failure == nil
end

return entra
