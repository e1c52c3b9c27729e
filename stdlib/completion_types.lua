--- What an expression gives, as far as that can be told without running any of it.
--
-- A type is a table whose `is` says which: `value` (a Lua value, in `value`), `module` (`name`),
-- `verbs` (a kind's, called with `.`), `collection` (a kind's, called with `:`; `parent` is the id
-- it is in), `resource` (`kind`, perhaps `id`), `object` (`fields`: rows of the model), `class`
-- (`class`: see `reference.class`), `list` and `iterator` (`of`), `text`, and `function`: `entry`
-- is what the reference says of it, `gives` the type of its first result, `verb` and `kind` are
-- those of a verb, `home` the id that the verb looks names up in.
--
-- Values are looked at without their metamethods, but for resources and collections, which answer
-- from what they hold.
-- @module completion_types
local collection = require "collection"
local core = require "core.resources"
local lua_manual = require "lua_manual"
local reference = require "reference"
local scope = require "scope"

local completion_types = {}

local DEEPEST = 8 -- metatables that are followed

-- ---- where kinds live ----

-- The type in an id: "Microsoft.ApiManagement/service/workspaces".
local function arm_type_of(id)
  local provider, rest = id:match "^.*/providers/([^/]+)/(.*)$"
  local parts = {provider}
  for segment in (rest or ""):gmatch "([^/]+)/[^/]+" do
    parts[#parts + 1] = segment
  end
  return table.concat(parts, "/"):lower()
end

local function or_nil(f, ...)
  local is_fine, value = pcall(f, ...)
  return is_fine and value or nil
end

--- The id under which the names of a kind are looked up.
-- @tparam table kind a row
-- @tparam[opt] string around an id that it may be above
-- @treturn ?string nil when that cannot be told
function completion_types.home(kind, around)
  if kind.name == "workspace" then
    return or_nil(scope.service)
  elseif kind.prefix and kind.prefix:find "%.$" then
    return or_nil(scope.resource_group)
  end
  local parent = reference.kind(kind.parent)
  while parent and around and around ~= "" do
    if arm_type_of(around) == parent.arm_type:lower() then
      return around
    end
    around = around:match "^(.*)/[^/]+/[^/]+$"
  end
end

-- ---- types of values ----

local function loaded(name)
  return rawget(package.loaded, name)
end

local function module_of(value)
  for _, name in ipairs(reference.module_names()) do
    if rawequal(loaded(name), value) then
      return name
    end
  end
end

local function holder_of(value)
  local networks = loaded "networks"
  if type(networks) == "table" then
    for name, member in next, networks do
      if rawequal(member, value) then
        return reference.holder("networks." .. name)
      end
    end
  end
end

--- The type of a module for scripts, whether it is loaded or not.
-- @tparam string name
-- @treturn table
function completion_types.module(name)
  return {is = "module", name = name, value = loaded(name)}
end

local function of_table(value)
  local name = module_of(value)
  if name then
    return completion_types.module(name)
  end
  local kind = holder_of(value)
  return kind and {is = "verbs", kind = kind} or {is = "value", value = value}
end

local function field_of(value, name)
  local is_fine, field = pcall(function() return value[name] end)
  return is_fine and field or nil
end

-- Objects of native modules have no members but their methods.
local function class_of(value)
  return field_of(value, "percent") and "operation" or field_of(value, "spawn") and "task group"
    or field_of(value, "join") and "task"
end

local function of_userdata(value)
  local kind, parent = core.identify(value)
  if kind then
    return {is = "collection", kind = reference.kind(kind), parent = parent}
  end
  kind = reference.kind(field_of(value, "kind"))
  if kind then
    return {is = "resource", kind = kind, id = field_of(value, "id"), value = value}
  end
  local class = class_of(value)
  return class and {is = "class", class = class} or {is = "value", value = value}
end

--- The name of a function in a module that is loaded, by its value.
-- @tparam function value
-- @treturn ?string such as `tasks.map`
function completion_types.name_of(value)
  for _, name in ipairs(reference.module_names()) do
    local module = loaded(name)
    for key, member in next, type(module) == "table" and module or {} do
      if member == value and type(key) == "string" then
        return name .. "." .. key
      end
    end
  end
end

--- The type of a value.
-- @param value anything
-- @treturn ?table nil for nil
function completion_types.of_value(value)
  local kind = type(value)
  if kind == "table" then
    return of_table(value)
  elseif kind == "userdata" then
    return of_userdata(value)
  elseif kind == "function" then
    local name = completion_types.name_of(value)
    return name and completion_types.member(completion_types.module(name:match "^[%w_]+"),
                                            name:match "[%w_]+$")
      or {is = "function", value = value, entry = lua_manual.find(value)}
  elseif kind == "string" then
    return {is = "text"}
  end
  return value ~= nil and {is = "value", value = value} or nil
end

-- ---- types that the reference tells ----

local CLASSES = {task = "task", op = "operation", operation = "operation", group = "group"}

-- The type that a doc comment says, such as "?gateway" or "subnet.collection".
local function of_comment(text)
  for name in (text or ""):gmatch "[%w_.]+" do
    local kind = reference.kind((name:gsub("_", " ")))
    if CLASSES[name] then
      return {is = "class", class = CLASSES[name]}
    elseif kind then
      return {is = "resource", kind = kind}
    elseif name:find "%.collection$" then
      return {is = "collection", kind = reference.kind(name:match "^[%w_]+":gsub("_", " "))}
    elseif name == "string" then
      return {is = "text"}
    end
  end
end

local function of_entry(entry)
  if entry.arguments == "" then
    return nil -- a value that the module holds
  end
  return {is = "function", entry = entry, gives = of_comment(entry.returns[1] and
                                                             entry.returns[1].type)}
end

local ONE = {get = true, find = true, create = true, ensure = true, set = true, update = true}

local function verb_type(kind, verb, home, entry)
  local one = {is = "resource", kind = kind}
  local gives = ONE[verb] and one or verb == "list" and {is = "list", of = one}
    or verb == "each" and {is = "iterator", of = one} or nil
  return {is = "function", kind = kind, verb = verb, home = home, gives = gives,
          entry = entry or {name = verb, arguments = "", help = "", params = {}, returns = {}}}
end

-- ---- members ----

-- Calls `visit(name, value)` for each member of a table and of the tables behind it.
local function each_raw(value, visit)
  for _ = 1, DEEPEST do
    for name, member in next, value do
      visit(name, member)
    end
    local metatable = getmetatable(value)
    local behind = type(metatable) == "table" and rawget(metatable, "__index")
    if type(behind) ~= "table" then
      return
    end
    value = behind
  end
end

--- A member of a table or of the tables behind it, without running any function.
-- @tparam table value
-- @tparam string name
-- @return its value or nil
function completion_types.raw(value, name)
  for _ = 1, DEEPEST do
    local member = rawget(value, name)
    if member ~= nil then
      return member
    end
    local metatable = getmetatable(value)
    value = type(metatable) == "table" and rawget(metatable, "__index")
    if type(value) ~= "table" then
      return nil
    end
  end
end

local RESOURCE_MEMBERS = {
  {"etag", "what the service calls this state of it"}, {"id", "its ARM id"},
  {"kind", "the name of its kind"}, {"name", "its name"}, {"raw", "the body as it came"},
}

local function children_of(kind)
  local children = {}
  for _, child in ipairs(reference.kinds()) do
    if child.parent == kind.name and child.member then
      children[#children + 1] = child
    end
  end
  return children
end

local function field_named(fields, name)
  for _, field in ipairs(fields) do
    if field.name == name then
      return field
    end
  end
end

-- Properties that are text for scripts, by the words of the model.
local TEXTS = {string = true, choice = true, region = true, time = true, ["resource or id"] = true}
local TEXT_MEMBERS = {etag = true, id = true, kind = true, name = true}

local function of_field(field)
  if not field then
    return nil
  elseif field.type == "object" and field.items then
    return {is = "object", fields = field.items}
  elseif field.items then
    return {is = "list", of = {is = "object", fields = field.items}}
  end
  return TEXTS[field.type] and {is = "text"} or nil
end

local member_of = {}

function member_of.value(own, name)
  return type(own.value) == "table"
    and completion_types.of_value(completion_types.raw(own.value, name)) or nil
end

function member_of.module(own, name)
  local full_name = own.name .. "." .. name
  local kind = reference.holder(full_name)
  local entry = reference.member(full_name)
  if kind then
    return {is = "verbs", kind = kind}
  elseif entry and entry.is_verb then
    kind = reference.kind(reference.module(own.name).kind)
    return verb_type(kind, name, completion_types.home(kind), entry)
  end
  local of_comments = entry and of_entry(entry)
  if of_comments or not own.value then
    return of_comments
  end
  local value = completion_types.raw(own.value, name)
  return type(value) == "function" and {is = "function", value = value}
    or completion_types.of_value(value)
end

function member_of.verbs(own, name)
  local entry = reference.verb(own.kind, name)
  return entry and verb_type(own.kind, name, completion_types.home(own.kind), entry)
end

function member_of.collection(own, name)
  local verbs = collection.load(own.kind.name, "verbs")
  if name == "refuse" or not rawget(verbs, name) then
    return nil
  end
  local entry = reference.verb(own.kind, name)
  if entry and not entry.is_verb then
    local found = of_entry(entry)
    found.kind, found.home = own.kind, own.parent
    return found
  end
  return verb_type(own.kind, name, own.parent, entry)
end

function member_of.resource(own, name, separator)
  local field = field_named(own.kind.fields, name)
  if separator == "." and field then
    return of_field(field)
  elseif separator == "." and TEXT_MEMBERS[name] then
    return {is = "text"}
  end
  local methods = collection.load(own.kind.name, "methods")
  if rawget(methods, name) then
    local entry = reference.method(own.kind, name)
    local found = entry and of_entry(entry) or {is = "function", value = methods[name]}
    found.method_of = own.kind
    if name == "update" or name == "refresh" then
      found.gives = {is = "resource", kind = own.kind, id = own.id}
    end
    return found
  end
  for _, child in ipairs(children_of(own.kind)) do
    if child.member == name then
      return {is = "collection", kind = child, parent = own.id}
    end
  end
  return rawget(methods, "view:" .. name) and {is = "class", class = "links"} or nil
end

function member_of.object(own, name)
  return of_field(field_named(own.fields, name))
end

function member_of.class(own, name)
  for _, entry in ipairs(reference.class(own.class)) do
    if entry.name:match "[%w_]+$" == name then
      return of_entry(entry)
    end
  end
end

function member_of.text(_, name)
  return completion_types.of_value(rawget(string, name))
end

--- The type of a member.
-- @tparam table own a type
-- @tparam string name
-- @tparam[opt="."] string separator `.` or `:`
-- @treturn ?table
function completion_types.member(own, name, separator)
  local find = member_of[own.is]
  return find and find(own, name, separator or ".") or nil
end

-- ---- lists of members ----

local function describe(entry)
  return entry and (entry.arguments .. "  " .. entry.help):match "^%s*(.-)$" or nil
end

local function describe_value(value)
  local kind = type(value)
  local entry = kind == "function" and lua_manual.find(value)
  if entry then
    return describe(entry)
  end
  return kind == "function" and "a function" or kind == "table" and "a table" or kind
end

local list_of = {}

function list_of.value(own, add, is_method)
  if type(own.value) ~= "table" then
    return
  end
  each_raw(own.value, function(name, value)
    if type(name) == "string" and name:find "^[%a_][%w_]*$"
      and (type(value) == "function" or not is_method) then
      add(name, describe_value(value))
    end
  end)
end

function list_of.module(own, add, is_method)
  if is_method then
    return
  end
  for _, entry in ipairs(reference.module(own.name).functions) do
    local name = entry.name:match("^" .. own.name .. "%.([%w_]+)$")
    if name then
      add(name, describe(entry))
    end
  end
  if own.value then
    list_of.value(own, add, false)
  end
end

function list_of.verbs(own, add, is_method)
  for _, entry in ipairs(is_method and {} or reference.verbs(own.kind)) do
    add(entry.name:match "[%w_]+$", describe(entry))
  end
end

function list_of.collection(own, add)
  for name in next, collection.load(own.kind.name, "verbs") do
    if name ~= "refuse" then
      add(name, describe(reference.verb(own.kind, name)))
    end
  end
end

local function list_methods(own, add)
  for name in next, collection.load(own.kind.name, "methods") do
    if not name:find "^view:" then
      add(name, describe(reference.method(own.kind, name)))
    end
  end
end

function list_of.resource(own, add, is_method)
  if is_method then
    return list_methods(own, add)
  end
  list_of.object({fields = own.kind.fields}, add)
  for _, row in ipairs(RESOURCE_MEMBERS) do
    add(row[1], row[2])
  end
  for _, child in ipairs(children_of(own.kind)) do
    add(child.member, child.help)
  end
  for name in next, collection.load(own.kind.name, "methods") do
    if name:find "^view:" then
      add(name:sub(6), "what is linked to it")
    end
  end
end

function list_of.object(own, add)
  for _, field in ipairs(own.fields) do
    add(field.name, field.help)
  end
end

function list_of.class(own, add, is_method)
  for _, entry in ipairs(is_method and reference.class(own.class) or {}) do
    add(entry.name:match "[%w_]+$", describe(entry))
  end
end

function list_of.text(_, add, is_method)
  if is_method then
    list_of.value({value = string}, add, true)
  end
end

--- Calls `add(name, help)` for each member that can stand behind a separator; a name may come
-- twice.
-- @tparam table own a type
-- @tparam string separator `.` or `:`
-- @tparam function add
function completion_types.each_member(own, separator, add)
  if list_of[own.is] then
    list_of[own.is](own, add, separator == ":")
  end
end

return completion_types
