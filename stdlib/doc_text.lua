--- The reference as text for a terminal.
-- @module doc_text
local check = require "core.check"

local doc_text = {}

local PART = 32 -- names that core.check.nearest takes at once
local SHORT_NAME = 16 -- columns that a name always has
local NARROWEST = 30 -- columns below which lines are no longer wrapped tighter

--- Write a file.
-- @tparam string path
-- @tparam string text
-- @raise failure `IOError`, with what the system says
function doc_text.write(path, text)
  local handle, reason = io.open(path, "w")
  local fine = handle
  if handle then
    fine, reason = handle:write(text)
    local closed, why = handle:close()
    if fine and not closed then
      fine, reason = nil, why
    end
  end
  if not fine then
    error(check.failure {code = "IOError", message = ("%s: %s"):format(path, reason)}, 0)
  end
end

-- What is made: lines for a terminal of so many columns.
local page_methods = {}
page_methods.__index = page_methods

function page_methods:add(line)
  self.lines[#self.lines + 1] = line
end

-- Adds a paragraph behind an indent, broken at spaces; `first` stands in front of its first line
-- instead.
function page_methods:paragraph(text, indent, first)
  local width, line = math.max(self.columns, NARROWEST) - #indent, ""
  local function add()
    self:add((first or indent) .. line)
    first = nil
  end
  for word in text:gmatch "%S+" do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > width then
      add()
      line = word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  if line ~= "" then
    add()
  end
end

-- A name and its help, side by side where there is room; `left` are the columns of a name.
function page_methods:row(name, help, left)
  left = math.min(left, math.max(SHORT_NAME, 2 * self.columns // 5))
  local is_wide = self.columns >= left + NARROWEST
  local indent = is_wide and (" "):rep(left + 3) or "      "
  if is_wide and #name <= left then
    self:paragraph(help, indent, ("  %-" .. left .. "s "):format(name))
  else
    self:add("  " .. name)
    self:paragraph(help, indent)
  end
end

-- Paragraphs, and code as it is.
function page_methods:add_text(lines, indent)
  local words = {}
  local function flush()
    self:paragraph(table.concat(words, " "), indent)
    words = {}
  end
  for _, line in ipairs(lines) do
    if line:find "^%s" or line == "" then
      flush()
      self:add((indent .. line):match "^(.-)%s*$")
    else
      words[#words + 1] = line
    end
  end
  flush()
end

--- The type of a property in words, with limits, unit and allowed values.
-- @tparam table field a row of the model
-- @treturn string
function doc_text.type_of(field)
  local text = field.type
  if field.choices then
    text = (field.type == "choice" and "" or "list of ") .. table.concat(field.choices, " | ")
      .. (field.choices_are_open and " | ..." or "")
  elseif field.values then
    text = "map of " .. field.values
  end
  if field.max then
    text = ("%s, %d to %d%s"):format(text, field.min, field.max,
                                     field.type == "string" and " characters" or "")
  end
  return text .. (field.unit and " (" .. field.unit .. ")" or "")
end

--- What holds of a property: required, read-only ...
-- @tparam table field
-- @treturn table of strings
function doc_text.marks(field)
  local marks = {}
  for _, mark in ipairs {"required", "read_only", "immutable", "secret", "write_only"} do
    if field[mark] then
      marks[#marks + 1] = (mark:gsub("_", "-"))
    end
  end
  return marks
end

function page_methods:add_field(field, indent)
  local marks = doc_text.marks(field)
  self:paragraph(("%s: %s%s"):format(field.name, doc_text.type_of(field),
    #marks > 0 and " (" .. table.concat(marks, ", ") .. ")" or ""), indent)
  self:paragraph(field.help .. (field.pattern and " Matches " .. field.pattern or ""),
                 indent .. "    ")
  for _, item in ipairs(field.items or {}) do
    self:add_field(item, indent .. "    ")
  end
end

-- Code is not broken: it is there to be copied.
function page_methods:add_example(code)
  self:add("  example\n    " .. code:gsub("\n", "\n    "))
end

function page_methods:add_property(kind, field)
  self:add_field(field, "")
  self:add("    of " .. kind.name .. "; in the body: " .. field.path)
  if field.example then
    self:add_example(field.example)
  end
end

-- A script that makes one, from what it goes on from.
function page_methods:add_kind_example(kind)
  self:add "\nexample"
  for line in (kind.setting .. "\n" .. kind.example .. "\n"):gmatch "([^\n]+)\n" do
    self:add("  " .. line)
  end
end

function page_methods:add_kind(kind)
  self:paragraph(kind.name .. ": " .. kind.help, "")
  self:add(("  %s, api-version %s"):format(kind.arm_type, kind.api_version))
  self:add(kind.only_name and "  there is one: " .. kind.only_name
    or ("  name: %d to %d characters%s"):format(
      kind.name_min, kind.name_max, kind.name_pattern and ", " .. kind.name_pattern or ""))
  if kind.way then
    self:add("  in scripts: " .. kind.way)
  end
  self:add "\nproperties"
  for _, field in ipairs(kind.fields) do
    self:add_field(field, "  ")
  end
  for i, verb in ipairs(kind.verbs) do
    if i == 1 then
      self:add "\nverbs"
    end
    self:row(verb.name .. verb.arguments, verb.help, 44)
  end
  if kind.example then
    self:add_kind_example(kind)
  end
  for i, action in ipairs(kind.actions) do
    if i == 1 then
      self:add "\nactions of the service"
    end
    self:row(action.name, action.help, 24)
  end
end

function page_methods:add_function(fn)
  self:add(fn.name .. fn.arguments)
  self:paragraph(table.concat(fn.text, " "), "  ")
  for _, param in ipairs(fn.params) do
    self:paragraph(("argument %s (%s%s%s) %s"):format(
      param.name, param.type, param.optional and ", optional" or "",
      param.default and ", " .. param.default or "", param.help), "  ")
  end
  for _, value in ipairs(fn.returns) do
    self:paragraph(("gives %s %s"):format(value.type, value.help), "  ")
  end
  for _, raise in ipairs(fn.raises) do
    self:paragraph("raises " .. raise, "  ")
  end
  for _, example in ipairs(fn.examples) do
    self:add_example(example)
  end
end

function page_methods:add_module(module)
  self:add("module " .. module.name)
  self:add_text(module.text, "  ")
  self:add "\nfunctions"
  for _, fn in ipairs(module.functions) do
    self:row(fn.name .. fn.arguments, fn.help, 44)
  end
  if module.kind then
    self:add("\nproperties: " .. self.ask:format(module.kind))
  end
end

function page_methods:add_index(reference)
  self:add "modules"
  for _, module in ipairs(reference.modules) do
    self:row(module.name, module.help, 14)
  end
  self:add "\nkinds of resources"
  for _, kind in ipairs(reference.kinds) do
    self:row(kind.name, kind.help, 24)
  end
  self:add "\nready scripts (moongate run NAME --help)"
  for _, script in ipairs(reference.scripts) do
    self:row(script.name, script.help, 14)
  end
  self:add("\nmore: moongate doc NAME, such as workspaces, gateways.ensure, gateway or "
    .. "gateway.units")
end

-- Every name that can be asked for, with what prints it.
local function names_of(reference)
  local found, names = {}, {}
  local function add(name, show, ...)
    if found[name] == nil then
      found[name] = table.pack(show, ...)
      names[#names + 1] = name
    end
  end
  for _, kind in ipairs(reference.kinds) do
    add(kind.name, page_methods.add_kind, kind)
  end
  for _, module in ipairs(reference.modules) do
    add(module.name, page_methods.add_module, module)
    for _, fn in ipairs(module.functions) do
      add(fn.name, page_methods.add_function, fn)
    end
  end
  for _, kind in ipairs(reference.kinds) do
    if kind.way then
      add(kind.way, page_methods.add_kind, kind)
      add(kind.parent .. "." .. kind.member, page_methods.add_kind, kind)
    end
    for _, verb in ipairs(kind.verbs) do
      add(verb.name, page_methods.add_function, verb)
    end
    local function add_fields(fields, prefix)
      for _, field in ipairs(fields) do
        add(prefix .. field.name, page_methods.add_property, kind, field)
        add_fields(field.items or {}, prefix .. field.name .. ".")
      end
    end
    add_fields(kind.fields, kind.name .. ".")
  end
  return found, names
end

--- The name that was meant, of however many.
-- @tparam string name
-- @tparam table names a list
-- @treturn ?string
function doc_text.nearest_name(name, names)
  while #names > PART do -- the nearest of each part, then of those
    local winners = {}
    for first = 1, #names, PART do
      winners[#winners + 1] =
        check.nearest(name, table.move(names, first, first + PART - 1, 1, {}))
    end
    names = winners
  end
  return check.nearest(name, names)
end

--- The name that was meant, of those that can be asked for.
-- @tparam table reference what `doc.gather` gives
-- @tparam string name
-- @treturn ?string
function doc_text.nearest(reference, name)
  local _, names = names_of(reference)
  return doc_text.nearest_name(name, names)
end

local function new_page(columns, ask)
  return setmetatable({columns = columns, ask = ask, lines = {}}, page_methods)
end

local function text_of(page)
  return table.concat(page.lines, "\n")
end

--- One thing of the reference as text.
-- @tparam table reference what `doc.gather` gives
-- @tparam string name
-- @tparam integer columns
-- @tparam string ask how one asks for more, with `%s` for a name
-- @treturn ?string nil when there is no such name
function doc_text.text(reference, name, columns, ask)
  local entry = names_of(reference)[name]
  if entry then
    local page = new_page(columns, ask)
    entry[1](page, table.unpack(entry, 2, entry.n))
    return text_of(page)
  end
end

--- One function as text.
-- @tparam table fn an entry of the reference
-- @tparam integer columns
-- @treturn string
function doc_text.function_text(fn, columns)
  local page = new_page(columns)
  page:add_function(fn)
  return text_of(page)
end

--- A text broken at spaces.
-- @tparam string text
-- @tparam string indent in front of each line
-- @tparam integer columns
-- @treturn string
function doc_text.paragraph(text, indent, columns)
  local page = new_page(columns)
  page:paragraph(text, indent)
  return text_of(page)
end

--- Names with their help, one a line where there is room, as text.
-- @tparam table rows list of `{name, help}`
-- @tparam integer left the columns of a name
-- @tparam integer columns
-- @treturn string
function doc_text.rows(rows, left, columns)
  local page = new_page(columns)
  for _, row in ipairs(rows) do
    page:row(row[1], row[2], left)
  end
  return text_of(page)
end

--- Print one thing, or without a name the index. Ends the run with 2 when there is no such name.
-- @tparam table reference what `doc.gather` gives
-- @tparam[opt] string name
-- @tparam integer columns
function doc_text.print(reference, name, columns)
  if name == nil then
    local page = new_page(columns)
    page:add_index(reference)
    return print(text_of(page))
  end
  local text = doc_text.text(reference, name, columns, "moongate doc %s")
  if text then
    return print(text)
  end
  local near = doc_text.nearest(reference, name)
  require("log").error(("there is nothing called '%s'%s"):format(
    name, near and ("; did you mean '%s'?"):format(near) or ""))
  require("run").exit(2)
end

return doc_text
