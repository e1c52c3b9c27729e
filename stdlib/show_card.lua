--- How one resource, failure or other object is shown: a heading, and what it has below it.
-- Scripts use `show`.
-- @module show_card
local check = require "core.check"
local inspect = require "core.inspect"
local model = require "core.model"
local terminal = require "core.terminal"
local value = require "show_value"

local card = {}

local MOST_TEXT_LINES = 20 -- of a text within a card
local MOST_STRINGS = 100 -- of a list that is said in one line
local LEAST_ROOM = 20
local MOST_WRAPPED = 20 -- rows that a line of an object's own text takes
local INDENT = "  "

-- What states say of a thing, by their words in lower case.
local STATES = {
  succeeded = "good", active = "good", running = "good", online = "good", approved = "good",
  failed = "bad", canceled = "bad", terminationfailed = "bad", rejected = "bad",
  suspended = "bad", blocked = "bad", expired = "bad", cancelled = "bad",
  created = "busy", creating = "busy", activating = "busy", updating = "busy",
  deleting = "busy", terminating = "busy", submitted = "busy", pending = "busy",
  accepted = "busy", migrating = "busy", stopped = "busy",
}

--- The style of a state, or nil when it tells nothing good or bad.
function card.state_style(state)
  return type(state) == "string" and STATES[state:lower()] or nil
end

-- ---- rows of the model ----

local kinds = {}

--- The row of a kind, with `field_of`: its fields by name.
function card.kind(name)
  if not kinds[name] then
    local kind = model.kind(name)
    kind.field_of = {}
    for _, field in ipairs(kind.fields) do
      kind.field_of[field.name] = field
    end
    kinds[name] = kind
  end
  return kinds[name]
end

-- A copy of what a field holds, without its secrets.
local function without_secrets(field, held)
  if held ~= nil and field.secret then
    return value.SECRET
  elseif type(held) ~= "table" or not field.items then
    return held
  elseif field.type ~= "object" then
    local item = {type = "object", items = field.items}
    local copy = {}
    for key, member in pairs(held) do
      copy[key] = without_secrets(item, member)
    end
    return copy
  end
  local copy = {}
  for _, item in ipairs(field.items) do
    copy[item.name] = without_secrets(item, held[item.name])
  end
  return copy
end

--- What a resource has in a field, without its secrets.
function card.read(resource, field)
  return without_secrets(field, resource[field.name])
end

--- What every resource has, as a field: its id is shown whole.
card.ID = {name = "id", type = "resource or id", is_whole = true}

-- ---- ids ----

