-- Completion and hints: each place where they help, and texts that make no sense.
local completion = require "completion"
local folder = require "core.folder"
local lexer = require "lexer"
local live_names = require "live_names"
local model = require "core.model"
local networks = require "networks"
local session = require "core.session"
local sim = require "sim"
local test = require "test"
local workspaces = require "workspaces"

local CURSOR = "|" -- where it is in the texts below

local function split(text)
  local before, after = text:match "^(.-)%|(.*)$"
  return (before or text) .. (after or ""), #(before or text)
end

local function at(text, env)
  local whole, cursor = split(text)
  return completion.at(whole, cursor, env or {}), whole
end

-- The texts of the candidates.
local function texts(text, env)
  local found = {}
  for i, candidate in ipairs(at(text, env).candidates) do
    found[i] = candidate.text
  end
  return found
end

local function has(list, ...)
  local set = {}
  for _, name in ipairs(list) do
    set[name] = true
  end
  for _, name in ipairs {...} do
    if not set[name] then
      test.fail(("no '%s' in: %s"):format(name, table.concat(list, " ")))
    end
  end
  return set
end

-- What stands there when the first candidate is taken.
local function taken(text, env)
  local found, whole = at(text, env)
  test.ok(found.candidates[1], text)
  return whole:sub(1, found.from - 1) .. found.candidates[1].text .. whole:sub(found.to)
end

-- ---- names ----

test.case("globals: own names, modules, Lua's, keywords", function()
  has(texts("", {mine = 1}), "mine", "workspaces", "gateways", "print", "string")
  test.equal(texts("workspa"), {"workspaces"})
  test.equal(texts("print(works"), {"workspaces"})
  test.equal(texts("unti"), {"until"})
  test.equal(taken "x = workspa|.get", "x = workspaces.get")
  test.equal(texts("local payments = 1\nprint(paym"), {"payments"})
  test.equal(has(texts "").completion, nil, "modules of the library's own are not for scripts")
end)

test.case("names that begin with _ come when they are asked for", function()
  local env = {_hidden = 1, shown = 2, t = {_a = 1, b = 2}}
  test.equal(has(texts("", env), "shown")._hidden, nil)
  test.equal(texts("_hid", env), {"_hidden"})
  test.equal(texts("t.", env), {"b"})
  test.equal(texts("t._", env), {"_a"})
end)

test.case("where nothing begins so, case and place count less", function()
  test.equal(texts "WORKSPA", {"workspaces"})
  test.equal(texts "spaces", {"workspaces"})
  test.equal(texts("t.al", {t = {ALpha = 1, alpine = 2}}), {"alpine"})
  test.equal(texts "nothing_of_this_name", {})
end)

test.case("members of tables are read without metamethods", function()
  local function touch()
    error "touched"
  end
  local trap = setmetatable({own = 1}, {__index = touch, __pairs = touch, __len = touch,
                                        __tostring = touch, __eq = touch, __call = touch})
  local behind = setmetatable({a = 1}, {__index = {b = print}})
  local env = setmetatable({trap = trap, behind = behind}, {__index = touch})
  test.equal(texts("trap.", env), {"own"})
  test.equal(texts("trap.other.", env), {})
  test.equal(texts("behind.", env), {"a", "b"})
  test.equal(texts("behind:", env), {"b"})
  test.equal(texts("trap().", env), {})
  has(texts("wor", env), "workspaces")
end)

test.case("members of modules, whether loaded or not", function()
  test.equal(texts "gateways.cr", {"create"})
  test.equal(texts "rbac.gran", {"grant"})
  test.equal(texts "networks.virtual_networks.ens", {"ensure"})
  test.equal(texts "string.fo", {"format"})
  test.equal(texts "tasks.spawn(f):j", {"join"})
  test.equal(texts '("x"):up', {"upper"})
  test.equal(texts 'workspaces.get("x").name:up', {"upper"})
  test.equal(texts 'gateways.get("x").network:up', {"upper"})
  test.equal(texts("gateways:"), {})
end)

-- ---- resources ----

