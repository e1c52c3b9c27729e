--- How lists of things that are alike are shown: as an aligned table. Scripts use `show`.
--
-- Which columns there are, how wide they are, and what is said below goes by the rows that are
-- shown; of those beyond only the number counts.
-- @module show_list
local card = require "show_card"
local check = require "core.check"
local inspect = require "core.inspect"
local terminal = require "core.terminal"
local value = require "show_value"

local list = {}

local GAP = "  "
local LEAST_WIDTH, MOST_LEAST = 10, 24 -- to which columns shrink before others are left out
local SHARE = 0.3 -- of the row, within these two
local LEAST_TITLE = 14
local GUID_START = 9 -- columns of a GUID that still tell it from others
local MOST_CELL = 200 -- columns that a cell asks for
local MOST_FOUND = 6 -- columns of a kind whose row in the model names none
local GUID_LENGTH = 36 -- a name that is a GUID comes last
local GUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+$"
local MOST_KEYS = 30 -- more tell records from other tables

-- ---- what is in the rows ----

local function is_scalar(field)
  return field.type ~= "object" and field.type ~= "list" and field.type ~= "map"
    and field.type ~= "any"
end

local function field_column(field)
  return {title = field.name, field = field, read = function(resource)
    return card.read(resource, field)
  end}
end

local function is_set(rows, column)
  for _, row in ipairs(rows) do
    local held = column.read(row)
    if held ~= nil and held ~= "" then
      return true
    end
  end
  return false
end

-- Whether it says the name of each row once more.
local function is_name_again(rows, column)
  for _, row in ipairs(rows) do
    if column.read(row) ~= value.last_name(row.id) then
      return false
    end
  end
  return column.title == "display_name"
end

