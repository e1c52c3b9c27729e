--- The reference as LuaCATS definitions for lua-language-server.
-- @module doc_luacats
local doc_luacats = {}

local TYPES = {
  string = "string", integer = "integer", number = "number", boolean = "boolean",
  region = "string", time = "string", duration = "number|string", tags = "table<string, string>",
  ["list of strings"] = "string[]", ["list of ids"] = "(string|moongate.resource)[]",
  ["resource or id"] = "string|moongate.resource", any = "any",
}
-- Types of doc comments that mean something to the language server as they are.
local PLAIN = {string = true, integer = true, number = true, boolean = true, table = true,
               ["function"] = true, any = true}
-- Types of doc comments that are classes here; names of kinds are, too.
local CLASSES = {resource = "moongate.resource", task = "moongate.task",
                 operation = "moongate.operation", op = "moongate.operation",
                 failure = "moongate.failure", group = "moongate.entra_group",
                 virtual_network = "moongate.virtual_network"}

local function class_name(name)
  return "moongate." .. name:gsub("[ -]", "_")
end

local write_class

-- The type of a property; classes of nested objects are written into `lines` first.
local function type_of(field, owner, lines)
  if field.choices then
    local names = {}
    for i, choice in ipairs(field.choices) do
      names[i] = ("%q"):format(choice)
    end
    local union = table.concat(names, "|") .. (field.choices_are_open and "|string" or "")
    return field.type == "choice" and union or "(" .. union .. ")[]"
  elseif field.items then
    local name = owner .. "." .. field.name
    write_class(lines, name, field.items, true)
    return field.type == "list" and name .. "[]"
      or field.type == "map" and "table<string, " .. name .. ">" or name
  elseif field.type == "map" then
    return ("table<string, %s>"):format(TYPES[field.values] or "any")
  end
  return TYPES[field.type] or "any"
end

