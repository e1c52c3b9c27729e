--- The folder of an exported estate: what its files are called and what is in them.
--
--     workspaces/payments/workspace.lua           return {display_name = "Payments"}
--     workspaces/payments/policy.xml
--     workspaces/payments/apis/invoices/api.lua, openapi.json, policy.xml
--     workspaces/payments/named_values/region.lua
--     workspaces/payments/access.lua              who has which role there
--     gateways/gw-payments/gateway.lua
--
-- A kind with kinds below it has a folder for each resource, any other one a file. Files are
-- Lua tables; policies are XML, APIs of their own document. In texts `${service}`,
-- `${resource_group}` and `${subscription}` stand for the ids of the place.
-- @module estate
local check = require "core.check"
local model = require "core.model"

local estate = {}

--- The number of the format, in `estate.lua`.
estate.FORMAT = 1

-- Kinds that are not part of an estate: what the service makes itself, and lists.
local LEFT_OUT = {["api release"] = true, ["api revision"] = true, ["notification user"] = true}

local kinds, children = {}, {}

local function load_kinds()
  for _, kind in ipairs(model.kinds()) do
    kinds[kind.name] = kind
    children[kind.name] = children[kind.name] or {}
    if kind.parent and kind.member and not LEFT_OUT[kind.name] and kind.operations.put then
      children[kind.parent] = children[kind.parent] or {}
      table.insert(children[kind.parent], kind.name)
    end
  end
end

--- The row of a kind.
-- @tparam string name
-- @treturn table
function estate.kind(name)
  if not next(kinds) then
    load_kinds()
  end
  return kinds[name]
end

--- The kinds that an estate has below a kind.
-- @tparam string name
-- @treturn table of names
function estate.children(name)
  if not next(kinds) then
    load_kinds()
  end
  return children[name]
end

-- ---- names of files ----

local RESERVED = {con = true, prn = true, aux = true, nul = true}

--- A resource's name as that of a file, on any system.
-- @tparam string name
-- @treturn string
function estate.escape(name)
  local file = name:gsub("[^%w_.=;@-]", function(c)
    return ("%%%02X"):format(c:byte())
  end):gsub("^[.]", "%%2E"):gsub("[.]$", "%%2E")
  local stem = file:lower():match "^[^.]*"
  if RESERVED[stem] or stem:find "^com%d$" or stem:find "^lpt%d$" then
    file = ("%%%02X"):format(file:byte()) .. file:sub(2)
  end
  return file
end

--- The name that a file's name stands for.
-- @tparam string file
-- @treturn string
function estate.unescape(file)
  return (file:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- Whether resources of a kind have folders of their own.
-- @tparam string kind
-- @treturn boolean
function estate.has_folder(kind)
  return #estate.children(kind) > 0
end

local function file_of(kind)
  return (kind:gsub(" ", "_")) .. ".lua"
end

--- Where a resource stands, in the folder of its parent.
-- @tparam string kind
-- @tparam string name
-- @treturn string the path of its file
-- @treturn string the folder of what is below it, with a slash at its end, or nil
function estate.place(kind, name)
  local row = estate.kind(kind)
  if row.only_name then
    return row.member .. ".xml"
  end
  local path = row.member .. "/" .. estate.escape(name)
  if estate.has_folder(kind) then
    return path .. "/" .. file_of(kind), path .. "/"
  end
  return path .. ".lua"
end

-- ---- tables as text ----

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or
               repeat return then true until while]]):gmatch "%a+" do
  KEYWORDS[word] = true
end