-- The columns that the kind's row in the model names, those that tell nothing left out.
local function named_columns(kind, rows)
  local columns = {}
  for name in kind.columns:gmatch "%S+" do
    local column = field_column(kind.field_of[name])
    if is_set(rows, column) and not is_name_again(rows, column) then
      columns[#columns + 1] = column
    end
  end
  return columns
end

-- The first fields that have a value.
local function first_columns(kind, rows)
  local columns = {}
  for _, field in ipairs(kind.fields) do
    local column = field_column(field)
    if #columns < MOST_FOUND and is_scalar(field) and not field.secret and is_set(rows, column) then
      columns[#columns + 1] = column
    end
  end
  return columns
end

local function name_column(is_name)
  return {title = "name", is_name = is_name, field = {name = "name"}, read = function(resource)
    return value.last_name(resource.id)
  end}
end

-- A column of what every resource has.
local function member_column(name, field)
  return {title = name, field = field or {name = name}, read = function(resource)
    return resource[name]
  end}
end

local function describe_kind(kind, rows)
  local columns = (kind.columns and named_columns or first_columns)(kind, rows)
  local is_guid = kind.name_min == GUID_LENGTH and kind.name_max == GUID_LENGTH
  table.insert(columns, is_guid and #columns + 1 or 1, name_column(not is_guid))
  return {noun = kind.name, columns = columns}
end

local function describe_resources(rows)
  local is_of_one = true
  for _, row in ipairs(rows) do
    if not value.is_resource(row) then
      return nil
    end
    is_of_one = is_of_one and row.kind == rows[1].kind
  end
  if is_of_one then
    return describe_kind(card.kind(rows[1].kind), rows)
  end
  return {noun = "resource", columns = {member_column "kind", name_column(true),
                                        member_column("id", card.ID)}}
end

local function key_column(key, is_name)
  return {title = key, is_name = is_name, field = {name = key}, read = function(row)
    return rawget(row, key)
  end}
end

local function describe_failures(rows)
  for _, row in ipairs(rows) do
    if not check.is_failure(row) then
      return nil
    end
  end
  return {noun = "failure", columns = {key_column("code", true), key_column "status",
                                       key_column "target", key_column "message"}}
end

-- ---- tables as rows ----

-- A table that has no form of its own, or an object of a named type.
local function may_be_record(row)
  return type(row) == "table" and next(row) ~= nil and not inspect.has(row, "__pairs")
    and (not inspect.has(row, "__tostring") or inspect.type_name(row) ~= nil)
end

-- Counts the keys of a row; false when it is no record.
local function count_keys(row, keys)
  if not may_be_record(row) then
    return false
  end
  for key, member in next, row do
    if type(key) ~= "string" or type(member) == "function" then
      return false
    elseif not keys[key] then
      keys[key] = 0
      keys[#keys + 1] = key
      if #keys > MOST_KEYS then
        return false
      end
    end
    keys[key] = keys[key] + 1
  end
  return true
end

--- The keys of records in the order of columns, or nil when the tables are not alike.
function list.record_keys(rows)
  local keys, total = {}, 0
  for _, row in ipairs(rows) do
    if not count_keys(row, keys) then
      return nil
    end
  end
  for _, key in ipairs(keys) do
    total = total + keys[key]
  end
  if 2 * total < #keys * #rows then
    return nil
  end
  table.sort(keys, value.is_before)
  return keys
end

-- Tables in cells are mostly counted: they come last.
local function holds_tables(rows, key)
  for _, row in ipairs(rows) do
    if type(rawget(row, key)) == "table" then
      return true
    end
  end
  return false
end

local function describe_records(rows)
  local keys = list.record_keys(rows)
  if not keys then
    return nil
  end
  local columns, nested = {}, {}
  for i, key in ipairs(keys) do
    table.insert(holds_tables(rows, key) and nested or columns,
                 key_column(key, key == "name" or i == 1))
  end
  table.move(nested, 1, #nested, #columns + 1, columns)
  local noun = inspect.type_name(rows[1])
  return {noun = noun and noun:find "^[%a ]+$" and noun or "row", columns = columns, keys = keys}
end

-- ---- cells ----

-- Fills the column's cells and finds how wide they are.
local function read_cells(view, column, rows)
  column.cells, column.is_number, column.is_guid = {}, true, true
  column.title_width = value.width(value.plain(column.title, MOST_CELL))
  column.width = column.title_width
  for i, row in ipairs(rows) do
    local held = column.read(row)
    local text, in_the_middle = card.field_text(column.field, held,
                                                value.is_resource(row) and row.id or "")
    text = text or value.inline(view, held, 40)
    text = value.plain(text, MOST_CELL, in_the_middle)
    column.cells[i] = text
    column.in_the_middle = column.in_the_middle or in_the_middle
    column.is_number = column.is_number and (held == nil or type(held) == "number")
    column.is_guid = column.is_guid and (held == nil or text:find(GUID) ~= nil)
    column.width = math.max(column.width, value.width(text))
  end
end

-- ---- widths ----

-- A number that is cut is another number; of the others enough stays to tell them apart.
local function least_width(column, room)
  local usual = math.max(LEAST_WIDTH, math.min(MOST_LEAST, SHARE * room // 1))
  local least = column.is_number and column.width or column.is_guid and GUID_START
    or column.is_name and MOST_LEAST or usual
  return math.min(column.width, math.max(least, math.min(column.title_width, LEAST_TITLE)))
end

local function sum(columns, measure)
  local total = #GAP * (#columns - 1)
  for _, column in ipairs(columns) do
    total = total + measure(column)
  end
  return total
end

-- Takes from the widest of these columns until `surplus` is gone or all are at their least.
local function shrink(columns, surplus)
  while surplus > 0 do
    local widest
    for _, column in ipairs(columns) do
      if column.width > column.least and (not widest or column.width > widest.width) then
        widest = column
      end
    end
    if not widest then
      return surplus
    end
    widest.width = widest.width - 1
    surplus = surplus - 1
  end
  return 0
end

-- Leaves out columns from the right, then shrinks the others: GUIDs first, names last. How many
-- it left out.
local function fit(columns, room)
  local left_out = 0
  local function least(column)
    return least_width(column, room)
  end
  while #columns > 1 and sum(columns, least) > room do
    table.remove(columns)
    left_out = left_out + 1
  end
  local guids, names, others = {}, {}, {}
  for _, column in ipairs(columns) do
    column.least = math.min(least(column), room)
    table.insert(column.is_name and names or column.is_guid and guids or others, column)
  end
  local surplus = sum(columns, function(column) return column.width end) - room
  shrink(names, shrink(others, shrink(guids, surplus)))
  return left_out
end

-- ---- drawing ----

local function draw_line(view, columns, get, style)
  local parts = {}
  for i, column in ipairs(columns) do
    local text, in_the_middle = get(column)
    if value.width(text) > column.width then
      text = (in_the_middle and terminal.cut or terminal.start)(text, column.width)
    end
    local blanks = (" "):rep(column.width - value.width(text))
    text = value.paint(view, style or column.field.name == "state" and card.state_style(text)
                       or nil, text)
    parts[i] = column.is_number and blanks .. text or text .. blanks
  end
  return (table.concat(parts, GAP):gsub(" +$", ""))
end

local function get_title(column)
  return value.plain(column.title, MOST_CELL)
end

local function draw_rule(view, columns)
  local dash, parts = terminal.is_utf8() and "\u{2500}" or "-", {}
  for i, column in ipairs(columns) do
    parts[i] = dash:rep(column.width)
  end
  return value.paint(view, "dim", table.concat(parts, GAP))
end

local function footer(view, noun, shown, total, left_out)
  local text = value.counted(shown, noun)
  if total > shown then
    text = ("%s and %s more"):format(text, value.count(total - shown))
  end
  if left_out > 0 then
    text = ("%s; %s: \\x"):format(text, value.counted(left_out, "more column"))
  end
  return value.paint(view, "dim", ("(%s)"):format(text))
end

local function draw_table(view, described, rows, total)
  local columns = described.columns
  for _, column in ipairs(columns) do
    read_cells(view, column, rows)
  end
  local left_out = fit(columns, view.columns)
  local lines = {
    draw_line(view, columns, get_title, "heading"),
    draw_rule(view, columns),
  }
  for i in ipairs(rows) do
    lines[#lines + 1] = draw_line(view, columns, function(column)
      return column.cells[i], column.in_the_middle
    end)
  end
  lines[#lines + 1] = footer(view, described.noun, #rows, total, left_out)
  return lines
end

local function draw_blocks(view, described, rows, total)
  local lines = {}
  for i, row in ipairs(rows) do
    local block = value.is_resource(row) and card.resource_block(view, row, i)
      or check.is_failure(row) and card.failure(view, row)
      or card.table_block(view, row, described.keys, i)
    table.move(block, 1, #block, #lines + 1, lines)
  end
  lines[#lines + 1] = footer(view, described.noun, #rows, total, 0)
  return lines
end

local function is_list(object)
  local length = rawlen(object)
  if length == 0 or inspect.has(object, "__pairs") then
    return false
  end
  local count, listed = inspect.count(object)
  return count == length and listed == length
end

--- The lines of a list of resources of one kind, of failures, or of tables with the same keys;
-- nil when it is something else.
function list.lines(view, object)
  if not is_list(object) then
    return nil
  end
  local rows = {}
  for i = 1, math.min(rawlen(object), view.most_rows) do
    rows[i] = rawget(object, i)
  end
  local described = value.is_resource(rows[1]) and describe_resources(rows)
    or not value.is_resource(rows[1]) and (describe_failures(rows) or describe_records(rows))
  if not described then
    return nil
  end
  return (view.is_expanded and draw_blocks or draw_table)(view, described, rows, rawlen(object))
end

return list