test.case("resources: fields and collections with a dot, methods with a colon", function()
  local ws = workspaces.ensure("payments", {})
  local before = sim.requests().requests
  local env = {ws = ws, all = {ws}}
  local members = has(texts("ws.", env), "display_name", "apis", "products", "id", "name")
  test.equal(members.update, nil)
  has(texts("ws:", env), "update", "refresh", "delete", "gateways")
  has(texts("ws.apis:", env), "get", "ensure", "import", "list")
  test.equal(texts("all[1].disp", env), {"display_name"})
  test.equal(has(texts("ws.apis:", env)).refuse, nil)
  test.equal(sim.requests().requests, before)
end)

test.case("what verbs give is known without calling them", function()
  local before = sim.requests().requests
  for _, text in ipairs {
    'workspaces.get("payments").', 'workspaces.get "payments".', 'workspaces.ensure("p", {}).',
    "(workspaces.get(name)).", "workspaces.list()[1].",
    'local ws = workspaces.get("a")\nws.', "for ws in workspaces.each() do ws.",
    "for _, ws in ipairs(workspaces.list()) do ws.",
    "local ws, how = workspaces.ensure(n, {})\nws.",
  } do
    has(texts(text), "apis", "display_name")
  end
  has(texts 'workspaces.get("p").apis:', "import")
  has(texts 'workspaces.get("p").apis:get("a").operations:', "ensure")
  has(texts 'workspaces.get("p").apis:get("a"):', "export", "revise")
  has(texts "services.current().", "products")
  has(texts "networks.ensure_gateway_subnet{}.", "prefix")
  has(texts 'networks.subnets("vnet"):', "ensure")
  has(texts 'workspaces.get("p").products:get("x").apis:', "each")
  test.equal(texts "local a, b = workspaces.get(n)\nb.", {})
  test.equal(texts "local x = x.y\nx.", {})
  test.equal(sim.requests().requests, before)
end)

-- ---- options ----

test.case("options: what may be written, needed ones first, not what is given", function()
  local names = has(texts "gateways.create('x', {", "units = ", "network = ", "wait = ",
                    "resource_group = ")
  test.equal(names["provisioning_state = "], nil)
  test.equal(names["if_match = "], nil, "what is new has no etag")
  has(texts "workspaces.update('x', {", "if_match = ")
  test.equal(has(texts "gateways.update('x', {", "units = ")["network = "], nil,
             "it cannot be changed")
  test.equal(texts "gateways.create('x', { sk", {"sku = "})
  test.equal(texts "gateways.create('x', {location = 'a', |})"[1], "sku = ")
  test.equal(texts "gateways.create('x', {uni|, units = 2})", {})
  test.equal(taken "gateways.create('x', {uni| = 2})", "gateways.create('x', {units = 2})")
  test.equal(taken "gateways.create('x', {uni| =", "gateways.create('x', {units =")
  test.equal(taken "gateways.create('x', {uni| == 2", "gateways.create('x', {units =  == 2")
  test.equal(texts "workspaces.get('x', {", {"service = ", "resource_group = "})
end)

test.case("options of functions come from their comments", function()
  test.equal(texts "networks.ensure_gateway_subnet {vn", {"vnet = "})
  test.equal(texts "tasks.map(list, function(x) return {1} end, {", {"limit = "})
  has(texts "rbac.revoke {", "as = ", "group = ", "workspace = ")
  test.equal(texts "rbac.unassign {", {"principal = ", "role = ", "scope = "})
  has(texts "onboarding.run(teams, {", "gateway = ", "units = ")
  has(texts "onboarding.team {", "team = ", "display_name = ", "subnet_prefix = ")
end)

test.case("options of nested collections and of what they hold", function()
  local env = {ws = workspaces.ensure("payments", {})}
  has(texts("ws.apis:ensure('x', {", env), "path = ", "import = ", "wait = ")
  test.equal(texts("ws.apis:list {", env), {"filter = ", "top = "})
  test.equal(texts("ws.backends:ensure('x', {tls = {validate_certificate_n", env),
             {"validate_certificate_name = "})
  has(texts("ws:update {", env), "display_name = ", "description = ")
  has(texts("ws.apis:import('x', {", env), "file = ", "url = ", "path = ")
  has(texts("networks.security_groups.ensure('n', {rules = {{", env), "priority = ")
  test.equal(has(texts("networks.security_groups.ensure('n', {rules = {", env))["priority = "], nil)
end)

