--- Export: what there is, as a folder that `onboarding.apply` brings back.
-- @module extract
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local estate = require "estate"
local export = require "core.export"
local folder = require "core.folder"
local json = require "json"
local scope = require "scope"
local tasks = require "tasks"

local extract = {}

local AT_ONCE = 16 -- resources or lists that are read side by side

-- What of a kind is not told in its file: which revision is current is told by its folder.
local SKIPPED = {api = {is_current = true, source_api = true}}

-- Documents that stand beside an API's file, by its type.
local DOCUMENTS = {http = {"openapi.json", "openapi+json"}, soap = {"api.wsdl", "wsdl"}}
local IN_DOCUMENT = {["api operation"] = true, ["api schema"] = true}

-- Fields that the service makes itself when nobody says them.
local MADE = {primary_key = true, secondary_key = true}

-- ---- one resource ----

-- A reference in place of a secret; one to a named value, `{{name}}`, is none.
local function secret(context, path, property, value)
  if type(value) == "string" and value:find "^{{[^{}]+}}$" then
    return value
  end
  context.secrets = context.secrets + 1
  return {secret = estate.secret_name(path:gsub("%.%w+$", ""), property)}
end

-- What is shown of a value: secrets at any depth become references.
local function read_value(context, field, value, path, property)
  if field.secret and type(value) == "table" then
    local copy = {}
    for key, inner in pairs(value) do
      copy[key] = secret(context, path, property .. "_" .. key, inner)
    end
    return copy
  elseif field.secret then
    return secret(context, path, property, value)
  elseif field.items and type(value) == "table" and field.type == "object" then
    local copy = {}
    for _, item in ipairs(field.items) do
      if value[item.name] ~= nil and not item.read_only then
        copy[item.name] = read_value(context, item, value[item.name], path,
                                     property .. "_" .. item.name)
      end
    end
    return copy
  elseif field.items and field.type == "list" then
    local copy = {}
    for i, element in ipairs(value) do
      copy[i] = read_value(context, {type = "object", items = field.items}, element, path,
                           property .. "_" .. i)
    end
    return copy
  end
  return value
end

-- Secrets that a read does not show but that a new resource needs.
local function add_hidden(context, fields, resource, path)
  if resource.kind == "named value" and resource.secret and not resource.key_vault then
    fields.value = secret(context, path, "value")
  elseif resource.kind == "named value" then
    fields.value = resource.value -- it is none
  elseif resource.kind == "certificate" and not resource.key_vault then
    fields.file = secret(context, path, "file")
    fields.password = secret(context, path, "password")
  elseif resource.kind == "authorization server" then
    fields.client_secret = secret(context, path, "client_secret")
  end
end

local function is_told(resource, field)
  return not (field.read_only or field.write_only or MADE[field.name]
              or (SKIPPED[resource.kind] or {})[field.name]
              or resource.kind == "named value" and field.name == "value")
end

local function fields_of(context, resource, path)
  local fields = {}
  for _, field in ipairs(estate.kind(resource.kind).fields) do
    local value = resource[field.name]
    if value ~= nil and is_told(resource, field) then
      fields[field.name] = read_value(context, field, value, path, field.name)
    end
  end
  if fields.revision_number == "1" or resource.name:find(";rev=", 1, true) then
    fields.revision_number = nil -- it is what there is without, or part of the name
  end
  add_hidden(context, fields, resource, path)
  return estate.relative(fields, context.place)
end

-- ---- writing ----

local function write(context, path, text)
  folder.write(context.folder, path, text)
  context.files[path] = true
  context.count = context.count + 1
end

-- An API's document; nil for what has none.
local function write_document(context, api, path)
  local document = DOCUMENTS[api.type or "http"]
  if not document then
    return false
  end
  local text = api:export {format = document[2]}
  write(context, path .. document[1], document[1]:find "%.json$" and export.pretty(text) or text)
  return true
end

local walk

