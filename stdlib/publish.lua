--- Apply: a folder that an export has written becomes what there is.
--
-- Everything in the folder is checked before anything is written, and everything is an
-- `ensure`: a second time nothing is written.
-- @module publish
local arm = require "arm"
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local env = require "env"
local estate = require "estate"
local files = require "core.files"
local folder = require "core.folder"
local model = require "core.model"
local scope = require "scope"
local tasks = require "tasks"

local publish = {}

local AT_ONCE = 16 -- writes side by side
local DOCUMENTS = {"openapi.json", "openapi.yaml", "openapi.yml", "api.wsdl", "schema.graphql"}

-- What comes when: each stage may refer to those before it.
local STAGES = {
  {"named value", "certificate"},
  {"logger", "backend", "api version set", "group", "schema", "tag"},
  {"backend pool", "policy fragment", "diagnostic", "group user", "notification"},
  {"workspace policy", "api", "notification email"},
  {"api revision"}, -- an API that is not the current one of its name
  {"api operation", "api schema", "api diagnostic", "api policy"},
  {"api operation policy", "product"},
  {"product api link", "product group link", "product policy", "tag api link",
   "tag operation link", "tag product link"},
  {"subscription"},
}
local STAGE_OF = {}
for number, names in ipairs(STAGES) do
  for _, name in ipairs(names) do
    STAGE_OF[name] = number
  end
end

-- ---- reading ----

-- The kind and name of a file below a resource of `parent`, and the rest of its path.
local function find_child(parent, path)
  local first, rest = path:match "^([^/]+)/?(.*)$"
  for _, kind in ipairs(estate.children(parent)) do
    local row = estate.kind(kind)
    if row.only_name and path == row.member .. ".xml" then
      return kind, row.only_name, nil
    elseif not row.only_name and first == row.member and rest ~= "" then
      if estate.has_folder(kind) then
        local name, inner = rest:match "^([^/]+)/(.+)$"
        if name then
          return kind, estate.unescape(name), inner
        end
      elseif rest:find "^[^/]+%.%a+$" then
        return kind, estate.unescape((rest:gsub("%.%a+$", ""))), nil
      end
    end
  end
end

local function is_document(inner)
  for _, name in ipairs(DOCUMENTS) do
    if inner == name then
      return true
    end
  end
  return false
end