-- ---- values ----

test.case("values: choices and booleans, quoted rightly", function()
  test.equal(texts "gateways.create('x', {network = ", {'"none"', '"integration"', '"injection"'})
  test.equal(texts "gateways.create('x', {network = 'in", {"integration'", "injection'"})
  test.equal(texts "gateways.create('x', {network = inj", {'"injection"'})
  test.equal(taken "gateways.create('x', {network = 'inj|'})",
             "gateways.create('x', {network = 'injection'})")
  test.equal(taken "gateways.create('x', {network = [[inj",
             "gateways.create('x', {network = [[injection]]")
  test.equal(texts "gateways.create('x', {wait = ", {"true", "false"})
  test.equal(texts "networks.ensure_gateway_subnet {mode = 'i", {"integration'", "injection'"})
  test.equal(texts "rbac.assign {role = 'Key", {"Key Vault Secrets User'"})
  test.equal(texts "rbac.grant {gateway_role = ", {'"Reader"', '"Contributor"', '"Owner"'})
  test.equal(texts "ws = workspaces.get('a') ws.apis:ensure('x', {protocols = {'http",
             {"http'", "https'"})
  test.equal(at("gateways.create('x', {network = 'i").common, "in")
  test.equal(at("gateways.create('x', {network = i").common, '"in')
  test.equal(at("x = s").common, "s")
end)

test.case("modules, and what help knows, by their names", function()
  test.equal(texts 'require "gate', {'gateways"'})
  test.equal(texts "require('gate", {"gateways'"})
  test.equal(has(texts 'require "')['completion"'], nil)
  has(texts 'help "gate', 'gateway"', 'gateways"')
  test.equal(texts "help('api ver", {"api version set'"})
  test.equal(texts 'help "\\\\wat', {'\\\\watch"'})
end)

-- Has the names of the kind read.
local function read_names(text, env)
  local found = at(text, env)
  test.ok(found.is_missing, text)
  live_names.refresh(found.is_missing)
end