-- Writes a resource and all that is below it.
local function write_resource(context, resource, parent_folder)
  local place, inner = estate.place(resource.kind, resource.name)
  local path = parent_folder .. place
  if place:find "%.xml$" then
    return write(context, path, resource.value)
  end
  local fields = fields_of(context, resource, path)
  if resource.kind == "policy fragment" then
    local artefact = path:gsub("%.lua$", ".xml")
    write(context, artefact, resource.value)
    fields.value, fields.format = {file = artefact:match "[^/]+$"}, nil
  end
  if next(fields) or not estate.is_given(resource.kind) then
    write(context, path, estate.print(fields))
  end
  if inner then
    local skips = {}
    if resource.kind == "api" and write_document(context, resource, parent_folder .. inner) then
      skips = IN_DOCUMENT
    end
    walk(context, resource, parent_folder .. inner, skips)
  end
end

-- Operations that their API's document tells: only what it cannot tell of them.
local function write_operation_parts(context, api, path)
  for operation in api.operations:each() do
    local policy = operation.policy:find()
    if policy then
      local _, inner = estate.place("api operation", operation.name)
      write(context, path .. inner .. "policy.xml", policy.value)
    end
  end
end

-- An API with its revisions that are not current; lists may name these, too.
local function write_api(context, api, path)
  if api.name:find(";rev=", 1, true) then
    return
  end
  write_resource(context, api, path)
  for revision in collection.each("api revision", api.id) do
    if not revision.is_current then
      write_resource(context, api:revision(math.tointeger(tonumber(revision.revision))), path)
      context.revisions = context.revisions + 1
    end
  end
end

-- Calls for each of an iterator's, some at once; no more of them than that are in memory.
local function each_at_once(next_item, fn)
  local batch
  repeat
    batch = {}
    for i = 1, AT_ONCE do
      batch[i] = next_item()
      if batch[i] == nil then
        break
      end
    end
    tasks.map(batch, fn)
  until #batch < AT_ONCE
end

local function read_children(context, resource, kind, path)
  local row = estate.kind(kind)
  if row.only_name then
    local only = core.find(kind, resource.id, row.only_name)
    if only then
      write_resource(context, only, path)
    end
    return
  end
  each_at_once(collection.each(kind, resource.id), function(child)
    if kind == "api" then
      write_api(context, child, path)
    elseif row.operations.get then
      write_resource(context, child, path)
    else
      write(context, path .. estate.place(kind, child.name), estate.print {})
    end
  end)
end

function walk(context, resource, path, skips)
  tasks.map(estate.children(resource.kind), function(kind)
    if skips["api operation"] and kind == "api operation" then
      write_operation_parts(context, resource, path)
    elseif not skips[kind] then
      read_children(context, resource, kind, path)
    end
  end, {limit = AT_ONCE})
end

-- ---- access and gateways ----

-- The assignments at exactly this scope, by names that another tenant may know.
local function write_access(context, id, path)
  local rbac, entra = require "rbac", require "entra"
  local found = {}
  for _, assignment in ipairs(rbac.list {scope = id}) do
    if (assignment.scope or ""):lower() == id:lower() then
      local role = rbac.role(assignment.role_definition:match "[^/]+$")
      local ok, object = pcall(entra.object, assignment.principal_id)
      found[#found + 1] = {
        principal = ok and object and (object.upn or object.display_name)
          or assignment.principal_id,
        type = assignment.principal_type, role = role.name,
      }
    end
  end
  table.sort(found, function(a, b)
    return a.principal .. "|" .. a.role < b.principal .. "|" .. b.role
  end)
  if #found > 0 then
    write(context, path .. "access.lua", estate.print(found))
  end
end

local function write_workspace(context, workspace, options)
  local path = "workspaces/" .. estate.escape(workspace.name) .. "/"
  write(context, path .. "workspace.lua",
        estate.print(fields_of(context, workspace, path .. "workspace.lua")))
  walk(context, workspace, path, {})
  if options.access ~= false then
    write_access(context, workspace.id, path)
  end
  context.workspaces = context.workspaces + 1
end

