--- The reference, made from the model and from doc comments.
--
-- `doc.gather` makes one structure of them; the renderers, each in a file of its own, show it.
-- @module doc
local model = require "core.model"
local doc_examples = require "doc_examples"
local library = require "library"

local doc = {}

-- A block of doc comment: its first sentence, the rest, and tags in their order.
local function parse_block(lines)
  local block = {text = {}, tags = {}}
  for _, line in ipairs(lines) do
    local tag, modifier, rest = line:match "^@(%w+)(%b[])%s*(.*)$"
    if not tag then
      tag, rest = line:match "^@(%w+)%s*(.*)$"
    end
    if tag then
      block.tags[#block.tags + 1] = {name = tag, text = rest, modifier = modifier}
    elseif #block.tags > 0 then
      local last = block.tags[#block.tags]
      local is_code = last.name == "usage"
      last.text = last.text .. (is_code and "\n" .. line or " " .. line:match "^%s*(.*)$")
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


local VERBS = {
  {"get", "get", "(name, options)", "the resource; raises a failure when it is absent"},
  {"find", "get", "(name, options)", "the resource, or nil"},
  {"exists", "get", "(name, options)", "true or false"},
  {"create", "put", "(name, fields)", "makes it; raises AlreadyExists"},
  {"ensure", "put", "(name, fields)", "makes it, or changes only what differs; gives the resource "
    .. "and created, changed or unchanged"},
  {"set", "put", "(fields)", "makes it, or changes only what differs"},
  {"update", "put", "(name, fields)", "changes what differs; raises a failure when it is absent"},
  {"delete", "delete", "(name, options)", "true when it was there; absent is fine"},
  {"list", "list", "(options)", "all, as a list"},
  {"each", "list", "(options)", "an iterator that reads page by page"},
}

local NOT_OF_ONE = {create = true, update = true, list = true, each = true}

local KINDS = {workspaces = "workspace", gateways = "gateway", services = "service",
               dns = "private dns zone"}
local GROUPS = {workspaces = "workspaces and APIs", gateways = "gateways",
                networks = "networks", access = "access"}

-- Options of the verbs of a module that say where.
local WHERE = {workspaces = {"service", "resource_group"}}
local IN_GROUP = {"resource_group"}

-- What some verbs of a kind understand that is no property of it.
local EXTRA = {api = {{name = "import", type = "string|table",
                       help = "a document: a file, a URL or {text = ...}"}}}

local NATIVE_HELP = {
  clock = "The time that the run goes by.", csv = "Tables of text with commas between.",
  env = "Environment variables.", json = "JSON text and Lua values; json.null is JSON's null.",
  log = "Lines for whoever runs the script: log.error, log.warning, log.info, log.debug.",
  run = "The run itself. Besides its functions it has `run.id`, `run.attempt` (1 at first, one "
    .. "more each time it is resumed), `run.deadline`: when this attempt hands over, in "
    .. "seconds as `os.time()` gives them, nil without --max-wall, and `run.slot`: the time that "
    .. "the run is for (of a scheduled job: when it was due), nil without one.",
}
local NATIVE_OWNERS = {task = "tasks", group = "tasks", op = "tasks"}

local function first_sentence(lines)
  local text = table.concat(lines, " "):match "^%s*(.-)%s*$"
  return text:match "^(.-%.)%s" or text
end

-- "options.timeout how long" with the type that a tparam has in front.
local function read_parameter(tag)
  local type_name, name, help = "any", nil, nil
  if tag.name == "tparam" then
    type_name, name, help = tag.text:match "^(%S+)%s+(%S+)%s*(.*)$"
  else
    name, help = tag.text:match "^(%S+)%s*(.*)$"
  end
  local modifier = tag.modifier or ""
  return {name = name, type = type_name, help = help, optional = modifier:find "^%[opt" ~= nil,
          default = modifier:match "^%[opt=(.*)%]$"}
end

-- Sorts the tags of a block into the members of a function.
local function read_tags(block, into)
  for _, tag in ipairs(block.tags) do
    if tag.name == "tparam" or tag.name == "param" then
      into.params[#into.params + 1] = read_parameter(tag)
    elseif tag.name == "treturn" then
      local type_name, help = tag.text:match "^(%S+)%s*(.*)$"
      into.returns[#into.returns + 1] = {type = type_name, help = help}
    elseif tag.name == "return" then
      into.returns[#into.returns + 1] = {type = "any", help = tag.text}
    elseif tag.name == "raise" then
      into.raises[#into.raises + 1] = tag.text
    elseif tag.name == "usage" then
      into.examples[#into.examples + 1] = tag.text
    end
  end
  if into.arguments == "(...)" and #into.params > 0 then
    local names = {}
    for _, param in ipairs(into.params) do
      names[#names + 1] = not param.name:find("%.%w") and param.name or nil
    end
    into.arguments = "(" .. table.concat(names, ", ") .. ")"
  end
  return into
end

local function new_function(name, arguments, text)
  return {name = name, arguments = arguments, help = first_sentence(text), text = text,
          params = {}, returns = {}, raises = {}, examples = {}}
end

-- The function that the code below a comment begins, or nil: its full name and arguments.
local function signature(block, module)
  local owner, name, arguments = block.code:match "^function%s+([%w_]+)([.:][%w_]+)(%b())"
  if not owner then
    owner, name = block.code:match "^([%w_]+)(%.[%w_]+)%s*="
    local is_function = block.code:find "=%s*core%.[%w_]+%s*$" or block.code:find "=%s*verb%s"
    arguments = is_function and "(...)" or ""
  end
  if not owner or owner == "verbs" then
    return nil
  elseif owner:find "methods$" then
    local subject = owner == "methods" and module:gsub("s$", "") or owner:gsub("_methods$", "")
    return subject .. ":" .. name:sub(2), arguments
  elseif owner == module then
    return module .. name, arguments
  end
end

-- The types of arguments of native functions by their names, and of what they give by the
-- first word that their comment says of it.
local ARGUMENT_TYPES = {text = "string", path = "string", seconds = "number", name = "string",
                        duration = "number|string", code = "integer", otherwise = "any",
                        value = "any", pretty = "boolean", t = "table", f = "function",
                        fn = "function", options = "?table",
                        zone = "string", ["..."] = "any"}
local RESULT_TYPES = {text = "string", seconds = "number", value = "any", t = "table",
                      records = "table", ["{"] = "table", ['"'] = "string", what = "any",
                      table = "table", ["0"] = "number", task = "task", the = "any"}

-- What the comment of a native function says of its arguments and of what it gives.
local function read_native_types(fn, rest)
  for name in fn.arguments:gmatch "[%w_.]+" do
    fn.params[#fn.params + 1] = {name = name, type = ARGUMENT_TYPES[name], help = "",
                                 optional = false}
  end
  local gives = rest:match "^%->%s*(.*)$"
  if gives then
    local word = gives:match "^[%a]+" or gives:match "^[%d\"{]"
    fn.returns[1] = {type = RESULT_TYPES[word], help = gives}
  end
end

local function read_native(module, functions)
  for line in (model.source "native.doc" or ""):gmatch "[^\n]+" do
    local owner, separator, name, arguments, rest =
      line:match "^(%w+)([.:])([%w_]+)(%b())%s*(.*)$"
    if owner and (owner == module or NATIVE_OWNERS[owner] == module) then
      local fn = new_function(owner .. separator .. name, arguments,
                              {(rest:gsub("^%->%s*", "gives "):gsub("^[:-]%s*", ""))})
      fn.is_native = true
      read_native_types(fn, rest)
      functions[#functions + 1] = fn
    end
  end
end

local function is_writable(kind)
  for _, field in ipairs(kind.fields) do
    if not field.read_only then
      return true
    end
  end
  return false
end

--- The verbs of a kind, called as its `prefix` and their name; from then on they are its `verbs`,
-- too.
-- @tparam table kind a row as `doc.kinds` gives it
-- @treturn table list of functions; empty where nothing leads to the kind
function doc.verbs(kind)
  if kind.verbs then
    return kind.verbs
  end
  local found, prefix = {}, kind.prefix
  kind.verbs = found
  for _, row in ipairs(VERBS) do
    local name, needs, arguments, help = table.unpack(row)
    local is_of_one = kind.only_name ~= nil
    local fits = not (is_of_one and NOT_OF_ONE[name]) and (is_of_one or name ~= "set")
    -- an update without a property to write is none
    fits = fits and (name ~= "update" or kind.operations.patch or is_writable(kind))
    if prefix and kind.operations[needs] and fits then
      if is_of_one then
        arguments = needs == "put" and "(fields)" or "(options)"
      end
      local fn = new_function(prefix .. name, arguments, {help})
      fn.is_verb = true
      found[#found + 1] = fn
    end
  end
  return found
end

--- What the reference tells of one module.
-- @tparam string name one of `doc.module_names`
-- @tparam table kinds the rows by their names, as `doc.kinds` gives them
-- @treturn table `name`, `help`, `text`, `functions` and, where it holds one, `kind`
function doc.module(name, kinds)
  local source = model.source("stdlib/" .. name .. ".lua")
  local module = {name = name, help = NATIVE_HELP[name], text = {NATIVE_HELP[name]},
                  functions = {}, kind = KINDS[name]}
  if module.kind then
    local verbs = doc.verbs(kinds[module.kind])
    table.move(verbs, 1, #verbs, 1, module.functions)
  end
  for _, block in ipairs(source and blocks_of(source) or {}) do
    local is_module = block.tags[1] and block.tags[1].name == "module"
    local called, arguments = signature(block, name)
    if is_module then
      module.help, module.text = first_sentence(block.text), block.text
    elseif called then
      module.functions[#module.functions + 1] =
        read_tags(block, new_function(called, arguments, block.text))
    end
  end
  read_native(name, module.functions)
  return module
end

local function group_of(kind)
  if kind.arm_type:find "Authorization" then
    return GROUPS.access
  elseif kind.arm_type:find "Network" then
    return GROUPS.networks
  elseif kind.arm_type:find "/gateways" then
    return GROUPS.gateways
  end
  return kind.name:find "^service" and "the service" or GROUPS.workspaces
end

-- What scripts usually call one of a kind.
local VARIABLES = {workspace = "ws", gateway = "gw", ["virtual network"] = "vnet"}

local function variable(kind)
  return VARIABLES[kind.name] or (kind.name:gsub("[ -]", "_"))
end

--- The modules that scripts require.
-- @treturn table their names, sorted
function doc.module_names()
  local names = {}
  for _, path in ipairs(model.files()) do
    local name = path:match "^stdlib/([%w_]+)%.lua$"
    if name and not library.is_inner(name) then
      names[#names + 1] = name
    end
  end
  for name in pairs(NATIVE_HELP) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function read_scripts()
  local scripts = {}
  for _, path in ipairs(model.files()) do
    local name = path:match "^scripts/([%w_]+)%.lua$"
    if name then
      scripts[#scripts + 1] = {name = name, help = model.source(path):match "^%-%- ([^\n]*)"}
    end
  end
  return scripts
end

-- How scripts say the collection of a kind on a resource; nil where a property of the
-- resource has the same name, and below such a kind.
local function way_of(kind, by_name)
  local parent = by_name[kind.parent]
  if not (kind.member and parent) or parent.member and not parent.way and parent.parent then
    return nil
  end
  for _, field in ipairs(parent.fields) do
    if field.name == kind.member then
      return nil
    end
  end
  return variable(parent) .. "." .. kind.member
end

--- The rows of the model with what scripts make of them, but without verbs and examples.
-- @treturn table list of kinds: rows with `way`, `group`, `variable`, `prefix`; where a
--   module holds the kind, `where`: the names of the options of its verbs that say where; and
--   `extra`: what writing verbs understand besides properties, if there is such
-- @treturn table the same by name
function doc.kinds()
  local kinds, by_name = model.kinds(), {}
  for _, kind in ipairs(kinds) do
    by_name[kind.name] = kind
    kind.group, kind.variable = group_of(kind), variable(kind)
    kind.way = way_of(kind, by_name)
    kind.prefix = doc_examples.prefix(kind)
    kind.extra = EXTRA[kind.name]
    if kind.prefix and kind.prefix:find "%.$" then
      kind.where = WHERE[kind.prefix:sub(1, -2)] or IN_GROUP
    end
  end
  return kinds, by_name
end

--- All that the reference tells, for its renderers.
-- @treturn table `modules` (`name`, `help`, `text`, `functions`, `kind`), `kinds` (as `doc.kinds`
--   gives them, with verbs and examples) and `scripts`; in a stable order
function doc.gather()
  local kinds, by_name = doc.kinds()
  for _, kind in ipairs(kinds) do
    doc.verbs(kind)
  end
  doc_examples.add(kinds)
  local modules = {}
  for i, name in ipairs(doc.module_names()) do
    modules[i] = doc.module(name, by_name)
  end
  return {modules = modules, kinds = kinds, scripts = read_scripts()}
end

--- Print the reference of a module, a function, a kind or a property; or what there is.
-- @tparam[opt] string name
-- @tparam[opt=80] integer columns the width of the terminal
function doc.print(name, columns)
  require("doc_text").print(doc.gather(), name, math.tointeger(tonumber(columns)) or 80)
end

--- Write what a renderer makes: a document to the output, or files into a folder.
-- @tparam string face `html`, `json` or `luacats`
-- @tparam[opt] string folder where the files go; it must exist. Each gets `.part` behind its
--   name: the command gives them their names once all are there.
-- @raise failure `IOError` when a file cannot be written
function doc.render(face, folder)
  local made = require("doc_" .. face).render(doc.gather())
  if type(made) == "string" then
    io.write(made)
    return
  end
  for _, file in ipairs(made) do
    require("doc_text").write(folder .. "/" .. file.name .. ".part", file.text)
  end
end

return doc
