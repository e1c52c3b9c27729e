--- The reference as LuaCATS definitions for lua-language-server, and as luacheck's settings.
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
  local own = {"---@class " .. name}
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

-- The lines of a collection's verbs; `name` is there unless it has only one.
local function write_collection(lines, kind)
  local class, self_type = class_name(kind.name), class_name(kind.name) .. ".collection"
  local gives = {get = class, find = class .. "?", exists = "boolean", create = class,
                 ensure = class, set = class, update = class, delete = "boolean",
                 list = class .. "[]", each = "fun(): " .. class .. "?"}
  lines[#lines + 1] = "---@class " .. self_type
  for _, verb in ipairs(kind.verbs) do
    local name = verb.name:match "[%w_]+$"
    local arguments = {"self: " .. self_type}
    if not kind.only_name and name ~= "list" and name ~= "each" then
      arguments[#arguments + 1] = "name: string"
    end
    local is_write = gives[name] == class and name ~= "get"
    arguments[#arguments + 1] = is_write
      and "fields?: " .. class .. ".fields" .. (kind.only_name and "|string" or "")
      or "options?: table"
    lines[#lines + 1] = ("---@field %s fun(%s): %s %s"):format(
      name, table.concat(arguments, ", "), gives[name], verb.help)
  end
  lines[#lines + 1] = ""
end

local function kinds_text(reference)
  local members, lines = {}, {"---@meta", "", "---@class moongate.resource",
                              "---@field id string", "---@field name string",
                              "---@field etag? string", "---@field raw table", ""}
  for _, kind in ipairs(reference.kinds) do
    if kind.way then
      members[kind.parent] = members[kind.parent] or {}
      table.insert(members[kind.parent], ("---@field %s %s.collection %s"):format(
        kind.member, class_name(kind.name), kind.help))
    end
  end
  for _, kind in ipairs(reference.kinds) do
    local name = class_name(kind.name)
    write_class(lines, name .. " : moongate.resource", kind.fields, false, members[kind.name])
    write_class(lines, name .. ".fields", kind.fields, "writable", {
      "---@field wait? boolean false gives an operation at once",
      "---@field if_match? string the etag that it must still have"})
    write_collection(lines, kind)
  end
  return table.concat(lines, "\n")
end

-- The type that a doc comment gives, as the language server says it.
local function comment_type(text)
  local types = {}
  for name in text:gsub("^%?", ""):gmatch "[^|]+" do
    types[#types + 1] = PLAIN[name] and name or "any"
  end
  return table.concat(types, "|") .. (text:sub(1, 1) == "?" and "?" or "")
end

local function write_function(lines, fn)
  lines[#lines + 1] = "---" .. fn.help
  for _, param in ipairs(fn.params) do
    if not param.name:find(".", 1, true) then -- a member of an options table
      lines[#lines + 1] = ("---@param %s%s %s %s"):format(
        param.name, param.optional and "?" or "", comment_type(param.type), param.help)
    end
  end
  for _, value in ipairs(fn.returns) do
    lines[#lines + 1] = ("---@return %s # %s"):format(comment_type(value.type), value.help)
  end
  lines[#lines + 1] = ("function %s%s end\n"):format(
    fn.name, fn.arguments == "" and "(...)" or fn.arguments)
end

local function module_text(module)
  local lines = {"---@meta " .. module.name, "", "---" .. module.help,
                 ("---@class moongate.module.%s"):format(module.name),
                 ("local %s = {}\n"):format(module.name)}
  for _, fn in ipairs(module.functions) do
    if fn.name:sub(1, #module.name + 1) == module.name .. "." and fn.arguments ~= "" then
      write_function(lines, fn)
    elseif fn.name:sub(1, #module.name + 1) == module.name .. "." then
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
  local files = {{name = "moongate.lua", text = kinds_text(reference)}}
  for i, module in ipairs(reference.modules) do
    files[i + 1] = {name = module.name .. ".lua", text = module_text(module)}
  end
  return files
end

--- The text of a .luacheckrc for scripts. luacheck knows globals, not what `require` gives.
-- @treturn string
function doc_luacats.check()
  return table.concat({
    "-- made by `moongate doc --luacheck`", 'std = "lua54"', 'read_globals = {"arg", "help"}',
    "max_line_length = 100", 'not_globals = {"dofile", "loadfile"}', ""}, "\n")
end

return doc_luacats