-- The gateways that serve one of the workspaces, with the names of those that they serve.
local function write_gateways(context, options)
  local gateways = require "gateways"
  for gateway in gateways.each {resource_group = context.place.resource_group} do
    local served = {}
    for _, id in ipairs(gateway:workspaces()) do
      local service, name = id:match "^(.*)/workspaces/([^/]+)$"
      if service and service:lower() == context.place.service:lower()
        and (not options.workspaces or context.wanted[name:lower()]) then
        served[#served + 1] = name
      end
    end
    if #served > 0 then
      local path = "gateways/" .. estate.escape(gateway.name) .. "/"
      local fields = fields_of(context, gateway, path .. "gateway.lua")
      table.sort(served)
      fields.workspaces = served
      write(context, path .. "gateway.lua", estate.print(fields))
      if options.access ~= false then
        write_access(context, gateway.id, path)
      end
      context.gateways = context.gateways + 1
    end
  end
end

-- ---- the whole ----

-- The folder must be empty, or an export made before.
local function open_folder(path)
  folder.make(path)
  local files, is_estate = folder.list(path), false
  for _, file in ipairs(files) do
    is_estate = is_estate or file == "estate.lua"
  end
  if #files > 0 and not is_estate then
    error(check.failure {
      code = "IOError", retryable = false, target = path,
      message = "the folder has files that are no export",
      cure = "name an empty folder, or one that an export has made",
    }, 0)
  end
  return files
end

local function find_workspaces(service, names)
  if not names then
    return collection.each("workspace", service)
  end
  local found, known = {}, nil
  for i, name in ipairs(names) do
    found[i] = core.find("workspace", service, name)
    if not found[i] then
      known = known or {}
      for workspace in collection.each("workspace", service) do
        known[#known + 1] = workspace.name
      end
      local near = check.nearest(name, known)
      check.fail(("there is no workspace '%s'%s"):format(
        name, near and ("; did you mean '%s'?"):format(near) or ""))
    end
  end
  local i = 0
  return function()
    i = i + 1
    return found[i]
  end
end

--- Write the estate of the run's service into a folder: its workspaces with all that they hold,
-- the gateways that serve them, and who has which role. Secrets become references. What an
-- earlier export has written and this one has not is removed.
-- @tparam string path the folder: empty, not there yet, or one of an earlier export
-- @tparam[opt] table options `workspaces`: names, all when not given; `gateways` and `access`:
--   false leaves them out; `service`, `resource_group`: others than the run's
-- @treturn table `workspaces`, `gateways`, `files`, `secrets`, `revisions` (not current): numbers
-- @raise failure `IOError`; what the service refuses
function extract.write(path, options)
  options = check.options(options or {}, {"workspaces", "gateways", "access", "service",
                                          "resource_group"})
  local before = open_folder(path)
  local context = {
    folder = path, files = {}, count = 0, workspaces = 0, gateways = 0, secrets = 0,
    revisions = 0, wanted = {},
    place = {service = scope.service(options.service, options.resource_group),
             resource_group = scope.resource_group(options.resource_group),
             subscription = scope.subscription()},
  }
  for _, name in ipairs(options.workspaces or {}) do
    context.wanted[name:lower()] = true
  end
  local all = find_workspaces(context.place.service, options.workspaces)
  write(context, "estate.lua", estate.print {format = estate.FORMAT})
  for workspace in all do
    write_workspace(context, workspace, options)
  end
  if options.access ~= false then
    write_access(context, context.place.service, "")
  end
  if options.gateways ~= false then
    write_gateways(context, options)
  end
  for _, file in ipairs(before) do
    if not context.files[file] then
      folder.remove(path, file)
    end
  end
  return {workspaces = context.workspaces, gateways = context.gateways, files = context.count,
          secrets = context.secrets, revisions = context.revisions}
end

local function plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

-- For the command: the folder, "json" or "text" for what it prints, "true" or "false" for
-- gateways and access, names of workspaces.
function extract.main(path, form, with_gateways, with_access, ...)
  local names = {...}
  local report = extract.write(path, {
    workspaces = #names > 0 and names or nil,
    gateways = with_gateways == "true", access = with_access == "true",
  })
  if form == "json" then
    report.folder = path
    return print(json.encode(report))
  end
  print(("%s: %s, %s, %s, %s to be given by reference"):format(
    path, plural(report.workspaces, "workspace"), plural(report.gateways, "gateway"),
    plural(report.files, "file"), plural(report.secrets, "secret")))
end

return extract
