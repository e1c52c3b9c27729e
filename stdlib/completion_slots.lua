--- What may be given to a function: its arguments, the options in a table, their values.
--
-- A slot is a place for a value: `name`, `help`, `type` (in words), `choices`, `default`,
-- `is_boolean`, `is_list`, `is_map`, `is_required`; `slots` are the places within a table; `names`
-- is the key of live names that it takes, `refers` the kind whose resources it takes: by name, or
-- by id only when `takes_id`.
-- @module completion_slots
local collection = require "collection"
local completion_types = require "completion_types"
local doc_text = require "doc_text"
local live_names = require "live_names"
local model = require "core.model"
local reference = require "reference"

local completion_slots = {}

-- ---- which kind a name means ----

-- Names of properties and options that are not those of the kind they refer to.
local KIND_OF = {
  vnet = "virtual network", source_virtual_network = "virtual network",
  security_group = "network security group", public_nat_gateway = "nat gateway",
  operation = "api operation", version_set = "api version set", source_api = "api",
}

-- The kind that a name refers to, and the id its resources are in; `around` is where the call is.
local function target(name, around)
  local kind = reference.kind(KIND_OF[name] or (name:gsub("_", " ")))
  local home = kind and completion_types.home(kind, around)
  local of_service = kind and not home and reference.kind("service " .. kind.name)
  if of_service then
    local other = completion_types.home(of_service, around)
    return other and of_service or kind, other
  end
  return kind, home
end

local function refer(slot, around, takes_id)
  local kind, home = target(slot.name, around)
  if kind then
    slot.refers, slot.takes_id, slot.home = kind, takes_id, home
    slot.names = home and kind.operations.list and live_names.key(kind.name, home) or nil
  end
  return slot
end

-- ---- places that the model tells ----

local REFERS = {["resource or id"] = true, ["list of ids"] = true}

