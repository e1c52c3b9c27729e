-- Help at the prompt: of values and of names.
local collection = require "collection"
local gateways = require "gateways"
local help = require "help"
local json = require "json"
local model = require "core.model"
local networks = require "networks"
local tasks = require "tasks"
local test = require "test"
local workspaces = require "workspaces"

local function first_line(text)
  return text:match "^[^\n]*"
end

test.case("functions are known by their value", function()
  local ws = workspaces.ensure("payments", {})
  local vnets = networks.virtual_networks
  local rows = {
    {gateways.create, "gateways.create(name, fields)"},
    {tasks.map, "tasks.map(list, fn, options)"},
    {networks.ensure_gateway_subnet, "networks.ensure_gateway_subnet(options)"},
    {vnets.ensure, "networks.virtual_networks.ensure(name, fields)"},
    {ws.apis.ensure, "ws.apis:ensure(name, fields)"},
    {ws.apis.import, "apis:import(name, fields)"},
    {ws.gateways, "workspace:gateways()"},
    {ws.update, "workspace:update(fields)"},
    {collection.load("gateway", "methods").attach, "gateway:attach(workspace)"},
    {string.format, "string.format(formatstring, ...)"},
    {print, "print(...)"},
  }
  for _, row in ipairs(rows) do
    test.equal(first_line(help.text(row[1])), row[2])
  end
  test.contains(help.text(tasks.map), "how many at once")
  test.contains(help.text(gateways.create), 'gateways.create("gw-7"')
  test.contains(help.text(string.format), "https://www.lua.org/manual/5.4/#pdf-string.format")
end)

test.case("modules, kinds, properties and objects have pages", function()
  local ws = workspaces.ensure("payments", {})
  test.equal(first_line(help.text(gateways)), "module gateways")
  test.equal(first_line(help.text(networks.virtual_networks)):match "^[^:]+", "virtual network")
  test.matches(help.text "gateway", "^gateway: .*\nproperties\n.*units: integer, 1 to 12 %(units%)")
  test.matches(help.text "gateway.units", "^units: integer, 1 to 12")
  test.equal(first_line(help.text "gateways.create"), "gateways.create(name, fields)")
  test.equal(first_line(help.text "string.format"), "string.format(formatstring, ...)")
  local page = help.text(ws)
  test.equal(first_line(page), "a workspace, 'payments'")
  test.contains(page, ":gateways")
  test.contains(page, "display_name: string (required)")
  test.matches(help.text(ws.apis), "^apis of workspace 'payments'\n.*:import")
  local task = tasks.spawn(function() end)
  test.contains(help.text(task), ":join")
  task:join()
  test.contains(help.text(string), "string.gsub(s, pattern, repl, n)")
  test.contains(help.text "math", "math.floor(x)")
  test.contains(help.text "while", "a word of Lua's grammar")
  test.contains(help.text "\\watch", "\\watch [EXPR] [EVERY]")
  test.equal(first_line(help.text({a = 1}, "t")), "a table with 1 member")
  test.equal(help.text(12, "n"), "a number, an integer")
end)

test.case("what is not known is said, with a near name", function()
  test.equal(help.text "gatewya", "there is no help on 'gatewya'; did you mean 'gateway'?")
  test.equal(help.text(nil, "gateways.craete"),
             "there is no help on 'gateways.craete'; did you mean 'gateways.create'?")
  test.equal(help.text(nil), "nil: nothing")
  local long = help.text(("x"):rep(100000))
  test.ok(#long < 200, long)
  test.equal(help.text("\27[2J"):find "\27", nil, "nothing goes to the terminal as it is")
  local own = load("return function(a, ...) end", "=line 3")()
  local function find_line(name)
    return name == "line 3" and "return function(a, ...) end" or nil
  end
  test.equal(help.text(own, "own", find_line), "own(a, ...)\n  a function that the reference does "
    .. "not tell of; it is defined in line 3")
  test.equal(first_line(help.text(own, "own")), "own(arg1, ...)")
end)

test.case("no value and no name raises", function()
  local function touch()
    error "touched"
  end
  local trap = setmetatable({}, {__index = touch, __pairs = touch, __len = touch, __eq = touch,
                                 __tostring = touch, __call = touch, __name = "trap"})
  for _, value in ipairs {0, 1.5, true, "", "%", "[", "a.b:c", "\\", "\\nothing", "\0", "(", trap,
                          {trap}, io.stderr, coroutine.create(touch), touch, json.null, _G} do
    for _, name in ipairs {false, "", "x", "%", "gateways"} do
      test.equal(type(help.text(value, name or nil)), "string")
      local text, reason = help.source(value)
      test.ok(type(text) == "string" or type(reason) == "string")
    end
  end
end)

test.case("the overview names all modules and kinds", function()
  local text = help.overview()
  for _, name in ipairs {"workspaces", "tasks", "json"} do
    test.contains(text, "\n  " .. name .. " ")
  end
  text = text:gsub("%s+", " ")
  for _, kind in ipairs(model.kinds()) do
    test.matches(text, "[,s] " .. kind.name .. "[, ]")
  end
end)

local function own(a)
  return a
end

test.case("functions show their source", function()
  local text = help.source(own)
  test.matches(text, "spec_help.lua, lines %d+ to %d+\nlocal function own%(a%)\n  return a\nend$")
  test.matches(help.source(tasks.map), "^stdlib/tasks.lua, lines %d+ to %d+\nfunction tasks.map%(")
  test.matches(help.source(tasks), "^stdlib/tasks.lua\n%-%-%- Run things.*return tasks$")
  local typed = load("x = 1\nreturn function(a)\n  return a end", "=line 7")()
  test.equal(help.source(typed, function(name)
    return name == "line 7" and "x = 1\nreturn function(a)\n  return a end" or nil
  end), "line 7, lines 2 to 3\nreturn function(a)\n  return a end")
end)

test.case("what has no source says why", function()
  local text, reason = help.source(print)
  test.equal(text, nil)
  test.contains(reason, "a function in C")
  test.contains(reason, "Print values")
  text, reason = help.source(load("return function() end", "=line 9")())
  test.equal(text, nil)
  test.matches(reason, "^its source cannot be read: the text of 'line 9' was not kept")
  text, reason = help.source(load("return function() end", "@/no/such/file.lua")())
  test.equal(text, nil)
  test.contains(reason, "/no/such/file.lua")
  test.equal(select(2, help.source(12)), "a number has no source: functions and modules have")
  test.contains(select(2, help.source(require "json")), "module json is in C")
end)
