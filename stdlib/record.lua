--- Recording what is there as a world file for the simulator.
--
--     moongate sim --record world.lua --resource-group rg-apim
--
-- What is read: the subscription's name, the resource group, its services (or the one that
-- the run names) with their workspaces, its gateways with their connections, its networks and
-- network security groups and those elsewhere that the gateways use, the role assignments on
-- all of that, the roles of one's own that they give, and who has them: users, applications,
-- groups with their members and owners. No secret is read or written; names and object ids are
-- kept as they are. What may not be read is left out, and a note in the file says so.
-- @module record
local arm = require "arm"
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local log = require "log"
local model = require "core.model"
local run = require "run"
local scope = require "scope"
local tasks = require "tasks"

local record = {}

local RESOURCES = "2025-04-01" -- api-version of subscriptions
local LASTING = {Succeeded = true, Failed = true, Canceled = true, Stopped = true,
                 TerminationFailed = true}
-- Set anew by whoever loads the file, or said another way there.
local LEFT_OUT = {etag = true, subnet_ids = true, target_state = true, gateways = true,
                  default_rules = true, network_interface_ids = true, flow_log_ids = true}

local kinds = {} -- rows of the model, by name
for _, kind in ipairs(model.kinds()) do
  kinds[kind.name] = kind
end

-- ---- what could not be read ----

local function note(own, what, why)
  local text = ("%s: %s"):format(what, why)
  if not own.noted[text] then
    own.noted[text] = true
    table.insert(own.world.notes, text)
    log.warning(text)
  end
end

-- Calls read(...), whose failure leaves `what` out. What is wrong with the way to the service
-- itself is no part's failure.
local function part(own, what, read, ...)
  local result, failure = tasks.try(read, ...)
  if result ~= nil then
    return result
  elseif failure.status == 0 then
    error(failure, 0)
  end
  note(own, what, "left out: " .. failure.code)
end

-- ---- resources ----

-- "/resourceGroups/.." of an id in the run's subscription, "/" of the subscription itself;
-- others stay whole.
local function shorten(own, id)
  local length = #own.subscription
  if id:sub(1, length):lower() ~= own.subscription:lower() then
    return id
  elseif #id == length then
    return "/"
  end
  return id:sub(length + 1, length + 1) == "/" and id:sub(length + 1) or id
end

local function last(id)
  return id:match "[^/]*$"
end

local function group_of(id)
  return id:match "/[rR]esource[gG]roups/([^/]+)"
end

local function is_worth_saying(value)
  return value ~= nil and value ~= "" and not (type(value) == "table" and next(value) == nil)
end

-- The fields of a resource as a world file says them.
local function describe(own, kind, resource)
  local body = {name = last(resource.id)}
  for _, field in ipairs(kinds[kind].fields) do
    local value = resource[field.name]
    if LEFT_OUT[field.name] or not is_worth_saying(value) then
      value = nil
    elseif type(value) == "string" and value:sub(1, 1) == "/" then
      value = shorten(own, value)
    elseif field.name == "state" then
      if not LASTING[value] then
        note(own, ("%s '%s'"):format(kind, body.name),
             ("was %s, is recorded as Succeeded"):format(value))
      end
      value = LASTING[value] and value ~= "Succeeded" and value or nil
    end
    body[field.name] = value
  end
  return body
end

local function by_name(a, b)
  return (a.name or a.upn):lower() < (b.name or b.upn):lower()
end

-- Remembers an id that the file has, so that others may refer to it.
local function know(own, id)
  own.known[id:lower()] = true
end

-- Adds a tracked resource to its list; false when it is there already.
local function add(own, list, kind, resource)
  if own.known[resource.id:lower()] then
    return nil
  end
  local body = describe(own, kind, resource)
  know(own, resource.id)
  if kind ~= "resource group" and group_of(resource.id):lower() ~= own.group:lower() then
    body.resource_group = group_of(resource.id)
  end
  table.insert(own.world[list], body)
  return body
end

local function add_group(own, name)
  local id = model.format_id("resource group", own.subscription, name)
  if own.known[id:lower()] then
    return
  end
  local resource = part(own, ("resource group '%s'"):format(name), core.get, "resource group", "",
                        id)
  if resource then
    add(own, "resource_groups", "resource group", resource)
  else
    know(own, id)
    table.insert(own.world.resource_groups, {name = name})
  end
end

local function read_services(own)
  local found = run.scope().service and {(core.get("service", "", scope.service()))}
    or collection.all("service", own.group_id)
  for _, service in ipairs(found) do
    add(own, "services", "service", service)
    for _, workspace in ipairs(part(own, "workspaces of " .. last(service.id), collection.all,
                                    "workspace", service.id) or {}) do
      local body = describe(own, "workspace", workspace)
      know(own, workspace.id)
      body.service = #found > 1 and last(service.id) or nil
      table.insert(own.world.workspaces, body)
    end
  end