local function of_fields(fields, around, is_left_out)
  local slots = {}
  for _, field in ipairs(fields) do
    if not field.read_only and not (is_left_out and is_left_out(field)) then
      local slot = {
        name = field.name, help = field.help, type = doc_text.type_of(field),
        choices = field.choices, is_boolean = field.type == "boolean",
        is_required = field.required, is_map = field.type == "map",
        is_list = field.type:find "^list" ~= nil,
        slots = field.items and of_fields(field.items, around) or nil,
      }
      slots[#slots + 1] = REFERS[field.type] and refer(slot, around, true) or slot
    end
  end
  return slots
end

local function required_first(slots)
  local sorted = {}
  for _, wanted in ipairs {true, false} do
    for _, slot in ipairs(slots) do
      sorted[#sorted + 1] = (slot.is_required == true) == wanted and slot or nil
    end
  end
  return sorted
end

local function add_all(slots, more)
  return table.move(more, 1, #more, #slots + 1, slots)
end

local function where_slots(kind)
  local slots = {}
  for i, name in ipairs(kind.where or {}) do
    slots[i] = {name = name, type = "string", help = "where it is: a name or an id"}
  end
  return slots
end

local WAIT = {name = "wait", type = "boolean", is_boolean = true, default = "true",
              help = "false gives an operation at once"}
local IF_MATCH = {name = "if_match", type = "string", help = "the etag that it must still have"}
local LIST_OPTIONS = {
  {name = "filter", type = "string", help = "an OData filter"},
  {name = "top", type = "integer", help = "how many at most"},
}

local WRITES = {create = true, ensure = true, set = true, update = true}

-- The table of fields and options that a verb takes; `around` is the id that it works in.
local function table_of_verb(kind, verb, around)
  local slots = {}
  if WRITES[verb] then
    slots = required_first(of_fields(kind.fields, around, function(field)
      return verb == "update" and field.immutable
    end))
    add_all(slots, kind.extra or {})
  elseif (verb == "list" or verb == "each") and not kind.where then
    local known = collection.list_options(kind.name)
    for _, option in ipairs(LIST_OPTIONS) do
      slots[#slots + 1] = known[option.name] and option or nil
    end
  end
  if WRITES[verb] or verb == "delete" then
    slots[#slots + 1] = WAIT
    local matches = kind.if_match[verb == "delete" and "delete" or "write"]
    slots[#slots + 1] = matches and verb ~= "create" and IF_MATCH or nil
  end
  return slots
end

local function of_verb(own)
  local arguments = {}
  for name in own.entry.arguments:gmatch "[%w_]+" do
    if name == "name" then
      local has_names = own.verb ~= "create" and own.home and own.kind.operations.list
      arguments[#arguments + 1] = {
        name = "name", type = "string", help = "of the " .. own.kind.name,
        names = has_names and live_names.key(own.kind.name, own.home) or nil,
      }
    else
      arguments[#arguments + 1] = {
        name = name, type = "table", help = own.entry.help,
        slots = add_all(table_of_verb(own.kind, own.verb, own.home), where_slots(own.kind)),
      }
    end
  end
  return arguments
end

-- ---- places that doc comments tell ----

-- The allowed values of a text such as "`a` (the first), `b` or `c`" or "a, b or c"; nil when it
-- is no such list.
local function choices_of(help)
  local choices, is_quoted = {}, help:find "^`" ~= nil
  for part in help:gsub("%s*%b()", ""):gsub(" or ", ", "):gsub("%.$", ""):gmatch "[^,]+" do
    local word = part:match "^%s*`([%w_.+-]+)`" or not is_quoted and part:match "^%s*([%w_.+-]+)$"
    if not word then
      choices = is_quoted and choices or {}
      break
    end
    choices[#choices + 1] = word
  end
  return #choices > 1 and choices or nil
end

local function default_first(choices, default)
  local sorted = {}
  for _, wanted in ipairs {true, false} do
    for _, choice in ipairs(choices) do
      sorted[#sorted + 1] = (choice == default) == wanted and choice or nil
    end
  end
  return sorted
end

-- Whether a type of a doc comment can be a resource.
local function can_refer(type_name)
  for name in type_name:gmatch "[%w_]+" do
    if name == "resource" or name == "any" or reference.kind((name:gsub("_", " "))) then
      return true
    end
  end
  return false
end

-- The built-in roles, which options called `role` take by name.
local function role_names()
  local names = {}
  for i, role in ipairs(model.roles()) do
    names[i] = role.name
  end
  return names
end

local function choices_of_param(param, name)
  if param.type ~= "string" then
    return nil
  end
  return choices_of(param.help) or name == "role" and role_names() or nil
end

local function of_param(param, name)
  local default = param.default and param.default:gsub('^"(.*)"$', "%1")
  local choices = choices_of_param(param, name)
  local slot = {
    name = name, help = param.help, type = param.type ~= "any" and param.type or nil,
    choices = choices and default_first(choices, default), default = default,
    is_boolean = param.type == "boolean", is_required = not param.optional,
  }
  local is_name = param.help:find "[Nn]ame of the" ~= nil or param.help:find "its name" ~= nil
  return (can_refer(param.type) or is_name) and refer(slot, nil, not is_name) or slot
end

local options_of

-- What a module holds under a name: names in their order, or options with what they are if not
-- given.
local function of_held(module, key)
  local slots = {}
  local is_fine, holder = pcall(require, module) -- it only defines what it has
  local held = is_fine and type(holder) == "table" and holder[key]
  for name, value in next, type(held) == "table" and held or {} do
    slots[#slots + 1] = math.type(name) == "integer" and {name = value, place = name}
      or {name = name, default = tostring(value), type = type(value),
          is_boolean = type(value) == "boolean"}
  end
  return slots
end

-- Options that a help refers to: "`a`, `b` as for `rbac.assign`", "see `onboarding.defaults`",
-- "the fields of `onboarding.columns`", or only the names.
local function referred(help)
  local slots, known, only = {}, {}, {}
  local names, other = help:match "^(.-)as for `([%w_.:]+)`"
  local entry = other and reference.member(other)
  for _, slot in ipairs(entry and options_of(entry, entry.params[1]) or {}) do
    known[slot.name] = slot
    slots[#slots + 1] = slot
  end
  for name in (names or help):gmatch "`([%a_][%w_]*)`" do
    only[#only + 1] = known[name] or {name = name}
  end
  local module, key = help:match "see `([%w_]+)%.([%w_]+)`"
  if not module then
    module, key = help:match "the fields of `([%w_]+)%.([%w_]+)`"
  end
  if module then
    return of_held(module, key)
  end
  return #only > 0 and only or slots
end

local function is_before(a, b)
  if a.place and b.place then
    return a.place < b.place
  end
  return a.name < b.name
end

-- The options of one of an entry's parameters.
function options_of(entry, param)
  local slots = {}
  for _, other in ipairs(param and entry.params or {}) do
    local name = other.name:match("^" .. param.name .. "%.([%w_]+)$")
    slots[#slots + 1] = name and of_param(other, name) or nil
  end
  if #slots == 0 and param and param.type:find "table" then
    slots = referred(param.help)
    table.sort(slots, is_before)
  end
  return slots
end

local GROUP_NAMES = {["entra.group"] = true, ["entra.find"] = true, ["entra.ensure"] = true}

local function of_comments(own)
  local arguments = {}
  for _, param in ipairs(own.entry.params) do
    if not param.name:find "%.%w" then
      local slot = of_param(param, param.name)
      local slots = options_of(own.entry, param)
      if own.kind and param.name == "fields" then -- besides, those of the kind
        add_all(slots, table_of_verb(own.kind, "ensure", own.home))
      end
      slot.slots = #slots > 0 and slots or nil
      slot.names = GROUP_NAMES[own.entry.name] and live_names.GROUPS or slot.names
      arguments[#arguments + 1] = slot
    end
  end
  return arguments
end

-- `update` and `delete` of a resource.
local function of_method(own)
  local name = own.entry.name:match "[%w_]+$"
  local around = own.gives and own.gives.id
  return {{name = own.entry.arguments:match "[%w_]+", type = "table", help = own.entry.help,
           slots = table_of_verb(own.method_of, name, around)}}
end

--- The places of a function's arguments.
-- @tparam table own a type whose `is` is `function`
-- @treturn table list of slots, in their order
function completion_slots.arguments(own)
  if not own.entry then
    return {}
  elseif own.verb then
    return of_verb(own)
  elseif own.method_of and #own.entry.params == 0 and own.entry.arguments ~= "()" then
    return of_method(own)
  end
  return of_comments(own)
end

--- The slot of a name.
-- @tparam ?table slots
-- @tparam string name
-- @treturn ?table
function completion_slots.named(slots, name)
  for _, slot in ipairs(slots or {}) do
    if slot.name == name then
      return slot
    end
  end
end

--- What stands at a place in the arguments of a call.
-- @tparam table own the type of what is called
-- @tparam integer argument from 1 on
-- @tparam table path see `completion_phrase.call`
-- @treturn ?table the slot of the argument, or of the innermost table that the path leads to
-- @treturn boolean whether the place is one for elements of a list, not for names
function completion_slots.at(own, argument, path)
  local slot = completion_slots.arguments(own)[argument]
  local is_element = slot and slot.is_list or false
  local is_in_map = false
  for _, step in ipairs(path) do
    if not slot then
      return nil, false
    elseif step == false then
      is_element = false
    elseif is_in_map then
      is_in_map = false
    else
      slot = completion_slots.named(slot.slots, step)
      is_element = slot and slot.is_list or false
      is_in_map = slot and slot.is_map or false
    end
  end
  return slot, is_element or is_in_map
end

return completion_slots
