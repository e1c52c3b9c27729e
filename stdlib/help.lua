--- Help at the prompt: of values, by names, from the reference.
-- @module help
local collection = require "collection"
local completion_types = require "completion_types"
local core = require "core.resources"
local doc = require "doc"
local doc_text = require "doc_text"
local help_source = require "help_source"
local lexer = require "lexer"
local lua_manual = require "lua_manual"
local reference = require "reference"
local terminal = require "core.terminal"

local help = {}

local ASK = 'help "%s"' -- how one asks for more
local MANUAL = "the manual has all of it: https://www.lua.org/manual/5.4/#"
local MORE = [[help(gateways), help(gateways.create) or gateways.create? tell of a module or a
  function, help "gateway" of a kind, help "gateway.units" of a property, help(x) of what x holds;
  gateways.create?? shows the source, \? the commands of the prompt.]]
local LEFT = 16 -- columns of a short name
local LONGEST_NAME = 64 -- that can be meant for another, and is shown whole

local whole -- what doc.gather gives, once somebody has asked

local function columns()
  return (terminal.size())
end

local function by_name(name)
  whole = whole or doc.gather()
  return doc_text.text(whole, name, columns(), ASK)
end

-- ---- functions ----

local function holder_of(kind)
  local holder = rawget(package.loaded, kind.prefix:match "^[%w_]+")
  local member = kind.prefix:match "^[%w_]+%.([%w_]+)%.$"
  return member and type(holder) == "table" and rawget(holder, member) or holder
end

local function key_of(functions, value)
  for name, member in next, type(functions) == "table" and functions or {} do
    if rawequal(member, value) and type(name) == "string" and not name:find "^view:" then
      return name
    end
  end
end

-- What the reference says of a verb or a method, by its value.
local function entry_in_kind(kind, value)
  if kind.prefix and kind.prefix:find "%.$" then
    local verb = key_of(holder_of(kind), value)
    if verb then
      return reference.verb(kind, verb)
    end
  end
  local verb = key_of(collection.nested_verbs(kind.name), value)
  if verb then
    return reference.verb(kind, verb)
  end
  local method = key_of(core.methods(kind.name), value)
  return method and reference.method(kind, method)
end

local function entry_of(value)
  local name = completion_types.name_of(value)
  local entry = lua_manual.find(value) or name and reference.member(name)
  if entry then
    return entry
  end
  for _, kind in ipairs(reference.kinds()) do
    entry = entry_in_kind(kind, value)
    if entry then
      return entry
    end
  end
end

local function manual_text(entry)
  local text = doc_text.function_text({
    name = entry.name, arguments = entry.arguments, text = entry.text, params = {}, returns = {},
    raises = {}, examples = {},
  }, columns())
  return text .. "\n  of Lua; " .. MANUAL .. "pdf-" .. entry.name
end

local function of_entry(entry)
  if lua_manual.find(entry.name) == entry then
    return manual_text(entry)
  end
  return by_name(entry.name) or doc_text.function_text(entry, columns())
end

local function of_function(value, name, find_line)
  local entry = entry_of(value)
  if entry then
    return of_entry(entry)
  end
  local called = name and name ~= "" and name or "function"
  return ("%s%s\n  a function that the reference does not tell of; it is defined in %s"):format(
    called, help_source.parameters(value, find_line), help_source.place(value))
end

-- ---- objects ----