end

local function read_security_group(own, id)
  if own.known[id:lower()] then
    return true
  end
  local found = part(own, "network security group " .. last(id), core.get,
                     "network security group", "", id)
  if found then
    add_group(own, group_of(id))
    add(own, "network_security_groups", "network security group", found)
  end
  return found ~= nil
end

local function read_subnets(own, network, body)
  for _, subnet in ipairs(part(own, "subnets of " .. last(network.id), collection.all, "subnet",
                               network.id) or {}) do
    local described = describe(own, "subnet", subnet)
    local filter = described.network_security_group
    if filter and not read_security_group(own, subnet.network_security_group) then
      described.network_security_group = nil
    end
    know(own, subnet.id)
    body.subnets = body.subnets or {}
    table.insert(body.subnets, described)
  end
end

local function read_network(own, network)
  add_group(own, group_of(network.id))
  local body = add(own, "virtual_networks", "virtual network", network)
  if body then
    read_subnets(own, network, body)
  end
end

local function read_networks(own)
  for _, network in ipairs(part(own, "networks", collection.all, "virtual network",
                                own.group_id) or {}) do
    read_network(own, network)
  end
  for _, filter in ipairs(part(own, "network security groups", collection.all,
                               "network security group", own.group_id) or {}) do
    add(own, "network_security_groups", "network security group", filter)
  end
end

-- The network of a subnet that a gateway uses. False when it cannot be read.
local function read_network_of(own, subnet)
  local id = subnet:match "^(.+)/[sS]ubnets/[^/]+$"
  if not own.known[id:lower()] then
    local network = part(own, "network " .. last(id), core.get, "virtual network", "", id)
    if network then
      read_network(own, network)
    end
  end
  return own.known[subnet:lower()] ~= nil
end

local function read_connections(own, gateway, body)
  for _, connection in ipairs(part(own, "connections of " .. body.name, collection.all,
                                   "config connection", gateway.id) or {}) do
    if own.known[connection.workspace:lower()] then
      know(own, connection.id)
      body.connections = body.connections or {}
      table.insert(body.connections, describe(own, "config connection", connection))
    else
      note(own, ("connection '%s' of gateway '%s'"):format(last(connection.id), body.name),
           "left out: its workspace is not recorded")
    end
  end
end

local function read_gateways(own)
  for _, gateway in ipairs(part(own, "gateways", collection.all, "gateway", own.group_id) or {}) do
    local has_network = not gateway.subnet or read_network_of(own, gateway.subnet)
    local body = add(own, "gateways", "gateway", gateway)
    if not has_network then
      note(own, ("gateway '%s'"):format(body.name), "recorded without its network")
      body.subnet, body.network = nil, nil
    end
    read_connections(own, gateway, body)
  end
end

-- ---- who ----

local function graph(path)
  return arm.request({graph = true, path = "/v1.0/" .. path}).body
end

local PLACES = {User = "users", Group = "groups", ServicePrincipal = "servicePrincipals"}
local TYPES = {["#microsoft.graph.user"] = "User", ["#microsoft.graph.group"] = "Group",
               ["#microsoft.graph.servicePrincipal"] = "ServicePrincipal"}

local read_principal