test.case("live names where verbs take them", function()
  local ws = workspaces.ensure("payments", {})
  workspaces.ensure("payroll", {})
  ws.products:ensure('say "gold"', {display_name = "Gold"})
  local env = {ws = ws}
  read_names('workspaces.get("', env)
  for _, text in ipairs {'workspaces.get("', 'workspaces.delete "', "workspaces.find('",
                         "workspaces.update('", "workspaces.exists(", "workspaces.get [["} do
    test.equal(#texts(text, env), 2, text)
  end
  test.equal(texts('workspaces.create("', env), {})
  test.equal(taken('workspaces.get("payr', env), 'workspaces.get("payroll"')
  test.equal(taken('workspaces.get(payr', env), 'workspaces.get("payroll"')
  test.equal(taken('workspaces.get("payr|")', env), 'workspaces.get("payroll")')
  test.equal(at('workspaces.get("p', env).common, "pay")
  read_names('ws.products:get("', env)
  test.equal(taken('ws.products:get("', env), 'ws.products:get("say \\"gold\\""')
  test.equal(taken("ws.products:get('", env), "ws.products:get('say \"gold\"'")
  test.equal(taken('ws.products:get("say \\"g', env), 'ws.products:get("say \\"gold\\""')
end)

test.case("resources that a property refers to: variables, and ids of live ones", function()
  local ws = workspaces.ensure("payments", {})
  local env = {ws = ws, second = ws, other = 1}
  read_names("workspaces.get '", env)
  test.equal(texts("gateways.get('g'):attach(", env), {"second", "ws", '"' .. ws.id .. '"'})
  test.equal(taken("gateways.get('g'):attach('pay", env),
             "gateways.get('g'):attach('" .. ws.id .. "'")
  networks.virtual_networks.ensure("vnet-apim", {address_prefixes = {"10.0.0.0/16"}})
  read_names("networks.ensure_gateway_subnet {vnet = '", env)
  test.equal(texts("networks.ensure_gateway_subnet {vnet = '", env), {"vnet-apim'"})
end)

test.case("5,000 names are there in less than 50 ms", function()
  local count = 5000
  sim.load {groups = {prefix = "team-", count = count, members = 1}}
  live_names.refresh(live_names.GROUPS)
  local names = live_names.get(live_names.GROUPS)
  for _, typed in ipairs {"", "team-", names[count], "TEAM-", names[7]:sub(3), "nothing"} do
    local text = 'entra.group("' .. typed
    local before = os.clock()
    local found = completion.at(text, #text, {})
    test.ok(os.clock() - before < 0.05, typed)
    test.ok(#found.candidates <= 200)
    test.ok(found.total <= count and (found.total > 0) == (typed ~= "nothing"), typed)
  end
  local all = at 'entra.group("'
  test.equal(all.total, count)
  test.equal(#all.candidates, 200)
  test.equal(all.common:sub(1, 5), "team-")
end)

-- ---- commands ----

test.case("commands and their arguments", function()
  package.loaded.prompt_commands = {
    find = function() end,
    watch = {usage = "\\watch EXPR [every]", help = "runs it again and again"},
    use = {usage = "\\use PROFILE", help = "goes over"},
    timing = {usage = "\\timing [on|off]", help = "times"},
    ["read-only"] = {usage = "\\read-only on|off", help = "guards"},
  }
  test.equal(texts "\\wa", {"\\watch"})
  test.equal(texts "\\find", {})
  test.equal(taken "\\rea", "\\read-only")
  test.equal(texts "\\timing o", {"on", "off"})
  test.equal(texts "\\timing of", {"off"})
  test.equal(taken "\\watch gateways.li", "\\watch gateways.list")
  session.profiles = function() return {"production", "staging"} end
  test.equal(texts "\\use ", {"production", "staging"})
  test.equal(taken "\\use st", "\\use staging")
  session.profiles = function() error "the file cannot be read" end
  test.equal(texts "\\use ", {})
  package.loaded.prompt_commands = nil
end)

test.case("names of files, folders with a slash", function()
  local there = {[""] = {"notes.txt"}, ["."] = {"a.lua", "all of it.lua", "lib/", "b\n.lua"},
                 ["lib/"] = {"inner.lua"}, [os.getenv "HOME" .. "/"] = {"own.lua"}}
  local entries = folder.entries
  folder.entries = function(path) return there[path] end
  test.equal(texts "\\load ", {"a.lua", "all of it.lua", "lib/"})
  test.equal(taken "\\edit all o", "\\edit all of it.lua")
  test.equal(taken "\\save! lib/", "\\save! lib/inner.lua")
  test.equal(taken "\\save ~/o", "\\save ~/own.lua")
  test.equal(texts "\\save nowhere/", {})
  folder.entries = entries
end)

test.case("what a folder holds", function()
  has(folder.entries ".", "README.md", "stdlib/")
  test.equal(folder.entries "README.md", nil)
  test.equal(folder.entries "no such folder", nil)
end)

-- ---- hints ----

local function hint(text, env)
  local whole, cursor = split(text)
  return completion.hint(whole, cursor, env or {})
end

test.case("hints mark the argument that is being typed", function()
  test.matches(hint "gateways.create(", "^%(<name>, fields%): ")
  test.matches(hint "gateways.create('x', ", "^%(name, <fields>%): ")
  test.matches(hint "gateways.delete 'x", "^%(<name>, options%): ")
  test.matches(hint "tasks.map(list, function(a, b) return a, b end, ", "<options>")
  test.matches(hint "string.format('%d', 1, 2", "^%(formatstring, <...>%)")
  test.matches(hint "networks.ensure_gateway_subnet {", "^%(<options>%)")
  test.equal(hint "gateways.create('x', {units = 2, sk|",
             hint "gateways.create('x', {sk|")
end)

test.case("hints tell of a property: type, unit, limits", function()
  local units = "units: integer, 1 to 12 (units). Scale units, 1 by default; "
    .. "the price goes by them."
  test.equal(hint "gateways.create('x', {units", units)
  test.equal(hint "gateways.create('x', {sku = 'a', units = ", units)
  test.matches(hint "networks.ensure_gateway_subnet {mode = 'i", "^mode: string, required%. ")
  test.matches(hint "tasks.map(a, b, {limit", "^limit: integer, 64 if not given%. ")
end)

test.case("hints tell what a command takes", function()
  test.matches(hint "\\watch ", "^%[EXPR%] %[EVERY%]: shows EXPR")
  test.equal(hint "\\load ", "FILE: runs a file as one line")
  for _, text in ipairs {"\\watch", "\\watch x", "\\q ", "\\no-such ", "\\"} do
    test.equal(hint(text), nil, text)
  end
end)

test.case("there is no hint where there is nothing to say", function()
  for _, text in ipairs {"", "gateways", "gateways.", "gateways.create", "x = 1", "f(", "(1 + ",
                         "-- gateways.create(", "function f(a, ", "gateways.create()",
                         "tasks.spawn(function() ", "\\watch gateways.list("} do
    test.equal(hint(text), nil, text)
  end
end)

test.case("hints are fast, whatever is pasted", function()
  local function seconds(text)
    completion.hint(text, #text, {})
    local before = os.clock()
    for _ = 1, 20 do
      completion.hint(text, #text, {})
    end
    return (os.clock() - before) / 20
  end
  test.ok(seconds "gateways.create('gw-7', {units = 2, network = 'integration', sub" < 0.005)
  for _, text in ipairs {"(", "{", "f(", "a.", "x=", "((]]", "a,", "'", "[[", "--[["} do
    test.ok(seconds(text:rep(1000000 // #text)) < 0.05, text)
  end
end)

-- ---- any text ----

-- Pieces of real texts and of none.
local function pieces()
  local found = {}
  for _, path in ipairs {"stdlib/gateways.lua", "stdlib/networks.lua", "scripts/get_started.lua"} do
    for _, token in ipairs(lexer.tokens(model.source(path) or "")) do
      found[#found + 1] = token.text
    end
  end
  for _, text in ipairs {"(", "{", "[", ")", "}", "]", "'", '"', "[[", "--", "\\", ".", ":", ",",
                         "=", " ", "\n", "\xff", "\0", "é", "ws", "gateways", "workspaces", "get",
                         "ws.apis:", "networks", "function", "end", "\\watch "} do
    for _ = 1, 20 do
      found[#found + 1] = text
    end
  end
  return found
end

local function check_result(found, text, cursor)
  test.ok(found.from >= 1 and found.from <= found.to, text)
  test.equal(found.to, cursor + 1)
  test.ok(#found.candidates <= 200 and found.total >= #found.candidates, text)
  test.equal(type(found.common), "string")
end

test.case("no text and no cursor raises, waits or asks the service", function()
  local env = {ws = workspaces.ensure("payments", {}), t = {a = 1}, f = function() end}
  local before = sim.requests().requests
  local parts = pieces()
  math.randomseed(20000)
  for _ = 1, 20000 do
    local chosen = {}
    for i = 1, math.random(1, 12) do
      chosen[i] = parts[math.random(#parts)]
    end
    local text = table.concat(chosen, math.random(2) == 1 and " " or "")
    local cursor = math.random(0, #text)
    local is_fine, found = pcall(completion.at, text, cursor, env)
    test.ok(is_fine, ("%q at %d: %s"):format(text, cursor, tostring(found)))
    check_result(found, text, cursor)
    local reason
    is_fine, reason = pcall(completion.hint, text, cursor, env)
    test.ok(is_fine, ("%q at %d: %s"):format(text, cursor, tostring(reason)))
    test.ok(reason == nil or not reason:find "\n", text)
  end
  test.equal(sim.requests().requests, before)
end)
