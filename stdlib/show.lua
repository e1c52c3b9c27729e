--- How values are shown to people: resources as cards, lists of them as aligned tables.
--
--     print(show.text(ws.apis:list()))
--
-- Showing reads what is there already: it sends no request and never waits. Nothing in the
-- texts moves a cursor or turns the direction of writing: control characters are escaped.
-- Secrets of resources are "(secret)".
-- @module show
local card = require "show_card"
local check = require "core.check"
local inspect = require "core.inspect"
local json = require "json"
local library = require "library"
local list = require "show_list"
local terminal = require "core.terminal"
local value = require "show_value"

local show = {}

local INDENT = "  "
local LEAST_COLUMNS = 20
local MOST_ROWS = 100
local OPTIONS = {columns = "number", most_rows = "number", is_expanded = "boolean",
                 has_color = "boolean", env = "table"}

local function check_options(options, name)
  if options ~= nil and type(options) ~= "table" then
    check.fail(("%s: a table of options expected, got %s"):format(name, type(options)))
  end
  for key, given in pairs(options or {}) do
    if not OPTIONS[key] then
      check.fail(("%s: unknown option '%s'; there are columns, env, has_color, is_expanded and "
                  .. "most_rows"):format(name, tostring(key)))
    elseif type(given) ~= OPTIONS[key] then
      check.fail(("%s: %s: a %s expected, got %s"):format(name, key, OPTIONS[key], type(given)))
    end
  end
  return options or {}
end

-- What the parts of this module take: the options, and what follows from the terminal.
local function make_view(options, name)
  options = check_options(options, name)
  local columns, rows = terminal.size()
  local has_color = options.has_color
  if has_color == nil then
    has_color = terminal.is_terminal() and terminal.wants_color()
  end
  return {
    columns = math.max(LEAST_COLUMNS, (options.columns or columns) // 1), rows = rows,
    most_rows = math.max(1, (options.most_rows or MOST_ROWS) // 1), has_color = has_color,
    is_expanded = options.is_expanded or false, env = options.env,
  }
end

-- ---- strings at the top ----

-- A text of several lines, such as a policy, as lines; any other as Lua would write it.
local function string_lines(view, text)
  if not text:find "\n" then
    return {value.quoted(text, 8 * view.columns)}
  end
  local lines = value.text_lines(view, text, math.max(view.rows - 4, 20), view.columns - 2)
  for i, line in ipairs(lines) do
    lines[i] = "  " .. line
  end
  return lines
end

local function function_lines(view, wanted)
  local text = value.scalar(view, wanted, view.columns)
  local name = value.function_name(view, wanted)
  if name then
    local says = name:find "%." and ": see help(%s)" or ": %s() calls it"
    text = text .. value.paint(view, "dim", says:format(terminal.visible(name)))
  end
  return {text}
end

-- A module by its name and what it holds, each name told of by help.
local function module_lines(view, name, module)
  local names = {}
  for key in next, module do
    names[#names + 1] = type(key) == "string" and value.plain(key, view.columns) or nil
  end
  table.sort(names)
  local lines = card.wrap({INDENT .. table.concat(names, ", ")}, view.columns, "")
  table.insert(lines, 1, value.paint(view, "heading", "module " .. name)
               .. value.paint(view, "dim", (": see help(%s)"):format(name)))
  return lines
end

local function table_lines(view, object)
  local module = value.module_name(view, object)
  if module and library.is_public(module) then
    return module_lines(view, module, object)
  end
  if check.is_failure(object) then
    return card.failure(view, object)
  elseif inspect.has(object, "__tostring") then
    return card.object(view, object)
  elseif next(object) == nil and not inspect.has(object, "__pairs") then
    return {"{}" .. value.paint(view, "dim", " (empty)")}
  end
  return list.lines(view, object) or value.lines(view, object)
end

local function userdata_lines(view, object)
  if rawequal(object, json.null) then
    return value.lines(view, object)
  elseif not value.is_resource(object) then
    return card.object(view, object)
  elseif view.is_expanded then
    return card.resource_block(view, object, 1)
  end
  return card.resource(view, object)
end

local LINES = {string = string_lines, ["function"] = function_lines, table = table_lines,
               userdata = userdata_lines}

local function text_of(view, object)
  local lines = LINES[type(object)] or value.lines
  return table.concat(lines(view, object), "\n")
end

--- A value as text: what the prompt shows.
-- @param object any value; nil gives an empty text
-- @tparam[opt] table options
-- @tparam[opt] number options.columns how wide the text may be; by default as the terminal,
--   20 at least
-- @tparam[opt=100] number options.most_rows how many of a list are shown; the others are counted
-- @tparam[opt=false] boolean options.is_expanded one block for each resource, with all fields
-- @tparam[opt] boolean options.has_color by default on a terminal, unless `NO_COLOR` is set
-- @tparam[opt] table options.env where functions of one's own have their names
-- @treturn string lines without a line end at the end
-- @raise a message if an option is unknown or of a wrong type
-- @usage print(show.text(gateways.list(), {columns = 120}))
function show.text(object, options)
  local view = make_view(options, "show.text")
  return object == nil and "" or text_of(view, object)
end

--- Several values as text, below each other.
-- @tparam table values as `table.pack` gives them
-- @tparam[opt] table options as for `show.text`
-- @treturn string one nil alone, and no value at all, give an empty text; among several a nil
--   is "nil"
-- @raise a message if there is no such table, or an option is unknown or of a wrong type
-- @usage print(show.values(table.pack(ws.apis:ensure("invoices", {path = "invoices"}))))
function show.values(values, options)
  if type(values) ~= "table" then
    check.fail("show.values: what table.pack gives expected, got " .. type(values))
  end
  local view = make_view(options, "show.values")
  local count = values.n or #values
  if count <= 1 then
    return values[1] == nil and "" or text_of(view, values[1])
  end
  local texts = {}
  for i = 1, count do
    texts[i] = text_of(view, values[i])
  end
  return table.concat(texts, "\n")
end

return show