local function text_or_nil(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- The ids of a group's members or owners, each read too.
local function read_links(own, group, links)
  local ids = {}
  local found = part(own, links .. " of groups", function()
    return arm.list(("/v1.0/groups/%s/%s"):format(group.id, links), {graph = true})
  end)
  for _, object in ipairs(found or {}) do
    local kind = TYPES[object["@odata.type"]]
    if not kind then
      note(own, ("%s of '%s'"):format(links, group.name), "left out: some of another type")
    elseif read_principal(own, object.id, kind) then
      table.insert(ids, object.id)
    end
  end
  table.sort(ids)
  return #ids > 0 and ids or nil
end

local MAKERS = {
  User = function(own, body)
    local user = {id = body.id, upn = body.userPrincipalName, name = text_or_nil(body.displayName)}
    table.insert(own.world.users, user)
    return user
  end,
  ServicePrincipal = function(own, body)
    local application = {id = body.id, app_id = body.appId, name = body.displayName}
    table.insert(own.world.applications, application)
    return application
  end,
  Group = function(own, body)
    local group = {id = body.id, name = body.displayName,
                   description = text_or_nil(body.description),
                   mail_nickname = text_or_nil(body.mailNickname)}
    table.insert(own.world.groups, group)
    return group
  end,
}

-- Reads somebody, once. What it is called in the file, or nil when it cannot be read.
function read_principal(own, id, kind)
  id = id:lower()
  if own.principals[id] ~= nil then
    return own.principals[id]
  end
  own.principals[id] = false
  if not PLACES[kind] then
    note(own, "principal " .. id, "left out: it is a " .. tostring(kind))
    return false
  end
  local body = part(own, ("%s %s"):format(kind, id), graph, PLACES[kind] .. "/" .. id)
  if not body then
    return false
  end
  local made = MAKERS[kind](own, body)
  own.principals[id] = made
  if kind == "Group" then
    made.members = read_links(own, made, "members")
    made.owners = read_links(own, made, "owners")
  end
  return made
end

-- From ids to names where one name is one principal's.
local function name_principals(own)
  local count = {}
  for _, principal in pairs(own.principals) do
    if principal and principal.name and not principal.upn then
      count[principal.name:lower()] = (count[principal.name:lower()] or 0) + 1
    end
  end
  local function name_of(id)
    local principal = own.principals[id:lower()]
    return principal.upn or (count[principal.name:lower()] == 1
                             and not principal.name:find("@", 1, true)
                             and not check.is_uuid(principal.name) and principal.name)
      or principal.id
  end
  local function rename(list)
    for i, id in ipairs(list or {}) do
      list[i] = name_of(id)
    end
    table.sort(list or {})
  end
  for _, group in ipairs(own.world.groups) do
    rename(group.members)
    rename(group.owners)
  end
  for _, assignment in ipairs(own.world.role_assignments) do
    assignment.principal = name_of(assignment.principal)
  end
end

-- ---- access ----

local PERMISSIONS = {actions = "actions", not_actions = "notActions",
                     data_actions = "dataActions", not_data_actions = "notDataActions"}

local function read_role(own, guid)
  if model.role(guid) then
    return model.role(guid).name
  elseif own.roles[guid] == nil then
    own.roles[guid] = false
    local answer = part(own, "role " .. guid, arm.get,
                        own.subscription .. "/providers/Microsoft.Authorization/roleDefinitions/"
                        .. guid, {["api-version"] = kinds["role definition"].api_version})
    local properties = answer and answer.body.properties
    if properties and properties.type ~= "CustomRole" then
      own.roles[guid] = guid -- built in; the simulator knows it or says that it does not
    elseif properties then
      local role = {id = guid, name = properties.roleName,
                    description = text_or_nil(properties.description)}
      for name, theirs in pairs(PERMISSIONS) do
        local actions = (properties.permissions[1] or {})[theirs]
        role[name] = is_worth_saying(actions) and actions or nil
      end
      table.insert(own.world.role_definitions, role)
      own.roles[guid] = role.name
    end
  end
  return own.roles[guid]
end

local function read_assignment(own, assignment)
  local where = assignment.scope
  local what = "role assignment " .. last(assignment.id)
  if where:lower() ~= own.subscription:lower() and not own.known[where:lower()] then
    if where:sub(1, #own.group_id):lower() == own.group_id:lower() then
      note(own, what, "left out: its scope is not recorded")
    end
    return
  end
  local role = read_role(own, last(assignment.role_definition):lower())
  if role and read_principal(own, assignment.principal_id, assignment.principal_type) then
    table.insert(own.world.role_assignments, {
      name = last(assignment.id), principal = assignment.principal_id, role = role,
      scope = shorten(own, where), description = text_or_nil(assignment.description),
      created_at = assignment.created_at, created_by = text_or_nil(assignment.created_by),
    })
  end
end

local function read_access(own)
  for _, assignment in ipairs(part(own, "role assignments", collection.all, "role assignment",
                                   own.subscription) or {}) do
    read_assignment(own, assignment)
  end
  name_principals(own)
end

-- ---- the whole ----

-- The day after the latest thing was made: by then all of it was there. Always the same for
-- the same estate.
local function choose_time(world)
  local latest = ""
  for _, list in ipairs {"services", "gateways"} do
    for _, item in ipairs(world[list] or {}) do
      latest = (item.created_at or "") > latest and item.created_at or latest
    end
  end
  local year, month, day = latest:match "^(%d+)-(%d+)-(%d+)"
  return year and os.date("!%Y-%m-%dT00:00:00Z", os.time {
    year = tonumber(year), month = tonumber(month), day = tonumber(day) + 1, hour = 12})
end

local LISTS = {"resource_groups", "services", "network_security_groups", "virtual_networks",
               "workspaces", "gateways", "applications", "users", "groups", "role_definitions",
               "role_assignments", "notes"}

--- Read it all; nothing is written to the service.
-- @treturn table a world, by the keys of a world file
-- @raise failure when the resource group or the service cannot be read
function record.read()
  local own = {world = {}, noted = {}, known = {}, principals = {}, roles = {},
               subscription = scope.subscription(), group_id = scope.resource_group()}
  own.group = last(own.group_id)
  local world = own.world
  for _, list in ipairs(LISTS) do
    world[list] = {}
  end
  local answer = part(own, "name of the subscription", arm.get, own.subscription,
                      {["api-version"] = RESOURCES})
  world.subscription = {id = last(own.subscription), name = answer and answer.body.displayName}
  world.tenant = answer and {id = answer.body.tenantId}
  add(own, "resource_groups", "resource group", (core.get("resource group", "", own.group_id)))
  read_services(own)
  read_networks(own)
  read_gateways(own)
  read_access(own)
  for _, list in ipairs(LISTS) do
    if list ~= "role_assignments" and list ~= "notes" then
      table.sort(world[list], by_name)
    end
    world[list] = #world[list] > 0 and world[list] or nil
  end
  world.resource_group = own.group
  world.service = world.services and world.services[1].name
  world.location = world.services and world.services[1].location or world.resource_groups[1].location
  world.now = choose_time(world)
  return world
end

-- ---- writing ----

local FIRST = {"now", "notes", "tenant", "subscription", "resource_group", "service", "location"}
local HEAD = {name = 1, upn = 1, id = 2, principal = 1, role = 2, scope = 3}

local function keys_of(object)
  local keys = {}
  for key in pairs(object) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    local first, second = HEAD[a] or 9, HEAD[b] or 9
    if first ~= second then
      return first < second
    end
    return a < b
  end)
  return keys
end

local ESCAPES = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"}

-- Two languages, one way to write: what differs is here.
local LUA = {
  open = "{", close = "}",
  text = function(text)
    return '"' .. text:gsub('[%c"\\]', function(c)
      return ESCAPES[c] or ("\\x%02x"):format(c:byte())
    end) .. '"'
  end,
}
function LUA.key(key)
  return (key:find "^[%a_][%w_]*$" and not LUA.words[key] and key
          or "[" .. LUA.text(key) .. "]") .. " = "
end
LUA.words = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
               return then true until while]]):gmatch "%a+" do
  LUA.words[word] = true