local function quote(text)
  if text:find "\n." and not text:find "[\0-\8\11-\31\127]" and not text:find "%]%]" then
    return "[[\n" .. text .. "]]"
  end
  return (("%q"):format(text):gsub("\\\n", "\\n"):gsub("\r", "\\r"):gsub("\0", "\\0"))
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function print_value(value, indent)
  if type(value) == "string" then
    return quote(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local inner, parts = indent .. "  ", {}
  for _, element in ipairs(value) do
    parts[#parts + 1] = inner .. print_value(element, inner)
  end
  for _, key in ipairs(sorted_keys(value)) do
    if type(key) == "string" then
      local name = key:find "^[%a_][%w_]*$" and not KEYWORDS[key] and key
        or "[" .. quote(key) .. "]"
      parts[#parts + 1] = inner .. name .. " = " .. print_value(value[key], inner)
    end
  end
  if #parts == 0 then
    return "{}"
  end
  return "{\n" .. table.concat(parts, ",\n") .. ",\n" .. indent .. "}"
end

--- A table as the text of a file: the same table gives the same text.
-- @tparam table value of texts, numbers, booleans and tables
-- @treturn string
function estate.print(value)
  return "return " .. print_value(value, "") .. "\n"
end

--- The table that a file's text is; it is data, and can do nothing.
-- @tparam string text
-- @tparam string path for messages
-- @treturn table or nil and what is wrong
function estate.read(text, path)
  local chunk, wrong = load(text, "@" .. path, "t", {})
  if not chunk then
    return nil, wrong
  end
  local ok, value = pcall(chunk)
  if not ok then
    return nil, tostring(value)
  elseif type(value) ~= "table" then
    return nil, path .. ": it returns no table"
  end
  return value
end

-- ---- ids ----

--- Write `${service}` and the like for the ids of a place in all texts of a value.
-- @param value a text or a table, which is copied
-- @tparam table place `service`, `resource_group`, `subscription`: ids
-- @return the value
function estate.relative(value, place)
  if type(value) == "table" then
    local copy = {}
    for key, inner in pairs(value) do
      copy[key] = estate.relative(inner, place)
    end
    return copy
  elseif type(value) ~= "string" then
    return value
  end
  for _, name in ipairs {"service", "resource_group", "subscription"} do
    local id = place[name]
    if #value >= #id and value:sub(1, #id):lower() == id:lower()
      and (#value == #id or value:sub(#id + 1, #id + 1) == "/") then
      return ("${%s}"):format(name) .. value:sub(#id + 1)
    end
  end
  return value
end

--- Put values for `${name}` into all texts of a value.
-- @param value a text or a table, which is copied
-- @tparam table variables by name
-- @tparam function complain called with the name of one that is not there
-- @return the value
function estate.absolute(value, variables, complain)
  if type(value) == "table" then
    local copy = {}
    for key, inner in pairs(value) do
      copy[key] = estate.absolute(inner, variables, complain)
    end
    return copy
  elseif type(value) ~= "string" then
    return value
  end
  return (value:gsub("%${([%w_]+)}", function(name)
    if variables[name] == nil then
      complain(name)
    end
    return variables[name]
  end))
end

--- The name under which a secret is asked for.
-- @tparam string path of the file, without its ending
-- @tparam string property
-- @treturn string such as `PAYMENTS_NAMED_VALUES_ERP_KEY_VALUE`
function estate.secret_name(path, property)
  return ((path:gsub("^workspaces/", "") .. "_" .. property):gsub("%W+", "_"):upper())
end

--- Whether a value stands for a secret.
-- @param value
-- @treturn boolean
function estate.is_secret(value)
  return type(value) == "table" and type(value.secret) == "string"
    and next(value, next(value)) == nil
end

--- Raise all mistakes at once.
-- @tparam table mistakes texts
-- @tparam string folder
function estate.refuse(mistakes, folder)
  if #mistakes > 0 then
    table.sort(mistakes)
    error(check.failure {
      code = "InvalidEstate", retryable = false, target = folder,
      message = ("%d mistake%s, nothing was written:\n  %s"):format(
        #mistakes, #mistakes == 1 and "" or "s", table.concat(mistakes, "\n  ")),
    }, 0)
  end
end

return estate