function write_class(lines, name, fields, is_options, extra)
  local own = {"---@class " .. name .. (is_options and "" or " : moongate.resource")}
  for _, field in ipairs(fields) do
    if not (is_options == "writable" and field.read_only) then
      local is_needed = is_options and field.required and not field.default
      own[#own + 1] = ("---@field %s%s %s %s"):format(
        field.name, is_needed and "" or "?", type_of(field, name, lines), field.help)
    end
  end
  table.move(extra or {}, 1, #(extra or {}), #own + 1, own)
  own[#own + 1] = ""
  table.move(own, 1, #own, #lines + 1, lines)
end

-- One function with its types: `owner` is what it stands on, with the separator.
local function write_verb(lines, kind, verb, owner, extra)
  local class, name = class_name(kind.name), verb.name:match "[%w_]+$"
  local is_write = verb.arguments:find "fields"
  local fields = class .. ".fields" .. (extra or "")
  local has_name = verb.arguments:find "name"
  local gives = {get = class, find = class .. "?", exists = "boolean", delete = "boolean",
                 list = class .. "[]", each = "fun(): " .. class .. "?"}
  lines[#lines + 1] = "---" .. verb.help
  if has_name then
    lines[#lines + 1] = "---@param name string"
  end
  lines[#lines + 1] = is_write
    and ("---@param fields? %s%s"):format(fields, kind.only_name and "|string" or "")
    or "---@param options? moongate.options" .. (extra or "")
  lines[#lines + 1] = "---@return " .. (gives[name] or class)
  if is_write then
    lines[#lines + 1] = '---@return "created"|"changed"|"unchanged" outcome'
    lines[#lines + 1] = ("---@overload fun(%s%sfields: %s.started): moongate.operation"):format(
      owner == "collection:" and "self: " .. class .. ".collection, " or "",
      has_name and "name: string, " or "", class .. ".fields")
  end
  lines[#lines + 1] = ("function %s%s%s end\n"):format(owner, name, verb.arguments)
end

-- The class of a collection; a block of its own, as a chunk may have few locals.
local function write_collection(lines, kind)
  lines[#lines + 1] = ("do\n---@class %s.collection\nlocal collection = {}\n"):format(
    class_name(kind.name))
  for _, verb in ipairs(kind.verbs) do
    write_verb(lines, kind, verb, "collection:")
  end
  lines[#lines + 1] = "end\n"
end

local class_of_type = {}

-- The type that a doc comment gives, as the language server says it.
local function comment_type(text)
  local types = {}
  for name in text:gsub("^%?", ""):gmatch "[^|]+" do
    local kind = name:match "^([%w_]+)%.collection$"
    types[#types + 1] = PLAIN[name] and name or class_of_type[name] or CLASSES[name]
      or kind and class_of_type[kind] .. ".collection" or "any"
  end
  return table.concat(types, "|") .. (text:sub(1, 1) == "?" and "?" or "")
end

-- The members of an options table, as a class of their own; nil when none is told.
local function options_class(lines, fn, param)
  local name, own = "moongate.options." .. fn.name:gsub("[.:]", "_") .. "." .. param.name, {}
  for _, member in ipairs(fn.params) do
    local key = member.name:match("^" .. param.name .. "%.([%w_]+)$")
    if key then
      own[#own + 1] = ("---@field %s%s %s %s"):format(
        key, member.optional and "?" or "", comment_type(member.type), member.help)
    end
  end
  if #own > 0 then
    lines[#lines + 1] = "---@class " .. name .. "\n" .. table.concat(own, "\n") .. "\n"
    return name
  end
end

local function write_function(lines, fn, called)
  local own = {"---" .. fn.help}
  for _, param in ipairs(fn.params) do
    if not param.name:find("%.%w") then -- no member of an options table
      local options = param.type == "table" and options_class(lines, fn, param)
      own[#own + 1] = ("---@param %s%s %s %s"):format(
        param.name, param.optional and "?" or "", options or comment_type(param.type), param.help)
    end
  end
  for _, value in ipairs(fn.returns) do
    own[#own + 1] = ("---@return %s # %s"):format(comment_type(value.type), value.help)
  end
  own[#own + 1] = ("function %s%s end\n"):format(
    called or fn.name, fn.arguments == "" and "(...)" or fn.arguments)
  table.move(own, 1, #own, #lines + 1, lines)
end

-- The methods of doc comments by what they are called on: "gateway", "apis", "task" ...
local function methods_of(reference)
  local methods = {}
  for _, module in ipairs(reference.modules) do
    for _, fn in ipairs(module.functions) do
      local subject, name = fn.name:match "^([%w_]+):([%w_]+)$"
      if subject and not fn.is_verb then
        if subject == "group" then
          subject = fn.is_native and "task_group" or "entra_group"
        end
        methods[subject] = methods[subject] or {}
        table.insert(methods[subject], {fn = fn, name = name})
      end
    end
  end
  return methods
end

local function write_methods(lines, class, methods)
  if methods then
    lines[#lines + 1] = ("do\n---@class %s\nlocal self = {}\n"):format(class)
    for _, method in ipairs(methods) do
      write_function(lines, method.fn, "self:" .. method.name)
    end
    lines[#lines + 1] = "end\n"
  end
end

local COMMON = [[
---@meta

---@class moongate.failure
---@field code string
---@field message string

---@class moongate.options
---@field wait? boolean false gives an operation at once
---@field if_match? string the etag that it must still have
---@field top? integer how many of a list at most
---@field filter? string an OData filter of a list

do
---@class moongate.resource
---@field id string
---@field name string
---@field kind string
---@field etag? string
---@field raw table
local resource = {}

---Change what differs.
---@param fields table
---@return moongate.resource
---@return "changed"|"unchanged" outcome
function resource:update(fields) end

---Read it again.
---@return moongate.resource
function resource:refresh() end

---@param options? moongate.options
---@return boolean was_there
function resource:delete(options) end
end
]]

local function kinds_text(reference)
  local members, lines, methods = {}, {COMMON}, methods_of(reference)
  for _, kind in ipairs(reference.kinds) do
    class_of_type[(kind.name:gsub(" ", "_"))] = class_name(kind.name)
    if kind.way then
      members[kind.parent] = members[kind.parent] or {}
      table.insert(members[kind.parent], ("---@field %s %s.collection %s"):format(
        kind.member, class_name(kind.name), kind.help))
    end
  end
  class_of_type.group = nil -- in doc comments one of Entra
  for _, kind in ipairs(reference.kinds) do
    local name = class_name(kind.name)
    local extra = {"---@field wait? boolean false gives an operation at once",
                   "---@field if_match? string the etag that it must still have"}
    for _, option in ipairs(kind.extra or {}) do
      extra[#extra + 1] = ("---@field %s? %s %s"):format(option.name, option.type, option.help)
    end
    write_class(lines, name, kind.fields, false, members[kind.name])
    write_class(lines, name .. ".fields", kind.fields, "writable", extra)
    lines[#lines + 1] = ("---@class %s.fields.started : %s.fields\n---@field wait false\n"):format(
      name, name)
    if kind.way then
      write_collection(lines, kind)
    end
    local subject = kind.name:gsub(" ", "_")
    write_methods(lines, name, subject ~= "group" and methods[subject:gsub("^service_", "")])
  end
  write_methods(lines, "moongate.api.collection", methods.apis)
  for _, subject in ipairs {"entra_group", "task", "task_group", "op"} do
    write_methods(lines, subject == "op" and "moongate.operation" or "moongate." .. subject,
                  methods[subject])
  end
  return table.concat(lines, "\n")
end

-- The fields and options of a module's verbs, with those that say where.
local function write_where(lines, module, kind)
  local class = class_name(kind.name)
  for _, base in ipairs {class .. ".fields", "moongate.options"} do
    lines[#lines + 1] = ("---@class %s.%s : %s"):format(base, module.name, base)
    for _, name in ipairs(kind.where) do
      lines[#lines + 1] = ("---@field %s? string where it is"):format(name)
    end
    lines[#lines + 1] = ""
  end
end

local function module_text(module, kinds)
  local kind, lines = kinds[module.kind], {"---@meta " .. module.name, ""}
  if kind then
    write_where(lines, module, kind)
  end
  table.move({"---" .. module.help, ("---@class moongate.module.%s"):format(module.name),
              ("local %s = {}\n"):format(module.name)}, 1, 3, #lines + 1, lines)
  for _, fn in ipairs(module.functions) do
    local is_own = fn.name:sub(1, #module.name + 1) == module.name .. "."
    if fn.is_verb then
      write_verb(lines, kind, fn, module.name .. ".", "." .. module.name)
    elseif is_own and fn.arguments ~= "" then
      write_function(lines, fn)
    elseif is_own then
      lines[#lines + 1] = ("---%s\n%s = nil ---@type any\n"):format(fn.help, fn.name)
    end
  end
  lines[#lines + 1] = "return " .. module.name .. "\n"
  return table.concat(lines, "\n")
end

--- The definition files.
-- @tparam table reference what `doc.gather` gives
-- @treturn table of `name` and `text`
function doc_luacats.render(reference)
  local kinds = {}
  for _, kind in ipairs(reference.kinds) do
    kinds[kind.name] = kind
  end
  local files = {{name = "moongate.lua", text = kinds_text(reference)}}
  for i, module in ipairs(reference.modules) do
    files[i + 1] = {name = module.name .. ".lua", text = module_text(module, kinds)}
  end
  return files
end

return doc_luacats
