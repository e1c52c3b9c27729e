--- The reference, made from the model and from doc comments.
-- @module doc
local check = require "core.check"
local model = require "core.model"

local doc = {}

-- Modules that scripts do not require themselves.
local INNER = {access = true, collection = true, difference = true, doc = true,
               grantee = true, paging = true, roles = true, scope = true, testing = true}

-- A block of doc comment: its first sentence, the rest, and tags in their order.
local function parse_block(lines)
  local block = {text = {}, tags = {}}
  for _, line in ipairs(lines) do
    local tag, rest = line:match "^@(%w+)%s*(.*)$"
    if tag then
      block.tags[#block.tags + 1] = {name = tag, text = rest}
    elseif #block.tags > 0 and line ~= "" then
      local last = block.tags[#block.tags]
      last.text = last.text .. " " .. line:match "^%s*(.*)$"
    else
      block.text[#block.text + 1] = line
    end
  end
  return block
end

-- The doc comments of a source: each with the line of code that follows it.
local function blocks_of(source)
  local blocks, lines = {}, nil
  for line in (source .. "\n"):gmatch "(.-)\n" do
    local first, more = line:match "^%-%-%-%s?(.*)$", line:match "^%-%-%s?(.*)$"
    if first then
      lines = {first}
    elseif lines and more then
      lines[#lines + 1] = more
    elseif lines then
      local block = parse_block(lines)
      block.code = line
      blocks[#blocks + 1] = block
      lines = nil
    end
  end
  return blocks
end

local function is_module(block)
  for _, tag in ipairs(block.tags) do
    if tag.name == "module" then
      return tag.text
    end
  end
end

-- "workspaces.ensure" or "gateway:attach", with its arguments, from the code below a comment.
local function signature(block, module)
  local owner, name, arguments = block.code:match "^function%s+([%w_]+)([.:][%w_]+)(%b())"
  if not owner then
    owner, name = block.code:match "^([%w_]+)(%.[%w_]+)%s*="
    arguments = block.code:find "=%s*core%.[%w_]+%s*$" and "(...)" or ""
  end
  if not owner or owner == "verbs" then
    return nil
  end
  if owner:find "methods$" then
    local subject = owner == "methods" and module:gsub("s$", "") or owner:gsub("_methods$", "")
    return subject .. ":" .. name:sub(2) .. arguments, subject .. ":" .. name:sub(2)
  end
  return module .. name .. arguments, module .. name
end

local VERBS = {
  {"get", "(name, options)", "the resource; raises a failure when it is absent"},
  {"find", "(name, options)", "the resource, or nil"},
  {"exists", "(name, options)", "true or false"},
  {"create", "(name, fields)", "makes it; raises AlreadyExists"},
  {"ensure", "(name, fields)", "makes it, or changes only what differs; gives the resource and "
    .. "created, changed or unchanged"},
  {"update", "(name, fields)", "changes what differs; raises a failure when it is absent"},
  {"delete", "(name, options)", "true when it was there; absent is fine"},
  {"list", "(options)", "all, as a list"},
  {"each", "(options)", "an iterator that reads page by page"},
}

local KINDS = {workspaces = "workspace", gateways = "gateway", services = "service"}

local function native_lines(module)
  local found = {}
  for line in (model.source "native.doc" or ""):gmatch "[^\n]+" do
    if line:sub(1, #module + 1) == module .. "." then
      found[#found + 1] = line
    end
  end
  return found
end

local function all_modules()
  local names = {}
  for _, path in ipairs(model.files()) do
    local name = path:match "^stdlib/([%w_]+)%.lua$"
    if name and not INNER[name] then
      names[#names + 1] = name
    end
  end
  for _, name in ipairs {"clock", "csv", "env", "json", "log", "run"} do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local NATIVE_HELP = {
  clock = "The time that the run goes by.", csv = "Tables of text with commas between.",
  env = "Environment variables.", json = "JSON text and Lua values.",
  log = "Lines for whoever runs the script: log.error, log.warning, log.info, log.debug.",
  run = "The run itself.",
}

local function first_sentence(block)
  local text = table.concat(block.text, " "):match "^%s*(.-)%s*$"
  return text:match "^(.-%.)%s" or block.text[1] or ""
end

local function print_index()
  print "modules"
  for _, name in ipairs(all_modules()) do
    local source = model.source("stdlib/" .. name .. ".lua")
    local help = source and first_sentence(blocks_of(source)[1]) or NATIVE_HELP[name]
    print(("  %-14s %s"):format(name, help))
  end
  print "\nkinds of resources"
  for _, kind in ipairs(model.kinds()) do
    print(("  %-24s %s"):format(kind.name, kind.help))
  end
  print "\nready scripts (moongate run NAME --help)"
  for _, path in ipairs(model.files()) do
    local name = path:match "^scripts/([%w_]+)%.lua$"
    if name then
      print(("  %-14s %s"):format(name, model.source(path):match "^%-%- ([^\n]*)"))
    end
  end
  print "\nmore: moongate doc NAME, such as workspaces, gateways.ensure or gateway"
end

local function type_of(field)
  local text = field.type
  if field.choices then
    text = table.concat(field.choices, " | ")
  elseif field.max then
    text = ("%s, %d to %d%s"):format(text, field.min, field.max,
                                     field.type == "string" and " characters" or "")
  end
  return text
end

local function print_fields(fields, indent)
  for _, field in ipairs(fields) do
    local marks = {}
    for _, mark in ipairs {"required", "read_only", "immutable"} do
      if field[mark] then
        marks[#marks + 1] = (mark:gsub("_", "-"))
      end
    end
    print(("%s%-24s %s%s"):format(indent, field.name, type_of(field),
                                  #marks > 0 and " (" .. table.concat(marks, ", ") .. ")" or ""))
    print(("%s    %s%s"):format(indent, field.help,
                                field.pattern and " Matches " .. field.pattern or ""))
    if field.items then
      print_fields(field.items, indent .. "    ")
    end
  end
end

local function print_kind(kind)
  print(kind.name .. ": " .. kind.help)
  print(("  %s, api-version %s"):format(kind.arm_type, kind.api_version))
  print(("  name: %d to %d characters%s\n"):format(
    kind.name_min, kind.name_max, kind.name_pattern and ", " .. kind.name_pattern or ""))
  print "fields"
  print_fields(kind.fields, "  ")
end

local function print_block(block, title)
  print(title)
  for _, line in ipairs(block.text) do
    print("  " .. line)
  end
  for _, tag in ipairs(block.tags) do
    if tag.name ~= "module" then
      local name = tag.name:gsub("^t?param$", "argument"):gsub("^t?return$", "gives")
        :gsub("^raise$", "raises"):gsub("^usage$", "example")
      print(("  %-9s %s"):format(name, tag.text))
    end
  end
end

local function print_module(name, source)
  local blocks = blocks_of(source)
  print("module " .. name)
  for _, line in ipairs(blocks[1].text) do
    print("  " .. line)
  end
  local kind = KINDS[name]
  print "\nfunctions"
  if kind then
    for _, verb in ipairs(VERBS) do
      print(("  %s.%s%s\n      %s"):format(name, verb[1], verb[2], verb[3]))
    end
  end
  for _, block in ipairs(blocks) do
    local title = not is_module(block) and signature(block, name)
    if title then
      print("  " .. title)
      print("      " .. first_sentence(block))
    end
  end
  if kind then
    print(("\nfields: moongate doc %s"):format(kind))
  end
end

-- A function of a module, or a method: true when one was printed.
local function print_function(name)
  for _, module in ipairs(all_modules()) do
    local source = model.source("stdlib/" .. module .. ".lua")
    for _, block in ipairs(source and blocks_of(source) or {}) do
      local title, plain = signature(block, module)
      if title and plain == name and not is_module(block) then
        print_block(block, title)
        return true
      end
    end
    for _, verb in ipairs(KINDS[module] and VERBS or {}) do
      if name == module .. "." .. verb[1] then
        print(("%s%s\n  %s\n  fields: moongate doc %s"):format(name, verb[2], verb[3],
                                                            KINDS[module]))
        return true
      end
    end
    for _, line in ipairs(native_lines(module)) do
      if line:sub(1, #name + 1) == name .. "(" then
        print(line)
        return true
      end
    end
  end
  return false
end

--- Print the reference of a module, a function, a method or a kind; or what there is.
-- @tparam[opt] string name
function doc.print(name)
  if name == nil then
    return print_index()
  end
  local known = {}
  for _, kind in ipairs(model.kinds()) do
    known[#known + 1] = kind.name
    if kind.name == name then
      return print_kind(kind)
    end
  end
  for _, module in ipairs(all_modules()) do
    known[#known + 1] = module
    if module == name then
      local source = model.source("stdlib/" .. name .. ".lua")
      if source then
        return print_module(name, source)
      end
      print(("module %s\n  %s\n"):format(name, NATIVE_HELP[name]))
      for _, line in ipairs(native_lines(name)) do
        print("  " .. line)
      end
      return
    end
  end
  if print_function(name) then
    return
  end
  local near = check.nearest(name, known)
  require("log").error(("there is nothing called '%s'%s"):format(
    name, near and ("; did you mean '%s'?"):format(near) or ""))
  require("run").exit(2)
end

return doc
