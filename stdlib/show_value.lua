--- How plain values of Lua are shown: scalars, and tables within tables. Scripts use `show`.
--
-- All functions take the view that show.lua makes of its options: `columns`, `rows`,
-- `has_color`, `is_expanded`, `most_rows`, `env`. Texts that come back hold no control
-- characters but the colours and line ends that are ours.
-- @module show_value
local check = require "core.check"
local inspect = require "core.inspect"
local json = require "json"
local terminal = require "core.terminal"

local value = {}

local DEPTH = 3 -- tables within tables
local MOST_INNER = 20 -- members of a table within a table
local MOST_LINES = 1000
local MOST_KEYS = 5000 -- are sorted; what is beyond is counted
local MOST_BYTES = 20000 -- of what a __tostring gives
local MOST_ID = 2000 -- bytes of what is taken for one
local LEAST_ROOM = 16

local STYLES = {heading = "1", key = "36", dim = "2", good = "32", busy = "35", bad = "31"}

--- Stands for what is not shown.
value.SECRET = setmetatable({}, {__tostring = function() return "(secret)" end})

--- Give text a colour, where the view has any.
function value.paint(view, style, text)
  if not view.has_color or not style or text == "" then
    return text
  end
  return ("\27[%sm%s\27[0m"):format(STYLES[style], text)
end

--- A count with commas: "4,900".
function value.count(number)
  local text = ("%d"):format(number):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local function plural(noun)
  if noun:find "[^aeiou]y$" then
    return noun:sub(1, -2) .. "ies"
  elseif noun:find "[sx]$" or noun:find "[sc]h$" then
    return noun .. "es"
  end
  return noun .. "s"
end

--- "1 policy", "1,200 policies".
function value.counted(number, noun)
  return ("%s %s"):format(value.count(number), number == 1 and noun or plural(noun))
end

-- ---- strings ----

-- The start of a text of at most so many bytes, whole characters where it is UTF-8.
local function head(text, most)
  if #text <= most then
    return text
  end
  local start = utf8.offset(text, 0, most + 1)
  return text:sub(1, start + 4 > most and start - 1 or most)
end

local function is_simple(text)
  return not text:find "[^ -~]"
end

--- The columns that a text takes which is fit to be shown.
function value.width(text)
  return is_simple(text) and #text or terminal.width(text)
end

--- A text in one line, without quotes, as far as it could be seen in so many columns; cut at its
-- end, or in the middle.
function value.plain(text, columns, in_the_middle)
  if #text <= columns and is_simple(text) then
    return text
  end
  local most = 8 * columns
  if in_the_middle and #text > 2 * most then
    text = head(text, most) .. text:sub(-most)
  elseif not in_the_middle then
    text = head(text, most)
  end
  return (in_the_middle and terminal.cut or terminal.start)(text, columns)
end

