--- The reference piece by piece, each piece read once: for the prompt, which cannot wait for all.
-- @module reference
local collection = require "collection"
local doc = require "doc"

local reference = {}

local kinds, kinds_by_name
local modules = {} -- by name, once somebody has asked for it
local names, is_module

local function read_kinds()
  if not kinds then
    kinds, kinds_by_name = doc.kinds()
  end
end

--- All kinds, as `doc.kinds` gives them.
-- @treturn table a list; read only
function reference.kinds()
  read_kinds()
  return kinds
end

--- A kind by its name.
-- @tparam ?string name
-- @treturn ?table
function reference.kind(name)
  read_kinds()
  return kinds_by_name[name]
end

--- The names of the modules that scripts require, sorted.
-- @treturn table a list; read only
function reference.module_names()
  if not names then
    names, is_module = doc.module_names(), {}
    for _, name in ipairs(names) do
      is_module[name] = true
    end
  end
  return names
end

--- A module by its name, as `doc.module` gives it, with `by_name`: its functions by their full
-- names.
-- @tparam string name
-- @treturn ?table nil when there is no module of that name for scripts
function reference.module(name)
  reference.module_names()
  if not modules[name] and is_module[name] then
    read_kinds()
    local module = doc.module(name, kinds_by_name)
    module.by_name = {}
    for _, fn in ipairs(module.functions) do
      module.by_name[fn.name] = module.by_name[fn.name] or fn
    end
    modules[name] = module
  end
  return modules[name]
end

--- What the reference says of a function of a module, or of another of its names.
-- @tparam string full_name such as `tasks.spawn`
-- @treturn ?table
function reference.member(full_name)
  local module = reference.module(full_name:match "^[%w_]+")
  return module and module.by_name[full_name]
end

-- Methods that resources of any kind have.
local COMMON = {
  update = {arguments = "(fields)", help = "Change what differs."},
  refresh = {arguments = "()", help = "Read it again."},
  delete = {arguments = "(options)", help = "Delete it; absent is fine."},
}

-- What the comments of a module call a kind: "gateway", "named_value".
local function subject_of(kind)
  return (kind.name:gsub("^service ", ""):gsub(" ", "_"))
end

--- What the reference says of a method of resources of a kind.
-- @tparam table kind a row
-- @tparam string name
-- @treturn ?table
function reference.method(kind, name)
  local module = collection.module_of(kind.name)
  local full_name = subject_of(kind) .. ":" .. name
  local found = module and reference.module(module).by_name[full_name]
  if not found and COMMON[name] then
    found = {name = full_name, arguments = COMMON[name].arguments, help = COMMON[name].help,
             text = {COMMON[name].help}, params = {}, returns = {}, raises = {}, examples = {}}
  end
  return found
end

--- The verbs of a kind.
-- @tparam table kind a row
-- @treturn table what the reference says of each, in its order
reference.verbs = doc.verbs

--- What the reference says of a verb of a kind's collection.
-- @tparam table kind a row
-- @tparam string name
-- @treturn ?table
function reference.verb(kind, name)
  for _, verb in ipairs(doc.verbs(kind)) do
    if verb.name:match "[%w_]+$" == name then
      return verb
    end
  end
  local module = collection.module_of(kind.name)
  return module and kind.member and reference.module(module).by_name[kind.member .. ":" .. name]
end

-- Objects that no kind has: the module whose comments tell of them, and what they are called there.
local CLASSES = {
  task = {"tasks", "task", true}, ["task group"] = {"tasks", "group", true},
  operation = {"tasks", "op", true}, group = {"entra", "group"}, links = {"links", "view"},
}

--- The methods of objects that are no resources.
-- @tparam string class `task`, `task group`, `operation`, `group` (of Entra) or `links`
-- @treturn table what the reference says of each, in its order
function reference.class(class)
  local module, subject = table.unpack(CLASSES[class])
  local methods = {}
  for _, fn in ipairs(reference.module(module).functions) do
    methods[#methods + 1] = fn.name:find("^" .. subject .. ":") and fn or nil
  end
  return methods
end

--- Where a collection of a module stands: `networks.virtual_networks`.
-- @tparam string path
-- @treturn ?table the kind whose verbs are there
function reference.holder(path)
  read_kinds()
  for _, kind in ipairs(kinds) do
    if kind.prefix == path .. "." then
      return kind
    end
  end
end

return reference