local function rows_of(own, separator)
  local rows, has = {}, {}
  completion_types.each_member(own, separator, function(name, text)
    if not has[name] then
      has[name] = true
      rows[#rows + 1] = {separator .. name, text or ""}
    end
  end)
  table.sort(rows, function(a, b) return a[1] < b[1] end)
  return doc_text.rows(rows, LEFT, columns())
end

local of_type = {}

function of_type.resource(own)
  local name = own.id and own.id:match "[^/]+$"
  return ("a %s%s\n\nmethods\n%s\n\n%s"):format(
    own.kind.name, name and (", '%s'"):format(name) or "", rows_of(own, ":"),
    by_name(own.kind.name))
end

function of_type.collection(own)
  return ("%s\n\nverbs\n%s\n\nproperties: %s"):format(
    own.title or own.kind.member, rows_of(own, ":"), ASK:format(own.kind.name))
end

function of_type.verbs(own)
  return by_name(own.kind.name)
end

function of_type.module(own)
  return by_name(own.name)
end

function of_type.class(own)
  return ("%s\n\nmethods\n%s"):format(own.class, rows_of(own, ":"))
end

-- ---- other values ----

local function count_members(value)
  local count = 0
  for _ in next, value do
    count = count + 1
  end
  return count
end

local function of_plain(value)
  local kind = type(value)
  if kind == "table" then
    local count, members = count_members(value), rows_of({is = "value", value = value}, ".")
    return ("a table with %d member%s%s%s"):format(count, count == 1 and "" or "s",
                                                   members ~= "" and "\n" or "", members)
  elseif kind == "string" then
    return ("a string of %d bytes; its methods are those of `string`"):format(#value)
  elseif kind == "number" then
    return "a number, " .. (math.type(value) == "integer" and "an integer" or "a float")
  end
  return kind == "userdata" and "an object without help" or "a " .. kind
end

local function of_value(value, name, find_line)
  if type(value) == "function" then
    return of_function(value, name, find_line)
  end
  local own = completion_types.of_value(value)
  if own and of_type[own.is] then
    own.title = own.is == "collection" and tostring(value) or nil
    return of_type[own.is](own) or of_plain(value)
  end
  return of_plain(value)
end

-- ---- names ----

local function of_command(name)
  local commands = require "prompt_commands"
  local command = commands[name:sub(2)]
  return type(command) == "table" and command.usage and commands.explanation(command) or nil
end

local function library_of(value)
  for name, library in next, _G do
    if rawequal(library, value) and name ~= "_G" then
      return name
    end
  end
end

-- A library of Lua's own.
local function of_library(name)
  local functions = {}
  for key, value in next, type(rawget(_G, name)) == "table" and rawget(_G, name) or {} do
    local entry = type(value) == "function" and lua_manual.find(value)
    functions[#functions + 1] = entry and {name .. "." .. key .. entry.arguments, entry.help} or nil
  end
  table.sort(functions, function(a, b) return a[1] < b[1] end)
  if #functions > 0 then
    return ("%s: a library of Lua; %s%s\n%s"):format(
      name, MANUAL, "6", doc_text.rows(functions, 36, columns()))
  end
end

local function of_keyword(name)
  for _, word in ipairs(lexer.KEYWORDS) do
    if word == name then
      return ("%s: a word of Lua's grammar; %s3"):format(name, MANUAL)
    end
  end
end

local function of_name(name)
  if name:sub(1, 1) == "\\" then
    return of_command(name)
  end
  local entry = lua_manual.find(name)
  return entry and manual_text(entry) or by_name(name) or of_library(name) or of_keyword(name)
end

local function refuse(name)
  whole = whole or doc.gather()
  local near = #name <= LONGEST_NAME and doc_text.nearest(whole, name)
  return ("there is no help on '%s'%s"):format(
    terminal.start(name, LONGEST_NAME), near and ("; did you mean '%s'?"):format(near) or "")
end

--- Help on a value or a name, as text.
-- @param value what it is about; a string is a name, such as `gateway`, `gateways.create`,
--   `gateway.units`, `\watch` or `string.format`
-- @tparam[opt] string name how the value was written; it is taken where there is no value, and an
--   empty one asks what there is
-- @tparam[opt] function find_line gives the text of a chunk by its name, as for `help.source`
-- @treturn string what there is to say, also when that is nothing
function help.text(value, name, find_line)
  if type(value) == "string" and not name then
    return of_name(value) or refuse(value)
  elseif value == nil and name and name ~= "" then
    return of_name(name) or refuse(name)
  elseif value == nil then
    return name and help.overview() or "nil: nothing"
  end
  local library = type(value) == "table" and library_of(value)
  return library and of_library(library) or of_value(value, name, find_line)
end

--- What there is, for who asks for nothing in particular.
-- @treturn string
function help.overview()
  whole = whole or doc.gather()
  local modules, kinds = {}, {}
  for i, module in ipairs(whole.modules) do
    local text = module.help or ""
    modules[i] = {module.name, text:match "^(.-%.)%s" or text}
  end
  for i, kind in ipairs(whole.kinds) do
    kinds[i] = kind.name
  end
  return table.concat({
    "modules, there without require", doc_text.rows(modules, LEFT, columns()), "",
    "kinds of resources",
    doc_text.paragraph(table.concat(kinds, ", "), "  ", columns()), "",
    doc_text.paragraph(MORE, "", columns()),
  }, "\n")
end

--- The source of a function or a module.
-- @param value
-- @tparam[opt] function find_line gives the text of a chunk by its name, such as `line 3`: of what
--   was typed; or nil
-- @treturn[1] string where it is, and its lines
-- @treturn[2] nil
-- @treturn[2] string why there is none, and what the reference says instead
function help.source(value, find_line)
  if type(value) == "function" then
    local text, reason = help_source.of_function(value, find_line)
    if text then
      return text
    end
    return nil, reason .. "\n" .. of_function(value, nil, find_line)
  end
  local own = completion_types.of_value(value)
  if own and own.is == "module" then
    return help_source.of_module(own.name)
  end
  return nil, value == nil and "nil has no source"
    or ("a %s has no source: functions and modules have"):format(
      own and own.kind and own.kind.name or type(value))
end

return help