--- A string as Lua would write it, in one line; a long one is cut and says its length. Of an id
-- the end tells most.
function value.quoted(text, columns)
  if is_simple(text) and text:find "^/subscriptions/%S+$" and #text <= MOST_ID then
    return terminal.cut(terminal.quoted(text), columns)
  end
  local most = 4 * columns -- bytes: a character has so many
  local quoted = terminal.quoted(head(text, most))
  if text:find '"' and not text:find "['\\]" then
    quoted = "'" .. quoted:gsub('\\"', '"'):sub(2, -2) .. "'"
  end
  if #text <= most and value.width(quoted) <= columns then
    return quoted
  end
  local length = (" (%s)"):format(value.counted(#text, "byte"))
  return terminal.start(quoted, math.max(columns - #length, LEAST_ROOM)) .. length
end

--- Lines of a text, each made visible, and how many more there are.
function value.text_lines(view, text, most, columns)
  local lines, count = {}, 0
  text = text:gsub("\n$", "")
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    count = count + 1
    if count <= most then
      lines[count] = value.plain(line:gsub("\t", "    "), columns)
    end
  end
  if count > most then
    lines[most + 1] = value.paint(view, "dim", ("... and %s (%s in all)"):format(
      value.counted(count - most, "more line"), value.counted(#text, "byte")))
  end
  return lines
end

-- ---- functions and objects ----

local function name_functions(view)
  local names = {}
  local function add(prefix, functions)
    for name, member in next, functions do
      if type(member) == "function" and type(name) == "string" and not names[member]
        and not name:find "^_%d*$" then -- what the prompt calls results
        names[member] = prefix .. name
      end
    end
  end
  for name, module in next, package.loaded do
    if type(module) == "table" and name ~= "_G" and not name:find "^core%." then
      add(name .. ".", module)
    end
  end
  for name, holder in next, rawget(package.loaded, "networks") or {} do
    if type(holder) == "table" then -- the only module that holds the functions of several kinds
      add("networks." .. name .. ".", holder)
    end
  end
  add("", _G)
  add("", type(view.env) == "table" and view.env or {})
  return names
end

--- What a function is called, or nil.
function value.function_name(view, wanted)
  view.names = view.names or name_functions(view)
  return view.names[wanted]
end

local function name_modules()
  local names = {}
  for name, module in next, package.loaded do
    if type(module) == "table" and name ~= "_G" then
      names[module] = name
    end
  end
  return names
end

--- What a module is called, or nil.
function value.module_name(view, object)
  view.modules = view.modules or name_modules()
  return view.modules[object]
end

local function describe_function(view, wanted)
  local name = value.function_name(view, wanted)
  if name then
    return "function " .. terminal.visible(name)
  end
  local info = debug.getinfo(wanted, "S")
  if info.what == "C" then
    return "function (built in)"
  end
  return ("function (%s:%d)"):format(terminal.visible(info.short_src), info.linedefined)
end

--- What was raised, in a few words.
function value.reason(raised)
  if check.is_failure(raised) then
    return ("%s: %s"):format(tostring(rawget(raised, "code")), tostring(rawget(raised, "message")))
  end
  return type(raised) == "string" and raised or "an error object of type " .. type(raised)
end

--- What an object's own __tostring says, not yet made visible.
function value.own_text(object)
  local fine, text = inspect.call(tostring, object)
  if not fine then
    return ("%s whose __tostring raised: %s"):format(type(object), value.reason(text))
  end
  if type(object) == "userdata" then
    text = text:gsub(": 0x%x+$", "") -- an address tells nothing
  end
  return head(text, MOST_BYTES)
end

--- The last name of an id.
function value.last_name(id)
  return id:match "[^/]*$"
end

--- Whether it is a resource of a kind.
function value.is_resource(object)
  return type(object) == "userdata" and inspect.type_name(object) == "resource"
end

-- ---- anything in one line ----

local function describe_object(object)
  if value.is_resource(object) then
    return ("<%s %s>"):format(object.kind, value.last_name(object.id))
  elseif check.is_failure(object) then
    return ("<%s>"):format(value.reason(object))
  elseif rawequal(object, value.SECRET) then
    return tostring(object)
  end
  return ("<%s>"):format(value.own_text(object):match "^[^\n]*")
end

local function describe_number(number)
  return number ~= number and "nan" or tostring(number)
end

local function is_plain_table(object)
  return type(object) == "table" and not inspect.has(object, "__tostring")
    and not check.is_failure(object)
end

--- Anything but a plain table in one line of at most so many columns.
function value.scalar(view, object, columns)
  local kind = type(object)
  if kind == "string" then
    return value.quoted(object, columns)
  elseif kind == "number" then
    return describe_number(object)
  elseif kind == "nil" or kind == "boolean" then
    return tostring(object)
  elseif object == json.null then
    return "json.null"
  elseif kind == "function" then
    return value.plain(describe_function(view, object), columns)
  elseif kind == "thread" then
    return ("coroutine (%s)"):format(coroutine.status(object))
  end
  return value.plain(describe_object(object), columns)
end

-- ---- members of tables ----

-- Numbers first, then strings, then whatever else there is.
local function sort_keys(keys)
  local numbers, strings, others = {}, {}, {}
  for _, key in ipairs(keys) do
    local list = type(key) == "number" and numbers or type(key) == "string" and strings or others
    list[#list + 1] = key
  end
  table.sort(numbers)
  table.sort(strings)
  table.move(strings, 1, #strings, #numbers + 1, numbers)
  return table.move(others, 1, #others, #numbers + 1, numbers)
end

-- Adds a member; false when no more of them are looked at.
local function add_member(found, key, member)
  found.keys[#found.keys + 1] = key
  found.values[key] = member
  return #found.keys < MOST_KEYS
end

-- What the table has besides its list.
local function read_keys(found, object)
  for key, member in next, object do
    local is_listed = math.type(key) == "integer" and key >= 1 and key <= found.length
    if not is_listed and not add_member(found, key, member) then
      return
    end
  end
end

-- What the object's own __pairs gives, as far as it is looked at.
local function read_pairs(found, object)
  local fine, raised = inspect.call(function()
    for key, member in pairs(object) do
      if not add_member(found, key, member) then
        found.is_open = true
        return
      end
    end
  end)
  found.total = #found.keys
  if not fine then
    found.reason = "its __pairs raised: " .. value.reason(raised)
  end
end

--- The members of a table: `length` of its list, the other `keys` sorted (numbers, then strings)
-- with their `values`, how many there are in `total`; `is_open`: even more; `reason`: why there
-- may be more.
function value.members(object)
  local found = {length = 0, keys = {}, values = {}, total = 0}
  if inspect.has(object, "__pairs") then
    read_pairs(found, object)
  else
    local count, listed = inspect.count(object)
    found.length = rawlen(object)
    found.total = found.length + count - listed -- a list may have holes
    if count > listed then
      read_keys(found, object)
    end
  end
  found.keys = sort_keys(found.keys)
  return found
end

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
               return then true until while]]):gmatch "%a+" do
  KEYWORDS[word] = true
end

local function describe_key(view, key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" and not KEYWORDS[key] and #key < 80 then
    return key
  elseif is_plain_table(key) then
    return "[table]"
  end
  return ("[%s]"):format(value.scalar(view, key, math.max(view.columns - LEAST_ROOM, LEAST_ROOM)))
end

-- Goes through the first members: each(key or nil, member); nil stands for one of the list.
local function each_member(object, found, most, each)
  for i = 1, math.min(found.length, most) do
    each(nil, rawget(object, i))
  end
  for i = 1, math.min(#found.keys, most - found.length) do
    each(found.keys[i], found.values[found.keys[i]])
  end
end

local FIRST = {"name", "team", "display_name", "title", "key", "code", "kind", "type", "status",
               "state", "upn"}
local RANK = {id = 1000, mail = 900, mail_nickname = 900}
for i, key in ipairs(FIRST) do
  RANK[key] = i
end

--- Whether a key of an object comes before another where people read them: what it is called
-- first, ids last.
function value.is_before(a, b)
  local rank_a, rank_b = RANK[a] or 100, RANK[b] or 100
  if rank_a ~= rank_b then
    return rank_a < rank_b
  end
  return a < b
end

-- ---- tables within tables ----

local function most_at(view, depth)
  return depth == DEPTH and view.most_rows or math.min(view.most_rows, MOST_INNER)
end

local inline

local function inline_members(view, object, room, depth, way)
  local most = math.min(room, most_at(view, depth))
  if inspect.count(object) > most then
    return nil
  end
  local found = value.members(object)
  if found.total == 0 and not found.reason then
    return "{}"
  elseif found.reason or found.total > most then
    return nil
  end
  local parts, left = {}, room - 4
  way[object] = true
  each_member(object, found, found.total, function(key, member)
    if left < 0 then
      return
    end
    local part = inline(view, member, left, depth - 1, way)
    part = part and (key ~= nil and describe_key(view, key) .. " = " or "") .. part
    left = part and left - value.width(part) - (#parts > 0 and 2 or 0) or -1
    parts[#parts + 1] = part
  end)
  way[object] = nil
  return left >= 0 and ("{ %s }"):format(table.concat(parts, ", ")) or nil
end

-- In one line, or nil when it takes more than `room`.
function inline(view, object, room, depth, way)
  if not is_plain_table(object) then
    local text = value.scalar(view, object, math.max(view.columns, 40))
    return value.width(text) <= room and text or nil
  elseif way[object] then
    return "<cycle>"
  elseif depth < DEPTH and value.module_name(view, object) then
    return ("<module %s>"):format(value.plain(value.module_name(view, object), 40))
  elseif depth == 0 and next(object) ~= nil then
    return "{ ... }"
  end
  return inline_members(view, object, room, depth, way)
end

--- Anything in one line of at most so many columns. A table that takes more is counted; nil when
-- it must be whole.
function value.inline(view, object, columns, must_be_whole)
  if not is_plain_table(object) then
    return value.scalar(view, object, columns)
  end
  local text = inline(view, object, columns, DEPTH, {})
  if text or must_be_whole then
    return text
  end
  return ("{ %s }"):format(value.counted(value.members(object).total, "member"))
end

-- What stands at the end of a table that is not shown whole.
local function say_rest(view, found, most)
  if found.reason then
    return value.plain(found.reason, 4 * view.columns)
  elseif found.is_open then
    return "... and more"
  elseif found.total > most then
    return ("... and %s more"):format(value.count(found.total - most))
  end
end

local block

local IS_SHORT = {number = true, boolean = true, string = true}

-- The members of a list of short values, several a row; nil when it is something else.
local function packed_members(view, object, found, most, indent)
  if #found.keys > 0 or found.length == 0 then
    return nil
  end
  local rows, row, columns = {}, indent, view.columns
  for i = 1, math.min(found.length, most) do
    local member = rawget(object, i)
    local text = IS_SHORT[type(member)] and value.scalar(view, member, columns) .. ","
    if not text or value.width(text) > columns // 3 then
      return nil
    elseif row ~= indent and value.width(row) + 1 + value.width(text) > columns then
      rows[#rows + 1] = row
      row = indent .. text
    else
      row = row .. (row == indent and "" or " ") .. text
    end
  end
  rows[#rows + 1] = row
  return rows
end

local function block_members(view, lines, object, indent, depth, way)
  local found, most = value.members(object), most_at(view, depth)
  local packed = packed_members(view, object, found, most, indent .. "  ")
  if packed then
    table.move(packed, 1, math.min(#packed, MOST_LINES - #lines), #lines + 1, lines)
  end
  way[object] = true
  each_member(object, found, packed and 0 or most, function(key, member)
    block(view, lines, member, {indent = indent .. "  ", depth = depth - 1, way = way,
                                key = key ~= nil and describe_key(view, key) or nil, stop = ","})
  end)
  way[object] = nil
  local rest = say_rest(view, found, most)
  if rest and #lines <= MOST_LINES then
    lines[#lines + 1] = indent .. "  " .. value.paint(view, "dim", rest)
  end
end

-- Adds the lines of an object at a place: {indent=, key=, stop=, depth=, way=}.
function block(view, lines, object, place)
  if #lines >= MOST_LINES then
    if #lines == MOST_LINES then
      lines[#lines + 1] = value.paint(view, "dim", "... and more")
    end
    return
  end
  local key = place.key and place.key .. " = " or ""
  local front = place.indent .. (place.key and value.paint(view, "key", place.key) .. " = " or "")
  local room = math.max(view.columns - #place.indent - value.width(key) - #place.stop,
                        LEAST_ROOM)
  local text
  if not is_plain_table(object) then
    text = value.scalar(view, object, room)
  elseif not place.is_block then
    text = inline(view, object, room, place.depth, place.way)
  end
  if text then
    lines[#lines + 1] = front .. text .. place.stop
    return
  end
  lines[#lines + 1] = front .. "{"
  block_members(view, lines, object, place.indent, place.depth, place.way)
  lines[#lines + 1] = place.indent .. "}" .. place.stop
end

--- A value as lines: one where it fits, else its members below each other.
function value.lines(view, object)
  local lines = {}
  block(view, lines, object, {indent = "", stop = "", depth = DEPTH, way = {}})
  return lines
end

--- A table's members below each other, indented but for the first line.
function value.block(view, object, indent)
  local lines = {}
  block(view, lines, object, {indent = indent, stop = "", depth = DEPTH, way = {},
                              is_block = true})
  lines[1] = lines[1]:sub(#indent + 1)
  return lines
end

return value
