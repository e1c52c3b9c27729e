--- The reference as text for a terminal.
-- @module doc_text
local check = require "core.check"

local doc_text = {}

local PART = 32 -- names that core.check.nearest takes at once
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

-- Prints a paragraph behind an indent, broken at spaces.
local function paragraph(text, indent, columns)
  local width, line = math.max(columns, NARROWEST) - #indent, ""
  for word in text:gmatch "%S+" do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > width then
      print(indent .. line)
      line = word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  if line ~= "" then
    print(indent .. line)
  end
end

-- A name and its help: side by side where there is room.
local function row(name, help, left, columns)
  if #name < left and columns >= left + NARROWEST and 2 + left + #help <= columns then
    print(("  %-" .. left .. "s %s"):format(name, help))
  else
    print("  " .. name)
    paragraph(help, "      ", columns)
  end
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

local function print_field(field, indent, columns)
  local marks = doc_text.marks(field)
  paragraph(("%s: %s%s"):format(field.name, doc_text.type_of(field),
    #marks > 0 and " (" .. table.concat(marks, ", ") .. ")" or ""), indent, columns)
  paragraph(field.help .. (field.pattern and " Matches " .. field.pattern or ""),
            indent .. "    ", columns)
  for _, item in ipairs(field.items or {}) do
    print_field(item, indent .. "    ", columns)
  end
end

-- Code is not broken: it is there to be copied.
local function print_example(code)
  print("  example\n    " .. code:gsub("\n", "\n    "))
end

local function print_property(kind, field, columns)
  print_field(field, "", columns)
  print("    of " .. kind.name .. "; in the body: " .. field.path)
  if field.example then
    print_example(field.example)
  end
end

-- A script that makes one, from what it goes on from.
local function print_kind_example(kind)
  print "\nexample"
  for line in (kind.setting .. "\n" .. kind.example .. "\n"):gmatch "([^\n]+)\n" do
    print("  " .. line)
  end
end

local function print_kind(kind, columns)
  paragraph(kind.name .. ": " .. kind.help, "", columns)
  print(("  %s, api-version %s"):format(kind.arm_type, kind.api_version))
  print(kind.only_name and "  there is one: " .. kind.only_name
    or ("  name: %d to %d characters%s"):format(
      kind.name_min, kind.name_max, kind.name_pattern and ", " .. kind.name_pattern or ""))
  if kind.way then
    print("  in scripts: " .. kind.way)
  end
  print "\nproperties"
  for _, field in ipairs(kind.fields) do
    print_field(field, "  ", columns)
  end
  for i, verb in ipairs(kind.verbs) do
    if i == 1 then
      print "\nverbs"
    end
    row(verb.name .. verb.arguments, verb.help, 44, columns)
  end
  if kind.example then
    print_kind_example(kind)
  end
  for i, action in ipairs(kind.actions) do
    if i == 1 then
      print "\nactions of the service"
    end
    row(action.name, action.help, 24, columns)
  end
end

local function print_function(fn, columns)
  print(fn.name .. fn.arguments)
  paragraph(table.concat(fn.text, " "), "  ", columns)
  for _, param in ipairs(fn.params) do
    paragraph(("argument %s (%s%s%s) %s"):format(
      param.name, param.type, param.optional and ", optional" or "",
      param.default and ", " .. param.default or "", param.help), "  ", columns)
  end
  for _, value in ipairs(fn.returns) do
    paragraph(("gives %s %s"):format(value.type, value.help), "  ", columns)
  end
  for _, raise in ipairs(fn.raises) do
    paragraph("raises " .. raise, "  ", columns)
  end
  for _, example in ipairs(fn.examples) do
    print_example(example)
  end
end

local function print_module(module, columns)
  print("module " .. module.name)
  for _, line in ipairs(module.text) do
    print("  " .. line)
  end
  print "\nfunctions"
  for _, fn in ipairs(module.functions) do
    row(fn.name .. fn.arguments, fn.help, 44, columns)
  end
  if module.kind then
    print("\nproperties: moongate doc " .. module.kind)
  end
end

local function print_index(reference, columns)
  print "modules"
  for _, module in ipairs(reference.modules) do
    row(module.name, module.help, 14, columns)
  end
  print "\nkinds of resources"
  for _, kind in ipairs(reference.kinds) do
    row(kind.name, kind.help, 24, columns)
  end
  print "\nready scripts (moongate run NAME --help)"
  for _, script in ipairs(reference.scripts) do
    row(script.name, script.help, 14, columns)
  end
  print "\nmore: moongate doc NAME, such as workspaces, gateways.ensure, gateway or gateway.units"
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
    add(kind.name, print_kind, kind)
  end
  for _, module in ipairs(reference.modules) do
    add(module.name, print_module, module)
    for _, fn in ipairs(module.functions) do
      add(fn.name, print_function, fn)
    end
  end
  for _, kind in ipairs(reference.kinds) do
    if kind.way then
      add(kind.way, print_kind, kind)
      add(kind.parent .. "." .. kind.member, print_kind, kind)
    end
    for _, verb in ipairs(kind.verbs) do
      add(verb.name, print_function, verb)
    end
    local function add_fields(fields, prefix)
      for _, field in ipairs(fields) do
        add(prefix .. field.name, print_property, kind, field)
        add_fields(field.items or {}, prefix .. field.name .. ".")
      end
    end
    add_fields(kind.fields, kind.name .. ".")
  end
  return found, names
end

--- The name that was meant, of those that can be asked for.
-- @tparam table reference what `doc.gather` gives
-- @tparam string name
-- @treturn ?string
function doc_text.nearest(reference, name)
  local _, names = names_of(reference)
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

--- Print one thing, or without a name the index. Ends the run with 2 when there is no such name.
-- @tparam table reference what `doc.gather` gives
-- @tparam[opt] string name
-- @tparam integer columns
function doc_text.print(reference, name, columns)
  if name == nil then
    return print_index(reference, columns)
  end
  local entry = names_of(reference)[name]
  if entry then
    entry[entry.n + 1] = columns
    return entry[1](table.unpack(entry, 2, entry.n + 1))
  end
  local near = doc_text.nearest(reference, name)
  require("log").error(("there is nothing called '%s'%s"):format(
    name, near and ("; did you mean '%s'?"):format(near) or ""))
  require("run").exit(2)
end

return doc_text