-- The item that a path belongs to, made with its parents when it is not there.
local function find_item(plan, parent, kind, name)
  local id = model.format_id(kind, parent.id, name)
  local item = plan.items[id:lower()]
  if not item then
    item = {kind = kind, name = name, id = id, parent = parent, fields = nil}
    plan.items[id:lower()] = item
    plan.list[#plan.list + 1] = item
  end
  return item
end

local function take_text(plan, item, path, text)
  if path:find "%.xml$" then
    item.artefact, item.value = path, text
    item.fields = item.fields or estate.kind(item.kind).only_name and {} or nil
  else
    local value, wrong = estate.read(text, path)
    if wrong then
      return plan.complain(wrong)
    end
    item.fields, item.path = value, path
  end
end

-- Puts one file where it belongs; `inner` is its path within the folder of `parent`.
local function take_file(plan, parent, inner, path, text)
  local kind, name, rest = find_child(parent.kind, inner)
  if not kind then
    return plan.complain(path .. ": nothing is known by that place")
  end
  local item = find_item(plan, parent, kind, name)
  if not rest or rest == kind:gsub(" ", "_") .. ".lua" then
    take_text(plan, item, path, text)
  elseif kind == "api" and is_document(rest) then
    item.document, item.document_path = text, path
  else
    take_file(plan, item, rest, path, text)
  end
end

local function take_workspace_file(plan, path, text, wanted)
  local name, inner = path:match "^workspaces/([^/]+)/(.+)$"
  name = name and estate.unescape(name)
  if not name then
    return plan.complain(path .. ": nothing is known by that place")
  elseif wanted and not wanted[name:lower()] then
    return
  end
  local workspace = find_item(plan, plan.service, "workspace", name)
  if inner == "workspace.lua" then
    take_text(plan, workspace, path, text)
  elseif inner == "access.lua" then
    plan.access[#plan.access + 1] = {scope = workspace.id, text = text, path = path}
  else
    take_file(plan, workspace, inner, path, text)
  end
end

local function take_other_file(plan, path, text)
  local gateway, inner = path:match "^gateways/([^/]+)/(.+)$"
  if path == "access.lua" then
    plan.access[#plan.access + 1] = {scope = plan.service.id, text = text, path = path}
  elseif inner == "gateway.lua" then
    local value, wrong = estate.read(text, path)
    plan.gateways[#plan.gateways + 1] = {name = estate.unescape(gateway), fields = value,
                                         path = path}
    if wrong then
      plan.complain(wrong)
    end
  elseif inner == "access.lua" then
    plan.access[#plan.access + 1] = {gateway = estate.unescape(gateway), text = text, path = path}
  elseif path ~= "estate.lua" then
    plan.complain(path .. ": nothing is known by that place")
  end
end

-- The workspaces that are asked for, as a set; nil for all. Each must be in the folder.
local function wanted_of(plan, list, names)
  if not names then
    return nil
  end
  local wanted, known = {}, {}
  for _, file in ipairs(list) do
    local name = file:match "^workspaces/([^/]+)/workspace%.lua$"
    known[#known + 1] = name and estate.unescape(name)
  end
  for _, name in ipairs(names) do
    wanted[name:lower()] = true
    local is_known = false
    for _, other in ipairs(known) do
      is_known = is_known or other:lower() == name:lower()
    end
    if not is_known then
      local near = check.nearest(name, known)
      plan.complain(("there is no workspace '%s' in the folder%s"):format(
        name, near and ("; did you mean '%s'?"):format(near) or ""))
    end
  end
  return wanted
end

-- What is no export, or one of a format that this program does not know, is not read further.
local function check_format(path, list)
  local message = "there is no estate.lua: it is no export"
  for _, file in ipairs(list) do
    if file == "estate.lua" then
      local about, wrong = estate.read(files.text(path .. "/estate.lua"), "estate.lua")
      if about and about.format == estate.FORMAT then
        return
      end
      message = wrong or ("estate.lua: format %s is not known; it must be %d"):format(
        tostring(about.format), estate.FORMAT)
    end
  end
  error(check.failure {code = "InvalidEstate", retryable = false, target = path,
                       message = message}, 0)
end

local function read_folder(plan, path, options)
  local list = folder.list(path)
  table.sort(list)
  check_format(path, list)
  local wanted = wanted_of(plan, list, options.workspaces)
  for _, file in ipairs(list) do
    local text = files.text(path .. "/" .. file)
    if file:find "^workspaces/" then
      take_workspace_file(plan, file, text, wanted)
    else
      take_other_file(plan, file, text)
    end
  end
end

-- ---- overrides, secrets, variables ----

local function read_overrides(overrides)
  if type(overrides) == "string" then
    local value, wrong = estate.read(files.text(overrides), overrides)
    if not value then
      check.fail(wrong)
    end
    return value
  end
  return overrides or {}
end

local function merge(fields, changes)
  local merged = {}
  for name, value in pairs(fields) do
    merged[name] = value
  end
  for name, value in pairs(changes) do
    local old = merged[name]
    merged[name] = type(value) == "table" and #value == 0 and type(old) == "table" and #old == 0
      and not estate.is_secret(old) and merge(old, value) or value
  end
  return merged
end

-- Overrides go by the path of the file, with or without its ending.
local function override(plan, overrides)
  local by_path, paths = {}, {}
  local function add(path, item)
    for _, name in ipairs {path, (path:gsub("%.lua$", "")), (path:gsub("/[%w_]+%.lua$", ""))} do
      by_path[name] = by_path[name] or item
    end
    paths[#paths + 1] = path
  end
  for _, item in ipairs(plan.list) do
    if item.path then
      add(item.path, item)
    end
  end
  for _, gateway in ipairs(plan.gateways) do
    add(gateway.path, gateway)
  end
  for path, changes in pairs(overrides) do
    if type(changes) ~= "table" then
      plan.complain(("overrides: %s: a table expected, got %s"):format(path, type(changes)))
    elseif path ~= "variables" and not by_path[path] then
      local near = check.nearest(path, paths)
      plan.complain(("overrides: there is no %s%s"):format(
        path, near and ("; did you mean '%s'?"):format(near) or ""))
    elseif path ~= "variables" then
      by_path[path].fields = merge(by_path[path].fields or {}, changes)
    end
  end
end

-- Replaces references to secrets by the secrets; those that nobody knows are complained of.
local function resolve_secrets(plan, value, secrets, path)
  if type(value) ~= "table" then
    return value
  elseif estate.is_secret(value) then
    local name, found = value.secret, nil
    if type(secrets) == "function" then
      found = secrets(name)
    elseif secrets then
      found = secrets[name]
    end
    found = found or env.get("MOONGATE_SECRET_" .. name)
    if found == nil then
      plan.complain(("%s: no secret %s; give options.secrets or set MOONGATE_SECRET_%s"):format(
        path, name, name))
    end
    return found
  end
  local copy = {}
  for key, inner in pairs(value) do
    copy[key] = resolve_secrets(plan, inner, secrets, path)
  end
  return copy
end

-- ---- checks ----

-- A certificate's file is opened here already.
local function check_fields(item)
  local fields = item.fields
  if item.kind == "certificate" and fields.file ~= nil then
    fields = merge(fields, {})
    fields.file, fields.data = nil, files.pkcs12(fields.file, fields.password)
  end
  core.check(item.kind, item.name, fields)
end

local function check_item(plan, item)
  local ok, wrong = pcall(check_fields, item)
  if not ok then
    plan.complain(("%s: %s"):format(item.path or item.artefact,
                                    (tostring(wrong):gsub("^[^:]+:%d+: ", ""))))
  end
end

-- Ids of resources within the folder's workspaces must be there.
local function check_references(plan, item, value)
  if type(value) == "table" then
    for _, inner in pairs(value) do
      check_references(plan, item, inner)
    end
  elseif type(value) == "string" then
    local key = value:lower()
    local workspace = key:match "^(/.*/workspaces/[^/]+)/"
    if workspace and plan.items[workspace] and not plan.items[key] and not key:find "/apis$"
      and not key:find "/operations/" then
      table.insert(plan.missing, {id = value, path = item.path or item.artefact})
    end
  end
end

-- The kind of an id below a workspace; nil when it is none that an estate has.
local function kind_of(id)
  local kind = "workspace"
  for member in id:match("/workspaces/[^/]+/(.*)$"):gmatch "([^/]+)/[^/]+" do
    local found
    for _, child in ipairs(estate.children(kind)) do
      if estate.kind(child).arm_type:match("[^/]+$"):lower() == member:lower() then
        found = child
      end
    end
    if not found then
      return nil
    end
    kind = found
  end
  return kind
end

-- What is not in the folder may be in the service, unless it is pruned.
local function check_missing(plan, options)
  tasks.map(plan.missing, function(reference)
    local kind = kind_of(reference.id)
    if options.prune or not kind or not core.exists(kind, "", reference.id) then
      plan.complain(("%s: %s is not in the folder%s"):format(
        reference.path, reference.id, options.prune and "" or ", nor in the service"))
    end
  end, {limit = AT_ONCE})
end

-- A gateway's fields; the workspaces that it serves are no field.
local function complete_gateway(plan, gateway, variables)
  local fields = estate.absolute(gateway.fields or {}, variables, function(name)
    plan.complain(("%s: there is no variable '%s'"):format(gateway.path, name))
  end)
  gateway.served, fields.workspaces = fields.workspaces or {}, nil
  gateway.fields = fields
  if type(gateway.served) ~= "table" then
    plan.complain(gateway.path .. ": workspaces: a list of names expected")
    gateway.served = {}
  end
  check_item(plan, {kind = "gateway", name = gateway.name, fields = fields, path = gateway.path})
end

local function complete_item(plan, item, options, variables)
  if not item.fields then
    if item.kind ~= "api operation" and not estate.is_given(item.kind) then
      plan.complain(("%s: the file of the %s '%s' is missing"):format(
        item.id:match "/workspaces/.*$" or item.id, item.kind, item.name))
    end
    return
  end
  local path = item.path or item.artefact
  item.fields = estate.absolute(item.fields, variables, function(name)
    plan.complain(("%s: there is no variable '%s'"):format(path, name))
  end)
  if item.value then
    item.fields = merge(item.fields, {format = "rawxml"})
    item.fields.value = item.value
  elseif type(item.fields.value) == "table" and item.fields.value.file then
    plan.complain(("%s: there is no %s beside it"):format(path, item.fields.value.file))
    item.fields.value = nil
  end
  item.fields = resolve_secrets(plan, item.fields, options.secrets, path)
  check_item(plan, item)
  check_references(plan, item, item.fields)
end

-- ---- writing ----

local function count(report, outcome)
  report[outcome] = (report[outcome] or 0) + 1
end

local function make_revision(id, api, path)
  if core.exists("api", "", id) then
    return false
  end
  core.create("api", "", id, {path = path, source_api = api})
  return true
end

-- A new API is its revision 1, whatever is asked for.
local function make_first(item)
  local fields = merge(item.fields, {})
  fields.revision_number, fields.revision_description = nil, nil
  return core.create("api", item.parent.id, item.name, fields)
end

-- Makes the revision current that is current in the folder; whether the API is new.
local function make_current(plan, item)
  local number = item.fields.revision_number or "1"
  local api = core.find("api", item.parent.id, item.name)
  local is_new = not api
  if (api and api.revision_number or "1") == number then
    return false
  end
  api = api or make_first(item)
  local id = ("%s;rev=%s"):format(item.id, number)
  make_revision(id, item.id, api.path)
  core.get("api", "", id):make_current()
  if is_new and not plan.items[(item.id .. ";rev=1"):lower()] then
    core.delete("api", "", item.id .. ";rev=1")
  elseif not is_new then
    count(plan.report, "changed")
  end
  return is_new
end

-- What must be there before an API is written; whether that has made the API itself.
local function prepare_api(plan, item)
  local base = item.id:match "^(.*);rev=%d+$"
  if base then
    return make_revision(item.id, base, item.fields.path)
  end
  return make_current(plan, item)
end

local function write_item(plan, item)
  local is_made = item.kind == "api" and prepare_api(plan, item)
  if not item.fields then
    return -- an operation that its API's document makes, or what is there by itself
  end
  local fields, outcome, _ = item.fields, nil, nil
  if item.document then
    fields = merge(fields, {import = {text = item.document}})
  end
  if item.kind == "workspace" then
    _, outcome = core.ensure(item.kind, item.parent.id, item.name, fields)
  elseif estate.kind(item.kind).only_name then
    _, outcome = collection.nested(item.kind, item.parent.id):set(fields)
  else -- by the kind's own `ensure`: it knows what a read does not show
    _, outcome = collection.nested(item.kind, item.parent.id):ensure(item.name, fields)
  end
  count(plan.report, is_made and "created" or outcome)
end

local function stage_of(item)
  if item.kind == "workspace" then
    return 0
  elseif item.kind == "api" and item.name:find(";rev=", 1, true) then
    return STAGE_OF["api revision"]
  elseif item.kind == "backend" and item.fields.pool then
    return STAGE_OF["backend pool"]
  end
  return STAGE_OF[item.kind] or #STAGES
end

local function write_items(plan)
  local by_stage = {[0] = {}}
  for _, item in ipairs(plan.list) do
    local stage = stage_of(item)
    by_stage[stage] = by_stage[stage] or {}
    table.insert(by_stage[stage], item)
  end
  for stage = 0, #STAGES do
    tasks.map(by_stage[stage] or {}, function(item)
      write_item(plan, item)
    end, {limit = AT_ONCE})
  end
end

local function write_gateways(plan)
  local gateways = require "gateways"
  tasks.map(plan.gateways, function(gateway)
    local fields = merge(gateway.fields, {resource_group = plan.group})
    local made, outcome = gateways.ensure(gateway.name, fields)
    count(plan.report, outcome)
    gateway.id = made.id
    for _, name in ipairs(gateway.served) do
      if plan.items[model.format_id("workspace", plan.service.id, name):lower()] then
        count(plan.report, select(2, made:attach(
          model.format_id("workspace", plan.service.id, name))))
      end
    end
  end, {limit = AT_ONCE})
end

local function write_access(plan)
  local rbac = require "rbac"
  tasks.map(plan.access, function(access)
    local where = access.scope or model.format_id("gateway", plan.group, access.gateway)
    for _, entry in ipairs(access.entries) do
      count(plan.report, select(2, rbac.assign {
        principal = entry.id, role = entry.role, scope = where, principal_type = entry.type}))
    end
  end, {limit = AT_ONCE})
end

-- ---- pruning ----

-- The kinds below a kind, what refers to others before those.
local function last_first(parent)
  local names = {table.unpack(estate.children(parent))}
  table.sort(names, function(a, b)
    local first, second = STAGE_OF[a] or 0, STAGE_OF[b] or 0
    return first > second or first == second and a < b
  end)
  return names
end

local prune

-- Whether resources of a kind stay although the folder has no file for them.
local function is_kept(parent, kind)
  return estate.is_given(kind)
    or parent.document and (kind == "api operation" or kind == "api schema")
end

local function prune_each(plan, parent, kind)
  for _, child in ipairs(collection.all(kind, parent.id)) do
    local item = plan.items[child.id:lower()]
    if item or is_kept(parent, kind) then
      prune(plan, item or {kind = kind, id = child.id})
    elseif not (child.name:find(";rev=", 1, true) and child.is_current)
      and core.delete(kind, "", child.id) then
      count(plan.report, "deleted")
    end
  end
end

-- Deletes what the folder does not have.
function prune(plan, parent)
  for _, kind in ipairs(last_first(parent.kind)) do
    local row = estate.kind(kind)
    if not row.only_name then
      prune_each(plan, parent, kind)
    elseif not plan.items[model.format_id(kind, parent.id, row.only_name):lower()]
      and core.delete(kind, parent.id, row.only_name) then
      count(plan.report, "deleted")
    end
  end
end

-- ---- the whole ----

-- The object id of who has a role, by the name that it has in this directory.
local function find_principal(entry)
  local entra = require "entra"
  if check.is_uuid(entry.principal) then
    return entry.principal
  elseif entry.type == "User" then
    return entra.user(entry.principal).id
  elseif entry.type == "ServicePrincipal" then
    local name = entry.principal:gsub("'", "''")
    local found = arm.request({graph = true, path = "/v1.0/servicePrincipals", query = {
      ["$filter"] = ("displayName eq '%s'"):format(name), ["$select"] = "id"}}).body.value
    if #found ~= 1 then
      check.fail(("%d service principals are called '%s'"):format(#found, entry.principal))
    end
    return found[1].id
  end
  return entra.group(entry.principal).id
end

-- Finds who is meant in an entry of access.lua.
local function complete_entry(plan, access, number, entry)
  if type(entry) ~= "table" or type(entry.principal) ~= "string"
    or type(entry.role) ~= "string" then
    return plan.complain(("%s: entry %d needs principal and role"):format(access.path, number))
  end
  local id, wrong = tasks.try(find_principal, entry)
  if not id then
    plan.complain(("%s: '%s': %s"):format(access.path, entry.principal, wrong.message))
  end
  entry.id = id
end

local function read_access(plan)
  tasks.map(plan.access, function(access)
    local entries, wrong = estate.read(access.text, access.path)
    access.entries = entries or {}
    if wrong then
      plan.complain(wrong)
    end
    for number, entry in ipairs(access.entries) do
      complete_entry(plan, access, number, entry)
    end
  end, {limit = AT_ONCE})
end

--- Bring an exported folder into the run's service.
-- @tparam string path the folder
-- @tparam[opt] table options `overrides`: a table or a file of one, by path in the folder
--   (`["workspaces/payments/backends/erp"] = {url = "https://erp.test"}`) and `variables`;
--   `secrets`: a table or function by the names of references; `workspaces`: names, all when not
--   given; `gateways`, `access`: false leaves them out; `prune`: true deletes in the workspaces
--   what the folder does not have; `service`, `resource_group`: others than the run's
-- @treturn table how many were `created`, `changed`, `unchanged`, `deleted`
-- @raise failure `InvalidEstate` with all mistakes, before anything is written
function publish.apply(path, options)
  options = check.options(options or {}, {"overrides", "secrets", "workspaces", "gateways",
                                          "access", "prune", "service", "resource_group"})
  local mistakes = {}
  local plan = {
    items = {}, list = {}, gateways = {}, access = {}, missing = {},
    service = {kind = "service", id = scope.service(options.service, options.resource_group)},
    group = scope.resource_group(options.resource_group),
    report = {created = 0, changed = 0, unchanged = 0, deleted = 0},
    complain = function(text)
      mistakes[#mistakes + 1] = text
    end,
  }
  read_folder(plan, path, options)
  local overrides = read_overrides(options.overrides)
  local variables = {service = plan.service.id, resource_group = plan.group,
                     subscription = scope.subscription()}
  for name, value in pairs(overrides.variables or {}) do
    variables[name] = tostring(value)
  end
  override(plan, overrides)
  for _, item in ipairs(plan.list) do
    complete_item(plan, item, options, variables)
  end
  for _, gateway in ipairs(plan.gateways) do
    complete_gateway(plan, gateway, variables)
  end
  check_missing(plan, options)
  if options.access ~= false then
    read_access(plan)
  end
  estate.refuse(mistakes, path)
  write_items(plan)
  if options.gateways ~= false then
    write_gateways(plan)
  end
  if options.access ~= false then
    write_access(plan)
  end
  if options.prune then
    for _, item in ipairs(plan.list) do
      if item.kind == "workspace" then
        prune(plan, item)
      end
    end
  end
  return plan.report
end

return publish