end
local JSON = {
  open = "[", close = "]",
  text = function(text)
    return '"' .. text:gsub('[%c"\\]', function(c)
      return ESCAPES[c] or ("\\u%04x"):format(c:byte())
    end) .. '"'
  end,
}
function JSON.key(key)
  return JSON.text(key) .. ": "
end

local WIDTH = 100

local function write(language, value, indent)
  if type(value) == "string" then
    return language.text(value)
  elseif type(value) ~= "table" then
    return math.type(value) == "float" and value == math.floor(value) and ("%d"):format(value)
      or tostring(value)
  end
  local parts, open, close = {}, "{", "}"
  if value[1] ~= nil then
    open, close = language.open, language.close
    for i, element in ipairs(value) do
      parts[i] = write(language, element, indent .. "  ")
    end
  else
    for i, key in ipairs(keys_of(value)) do
      parts[i] = language.key(key) .. write(language, value[key], indent .. "  ")
    end
  end
  local line = open .. table.concat(parts, ", ") .. close
  if #line + #indent <= WIDTH and not line:find("\n", 1, true) then
    return line
  end
  return ("%s\n%s  %s\n%s%s"):format(open, indent, table.concat(parts, ",\n" .. indent .. "  "),
                                     indent, close)
end

--- The text of a world file.
-- @tparam table world as `record.read` gives it
-- @tparam string language `lua` or `json`
-- @treturn string
function record.format(world, language)
  local keys, seen, parts = {}, {}, {}
  for _, list in ipairs {FIRST, LISTS} do
    for _, key in ipairs(list) do
      if world[key] ~= nil and not seen[key] then
        seen[key] = true
        keys[#keys + 1] = key
      end
    end
  end
  for i, key in ipairs(keys) do
    parts[i] = language == "json"
      and "  " .. JSON.key(key) .. write(JSON, world[key], "  ")
      or LUA.key(key) .. write(LUA, world[key], "")
  end
  if language == "json" then
    return "{\n" .. table.concat(parts, ",\n") .. "\n}\n"
  end
  return "-- Recorded by moongate sim --record; names and object ids are those of the estate.\n"
    .. table.concat(parts, "\n") .. "\n"
end

-- Record into a file; for the command.
function record.main(name)
  local world = record.read()
  local file, reason = io.open(name, "w")
  local is_written = file and file:write(record.format(world, name:find "%.json$" and "json"
                                                              or "lua"))
  if not (is_written and file:close()) then
    log.error(("%s: %s"):format(name, reason or "it could not be written"))
    run.exit(1)
  end
  print(("%s: %d workspaces, %d gateways, %d role assignments%s"):format(
    name, #(world.workspaces or {}), #(world.gateways or {}), #(world.role_assignments or {}),
    world.notes and (", %d notes on what was left out"):format(#world.notes) or ""))
end

return record