--- An id as seen from another: what both begin with is left out, so are the names of providers;
-- a built-in role by its name.
function card.relative_id(id, from)
  local role = id:lower():match "/roledefinitions/([^/]+)$"
  if role and model.role(role) then
    return model.role(role).name
  end
  local rest, own = id, from
  while true do
    local part, later = rest:match "^(/[^/]+/[^/]+)(.*)$"
    if not part or later == "" or own:sub(1, #part):lower() ~= part:lower() then
      break
    end
    rest, own = later, own:sub(#part + 1)
  end
  if rest == id then
    return id
  end
  return (rest:gsub("^/", ""):gsub("^providers/[^/]+/", ""))
end

local function is_id(field, held)
  return type(held) == "string" and held:sub(1, 1) == "/"
    and (field.type == "resource or id" or held:lower():find "^/subscriptions/[^/]+")
end

-- ---- values of fields ----

local function is_list_of_strings(held)
  if type(held) ~= "table" or inspect.has(held, "__tostring") then
    return false
  end
  local length, count = rawlen(held), inspect.count(held)
  if count == 0 or count ~= length or count > MOST_STRINGS then
    return false
  end
  for i = 1, length do
    if type(rawget(held, i)) ~= "string" then
      return false
    end
  end
  return true
end

--- What a field holds as text in one line, not yet visible, and whether it may be cut in the
-- middle; nil when only a table's form can show it.
function card.field_text(field, held, from)
  if held == nil then
    return ""
  elseif is_id(field, held) then
    return card.relative_id(held, field.is_whole and "" or from), true
  elseif type(held) == "string" then
    return held
  elseif type(held) == "boolean" or type(held) == "number" or rawequal(held, value.SECRET) then
    return tostring(held)
  elseif is_list_of_strings(held) then
    local texts = {}
    for i = 1, rawlen(held) do
      local member = rawget(held, i)
      texts[i] = is_id(field, member) and card.relative_id(member, from) or member
    end
    return table.concat(texts, ", ")
  end
end

-- The lines of what a field holds: the first stands beside its name, the others are indented.
local function field_lines(view, field, held, from, room)
  local text, in_the_middle = card.field_text(field, held, from)
  if not text then
    local line = value.inline(view, held, room, true)
    return line and {line} or value.block(view, held, INDENT)
  elseif type(held) == "string" and text:find "\n" then
    local lines = value.text_lines(view, text, MOST_TEXT_LINES, view.columns - 2 * #INDENT)
    for i, line in ipairs(lines) do
      lines[i] = INDENT:rep(2) .. line
    end
    return {"", table.unpack(lines)}
  elseif view.is_expanded then
    return {value.plain(text, 8 * room)}
  end
  return {value.plain(text, room, in_the_middle)}
end

-- ---- cards ----

local function is_worth_saying(held)
  return held ~= nil and held ~= ""
    and not (type(held) == "table" and not rawequal(held, value.SECRET) and next(held) == nil)
end

-- Adds rows {field=, held=} below a heading, their names aligned.
local function add_rows(view, lines, rows, from, separator)
  local width = 0
  for _, row in ipairs(rows) do
    width = math.max(width, value.width(row.name))
  end
  width = math.min(width, view.columns // 2)
  local room = math.max(view.columns - width - #INDENT - #separator, LEAST_ROOM)
  for _, row in ipairs(rows) do
    local name = value.plain(row.name, width)
    local front = INDENT .. value.paint(view, "key", name)
      .. (" "):rep(width - value.width(name)) .. separator
    local found = field_lines(view, row.field, row.held, from, room)
    if row.field.name == "state" and #found == 1 then
      found[1] = value.paint(view, card.state_style(row.held), found[1])
    end
    found[1] = (front .. found[1]):gsub(" +$", "")
    table.move(found, 1, #found, #lines + 1, lines)
  end
end

local function heading(view, what, name, state)
  local text = value.paint(view, "heading", ("%s %s"):format(what, value.plain(name, view.columns)))
  if type(state) == "string" and state ~= "" then
    text = text .. ": " .. value.paint(view, card.state_style(state),
                                       value.plain(state, view.columns))
  end
  return text
end

-- The rows of a resource; all of them, or those that are set.
local function resource_rows(resource, takes_all)
  local rows = {}
  for _, field in ipairs(card.kind(resource.kind).fields) do
    local held = card.read(resource, field)
    if takes_all or (is_worth_saying(held) and field.name ~= "state") then
      rows[#rows + 1] = {name = field.name, field = field, held = held}
    end
  end
  return rows
end

--- A resource as a card: its kind, name and state, what is set, its id.
function card.resource(view, resource)
  local id = resource.id
  local state = card.kind(resource.kind).field_of.state and resource.state
  local lines = {heading(view, resource.kind, value.last_name(id), state)}
  local rows = resource_rows(resource, false)
  rows[#rows + 1] = {name = "id", field = card.ID, held = id}
  add_rows(view, lines, rows, id, "  ")
  return lines
end

-- ---- blocks ----

--- The line above one of several: "-[ 1: gw-payments ]----".
function card.block_heading(view, number, name)
  local text = name and ("-[ %d: %s ]"):format(number, value.plain(name, view.columns // 2))
    or ("-[ %d ]"):format(number)
  return value.paint(view, "heading",
                     text .. ("-"):rep(math.min(view.columns, 72) - value.width(text)))
end

--- All fields of a resource below each other.
function card.resource_block(view, resource, number)
  local lines = {card.block_heading(view, number, value.last_name(resource.id))}
  local rows = {
    {name = "kind", field = {name = "kind"}, held = resource.kind},
    {name = "id", field = card.ID, held = resource.id},
  }
  for _, row in ipairs(resource_rows(resource, true)) do
    rows[#rows + 1] = row
  end
  add_rows(view, lines, rows, resource.id, " | ")
  return lines
end

--- The members of a table below each other; `keys` in their order.
function card.table_block(view, object, keys, number)
  local lines = {card.block_heading(view, number)}
  local rows = {}
  for i, key in ipairs(keys) do
    rows[i] = {name = key, field = {name = key}, held = rawget(object, key)}
  end
  add_rows(view, lines, rows, "", " | ")
  return lines
end

-- ---- texts ----

-- The rows of a line that is too wide.
local function break_line(line, columns, hang)
  local rows, indent, row = {}, line:match "^%s*", nil
  for blanks, word in line:gmatch "(%s*)(%S+)" do
    if row and value.width(row) + #blanks + value.width(word) <= columns then
      row = row .. blanks .. word
    else
      rows[#rows + 1] = row
      row = indent .. (row and hang or "") .. word
    end
  end
  rows[#rows + 1] = row
  return rows
end

--- Breaks lines at blanks, `hang` in front of what a line goes on with; those that fit stay as
-- they are, so does a word that is wider than the row.
function card.wrap(lines, columns, hang)
  local wrapped = {}
  for _, line in ipairs(lines) do
    local rows = value.width(line) <= columns and {line} or break_line(line, columns, hang)
    table.move(rows, 1, #rows, #wrapped + 1, wrapped)
  end
  return wrapped
end

-- Ids in a text that is read: where they begin is the same for all.
local function shorten_ids(text, columns)
  return (text:gsub("/subscriptions/[^%s:,']+", function(id)
    return terminal.cut(id, math.max(columns // 2, LEAST_ROOM))
  end))
end

-- ---- failures ----

local FACTS = {"status", "target", "operation", "request_id", "correlation_id", "retryable",
               "cure", "details"}

-- Whether the message has told all details already.
local function tells_details(message, details)
  if type(details) ~= "table" or #details == 0 then
    return false
  end
  for _, detail in ipairs(details) do
    local part = type(detail) == "table" and rawget(detail, "message")
    if type(part) ~= "string" or not message:find(part, 1, true) then
      return false
    end
  end
  return true
end

--- A failure: its code and message, the facts of the request below.
function card.failure(view, failure)
  local code, message = rawget(failure, "code"), rawget(failure, "message")
  local text = ("%s: %s"):format(tostring(code), tostring(message))
  text = view.is_expanded and text or shorten_ids(text, view.columns)
  local lines = value.text_lines(view, text, MOST_TEXT_LINES, 8 * view.columns)
  lines = card.wrap(lines, view.columns, "")
  local shown = terminal.visible(tostring(code))
  if lines[1]:sub(1, #shown) == shown then
    lines[1] = value.paint(view, "bad", shown) .. lines[1]:sub(#shown + 1)
  end
  local rows = {}
  for _, name in ipairs(FACTS) do
    local held = rawget(failure, name)
    if is_worth_saying(held) and held ~= false
      and not (name == "details" and tells_details(tostring(message), held)) then
      rows[#rows + 1] = {name = name, field = {name = name}, held = held}
    end
  end
  add_rows(view, lines, rows, "", "  ")
  if view.is_expanded and type(rawget(failure, "traceback")) == "string" then
    for _, line in ipairs(value.text_lines(view, failure.traceback, MOST_TEXT_LINES,
                                           view.columns)) do
      lines[#lines + 1] = line
    end
  end
  return lines
end

-- ---- other objects ----

local function own_rows(object)
  local rows = {}
  if inspect.type_name(object) and not inspect.has(object, "__pairs") then
    local found = value.members(object)
    for _, key in ipairs(found.keys) do
      local held = found.values[key]
      if type(key) == "string" and type(held) ~= "function" and is_worth_saying(held) then
        rows[#rows + 1] = {name = key, field = {name = key}, held = held}
      end
    end
    table.sort(rows, function(a, b) return value.is_before(a.name, b.name) end)
  end
  return rows
end

local HINTS = {collection = ": list() reads them", ["only resource"] = ": get() reads it"}

local function describe_operation(text, operation)
  local status, state = operation:status()
  local percent = operation:percent()
  text = ("%s: %s"):format(text, status)
  if state and state ~= "" then
    text = ("%s, %s"):format(text, value.plain(state, 40))
  end
  return percent and ("%s, %d%%"):format(text, percent // 1) or text
end

-- What there is to say of an object of the engine besides its text.
local function add_to_userdata(view, text, object)
  local name = inspect.type_name(object)
  if name == "operation" then
    return describe_operation(text, object)
  end
  return text .. value.paint(view, "dim", HINTS[name] or "")
end

--- An object that has a text of its own: that, and below one line of it what else it holds when
-- it is of a named type.
function card.object(view, object)
  local text = value.own_text(object)
  text = view.is_expanded and text or shorten_ids(text, view.columns)
  local lines = value.text_lines(view, text, view.rows, MOST_WRAPPED * view.columns)
  local rows = #lines == 1 and type(object) ~= "userdata" and own_rows(object) or {}
  if #lines == 1 and type(object) == "userdata" then
    lines[1] = add_to_userdata(view, lines[1], object)
  end
  lines = card.wrap(lines, view.columns, INDENT:rep(2))
  if #rows > 0 then
    for i, line in ipairs(lines) do
      lines[i] = value.paint(view, "heading", line)
    end
    add_rows(view, lines, rows, "", "  ")
  end
  return lines
end

return card
