--- Arguments of a script: declared once, checked, and explained by `--help`.
--
--     local options = args.parse({
--       purpose = "Scale gateways.",
--       {name = "units", value = "N", type = "integer", default = 1, help = "how many units"},
--       {name = "dry", help = "only say what would be done"},
--     }, ...)
-- @module args
local check = require "core.check"
local log = require "log"
local run = require "run"

local args = {}

local convert = {
  string = function(text)
    return text
  end,
  integer = function(text)
    local number = math.tointeger(tonumber(text))
    return number, ("'%s' is not a whole number"):format(text)
  end,
  number = function(text)
    return tonumber(text), ("'%s' is not a number"):format(text)
  end,
}

local function refuse(message)
  log.error(message .. "; see --help")
  run.exit(2)
end

local function print_help(spec)
  local words = {}
  for _, row in ipairs(spec) do
    if row.positional then
      words[#words + 1] = row.required and " " .. row.value or (" [%s]"):format(row.value)
    end
  end
  print(("usage: %s%s [options]"):format(arg and arg[0] or "SCRIPT", table.concat(words)))
  if spec.purpose then
    print("\n" .. spec.purpose)
  end
  print()
  for _, row in ipairs(spec) do
    local left = row.positional and row.value
      or "--" .. row.name .. (row.value and " " .. row.value or "")
    local help = row.help or ""
    if row.choices then
      help = help .. ": " .. table.concat(row.choices, ", ")
    end
    if row.default ~= nil then
      help = ("%s [%s]"):format(help, tostring(row.default))
    end
    print(("  %-26s %s"):format(left, help))
  end
  print(("  %-26s %s"):format("--help", "this text"))
end

-- What an argument is called in messages.
local function label(row)
  return row.positional and row.value or "--" .. row.name
end

local function take(row, text)
  if row.choices then
    for _, choice in ipairs(row.choices) do
      if choice == text then
        return text
      end
    end
    local near = check.nearest(text, row.choices)
    refuse(("%s: '%s' is not one of %s%s"):format(
      label(row), text, table.concat(row.choices, ", "),
      near and ("; did you mean '%s'?"):format(near) or ""))
  end
  local value, wrong = convert[row.type or "string"](text)
  if value == nil then
    refuse(("%s: %s"):format(label(row), wrong))
  elseif row.min and value < row.min or row.max and value > row.max then
    refuse(("%s: %s is outside %s to %s"):format(label(row), text, row.min or "-",
                                                 row.max or "-"))
  end
  return value
end

--- Read a script's arguments. `--help` prints what is declared and ends the run; a wrong
-- argument ends it with exit code 2.
-- @tparam table spec `purpose` and a row an option: `name`, `value` (what help calls its
--   value; a flag has none), `type` (string, integer, number), `choices`, `min`, `max`,
--   `default`, `required`, `help`; `positional`: it is given by its place, without its name
-- @param ... the script's own `...`
-- @treturn table the values by name, with `_` for `-` in names
function args.parse(spec, ...)
  local rows, names, options, places = {}, {}, {}, {}
  for _, row in ipairs(spec) do
    if row.positional then
      places[#places + 1] = row
    else
      rows["--" .. row.name] = row
      names[#names + 1] = "--" .. row.name
    end
    options[row.name:gsub("-", "_")] = row.default
  end
  local words, i = {...}, 1
  while i <= #words do
    local word = words[i]
    local name, text = word:match "^(%-%-[^=]+)=(.*)$"
    name = name or word
    local row = rows[name]
    if name == "--help" or name == "-h" then
      print_help(spec)
      run.exit(0)
    elseif places[1] and (word == "-" or word:sub(1, 1) ~= "-") then
      row = table.remove(places, 1)
      options[row.name:gsub("-", "_")] = take(row, word)
    elseif not row then
      local near = check.nearest(name, names)
      refuse(("unknown argument '%s'%s"):format(
        word, near and ("; did you mean '%s'?"):format(near) or ""))
    elseif not row.value then
      if text then
        refuse(("%s takes no value"):format(name))
      end
      options[row.name:gsub("-", "_")] = true
    else
      if not text then
        i = i + 1
        text = words[i]
        if not text then
          refuse(("%s needs a value: %s"):format(name, row.value))
        end
      end
      options[row.name:gsub("-", "_")] = take(row, text)
    end
    i = i + 1
  end
  for _, row in ipairs(spec) do
    if row.required and options[row.name:gsub("-", "_")] == nil then
      refuse(("%s is required: %s"):format(label(row), row.help or row.value or ""))
    end
  end
  return options
end

return args
