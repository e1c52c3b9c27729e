-- The reference: whole, with links that lead somewhere and definitions that Lua can read.
local doc = require "doc"
local json = require "json"
local model = require "core.model"
local test = require "test"

local function each_field(fields, path, call)
  for _, field in ipairs(fields) do
    call(field, path .. "." .. field.name)
    each_field(field.items or {}, path .. "." .. field.name, call)
  end
end

test.case("every property has help, a type and a path", function()
  for _, kind in ipairs(doc.gather().kinds) do
    test.ok(kind.help, kind.name)
    each_field(kind.fields, kind.name, function(field, name)
      test.ok(field.help, name)
      test.ok(field.type, name)
      test.ok(field.path, name)
    end)
  end
end)

test.case("every page is closed and every link leads to a page", function()
  local names = {}
  local pages = require("doc_html").render(doc.gather())
  for _, page in ipairs(pages) do
    test.equal(names[page.name], nil, "two pages " .. page.name)
    names[page.name] = true
  end
  for _, page in ipairs(pages) do
    for target in page.text:gmatch 'href="([^"]*)"' do
      test.ok(names[target], page.name .. " -> " .. target)
    end
    for _, tag in ipairs {"p", "pre", "dl", "dt", "dd", "ul", "li", "main", "h2", "h3"} do
      local _, opened = page.text:gsub("<" .. tag .. ">", "")
      local _, closed = page.text:gsub("</" .. tag .. ">", "")
      test.equal(opened, closed, page.name .. ": " .. tag)
    end
  end
end)

test.case("the JSON document has every kind with all its properties", function()
  local document = json.decode(require("doc_json").render(doc.gather()))
  test.equal(document.schema, 1)
  local kinds = model.kinds()
  test.equal(#document.kinds, #kinds)
  for i, kind in ipairs(kinds) do
    test.equal(document.kinds[i].name, kind.name)
    test.equal(#document.kinds[i].fields, #kind.fields, kind.name)
  end
end)

test.case("the definitions are Lua", function()
  for _, file in ipairs(require("doc_luacats").render(doc.gather())) do
    test.ok(load(file.text, "=" .. file.name, "t"), file.name)
  end
end)

-- Names in a script that a module which it requires does not have by the reference.
local function unknown_names(source)
  local known, unknown = {}, {}
  for _, module in ipairs(doc.gather().modules) do
    known[module.name] = {is_native = model.source("stdlib/" .. module.name .. ".lua") == nil}
    for name in (module.help or ""):gmatch("`" .. module.name .. "%.([%w_]+)`") do
      known[module.name][name] = true -- what may be nil
    end
    for _, fn in ipairs(module.functions) do
      known[module.name][fn.name:match "[%w_]+$"] = true
    end
  end
  for variable, module in source:gmatch 'local ([%w_]+) = require "([%w_]+)"' do
    for name in source:gmatch("%f[%w_.]" .. variable .. "%.([%w_]+)") do
      local of_module = known[module] or {} -- none of those that scripts do not require
      if not of_module[name] and not (module == "log" or require(module)[name] ~= nil) then
        unknown[#unknown + 1] = module .. "." .. name
      end
    end
  end
  return unknown
end

test.case("every class that the definitions name is in them", function()
  local all, known, used = {}, {}, 0
  for i, file in ipairs(require("doc_luacats").render(doc.gather())) do
    all[i] = file.text
  end
  local text = table.concat(all, "\n")
  for name in text:gmatch "%-%-%-@class ([%w_.]+)" do
    known[name] = true
  end
  for line in text:gmatch "%-%-%-@%a+ [^\n]*" do
    local types = line:match "^%-%-%-@param %S+ (%S+)" or line:match "^%-%-%-@return (%S+)"
      or line:match "^%-%-%-@overload (.*)" or line:match "^%-%-%-@field %S+ (%S+)"
      or line:match "^%-%-%-@class [%w_.]+ : (%S+)" or ""
    for name in types:gmatch "moongate%.[%w_.]*[%w_]" do
      test.ok(known[name], line)
      used = used + 1
    end
  end
  test.ok(used > 500, used)
end)

-- What each kind's resources have: properties, collections, methods.
local function members_of_kinds(reference)
  local members, collections = {}, {}
  for _, kind in ipairs(reference.kinds) do
    local own = {id = true, name = true, kind = true, etag = true, raw = true, update = true,
                 refresh = true, delete = true}
    for _, field in ipairs(kind.fields) do
      own[field.name] = true
    end
    members[kind.name], collections[kind.name] = own, {}
  end
  for _, kind in ipairs(reference.kinds) do
    if kind.way then
      members[kind.parent][kind.member] = true
      collections[kind.parent][kind.member] = kind.name
    end
  end
  for _, module in ipairs(reference.modules) do
    for _, fn in ipairs(module.functions) do
      local subject, name = fn.name:match "^([%w_]+):([%w_]+)$"
      local own = subject and members[(subject:gsub("_", " "))]
      if own then
        own[name] = true
      end
    end
  end
  return members, collections
end

local MAKERS = {get = true, find = true, create = true, ensure = true, update = true}

-- Members of resources in a script that their kinds do not have: variables are followed that
-- hold what a verb of a module, or of a collection of such a variable, gives.
local function unknown_members(source)
  local reference, kinds, unknown = doc.gather(), {}, {}
  local members, collections = members_of_kinds(reference)
  for variable, module, verb in source:gmatch "local ([%w_]+)[%w_, ]* = ([%w_]+)%.([%w_]+)%(" do
    for _, row in ipairs(reference.modules) do
      kinds[variable] = row.name == module and MAKERS[verb] and row.kind or kinds[variable]
    end
  end
  for variable, on, member, verb in
    source:gmatch "local ([%w_]+)[%w_, ]* = ([%w_]+)%.([%w_]+):([%w_]+)%(" do
    kinds[variable] = MAKERS[verb] and kinds[on] and collections[kinds[on]][member]
      or kinds[variable]
  end
  local count = 0
  for variable, kind in pairs(kinds) do
    for name in source:gmatch("%f[%w_.]" .. variable .. "[.:]([%a_][%w_]*)") do
      count = count + 1
      unknown[#unknown + 1] = not members[kind][name] and variable .. "." .. name or nil
    end
  end
  return unknown, count
end

test.case("scripts use only what resources have, and a member of nothing is found", function()
  for _, path in ipairs(model.files()) do
    if path:find "^scripts/.*%.lua$" then
      test.equal(unknown_members(model.source(path)), {}, path)
    end
  end
  local source = model.source "scripts/get_started.lua"
  test.ok(select(2, unknown_members(source)) >= 6)
  for right, wrong in pairs {["workspace%.apis"] = "workspace.apsi",
                             ["product:add"] = "product:ad",
                             ["product%.policy"] = "product.polcy"} do
    local mutated, changes = source:gsub(right, wrong)
    test.ok(changes > 0, right)
    test.equal(unknown_members(mutated)[1], (wrong:gsub(":", ".")))
  end
end)

test.case("scripts call only what there is, and a call of nothing is found", function()
  for _, path in ipairs(model.files()) do
    if path:find "^scripts/.*%.lua$" then
      test.equal(unknown_names(model.source(path)), {}, path)
    end
  end
  local source = model.source "scripts/bulk_onboard.lua"
  test.equal(unknown_names((source:gsub("onboarding%.read_csv", "onboarding.read_cvs"))),
             {"onboarding.read_cvs"})
end)

test.case("what a doc comment calls optional is", function()
  for _, module in ipairs(doc.gather().modules) do
    for _, fn in ipairs(module.functions) do
      if fn.name == "tasks.map" then
        test.equal(fn.params[4], {name = "options.limit", type = "integer", optional = true,
                                  default = "64", help = "how many at once"})
        return
      end
    end
  end
  test.fail "there is no tasks.map"
end)

-- Whether the function that stands in a source gives something, by its own last lines.
local function gives_something(source, fn)
  local name = fn.name:match "[%w_]+$"
  local body = source:match("\nfunction [%w_]+[.:]" .. name .. "%b()(.-)\nend\n")
  return body and body:find "\n  return [^\n]" ~= nil
end

test.case("every function has typed arguments, and a type for what it gives", function()
  local wrong, count = {}, 0
  for _, module in ipairs(doc.gather().modules) do
    local source = model.source("stdlib/" .. module.name .. ".lua")
    for _, fn in ipairs(module.functions) do
      local typed = {}
      for _, param in ipairs(fn.params) do
        typed[param.name] = param.type ~= nil
      end
      for name in (fn.is_verb and "" or fn.arguments):gmatch "[%w_.]+" do
        wrong[#wrong + 1] = not typed[name] and fn.name .. ": " .. name or nil
        count = count + 1
      end
      for _, value in ipairs(fn.returns) do
        wrong[#wrong + 1] = not value.type and fn.name .. ": gives" or nil
      end
      if #fn.returns == 0 and source and not (fn.is_verb or fn.is_native)
        and gives_something(source, fn) then
        wrong[#wrong + 1] = fn.name .. ": gives something"
      end
    end
  end
  test.equal(wrong, {})
  test.ok(count > 150, count)
end)

test.case("every native function that scripts can call is told", function()
  local wrong = {}
  for _, module in ipairs(doc.gather().modules) do
    if not model.source("stdlib/" .. module.name .. ".lua") then
      local told = {}
      for _, fn in ipairs(module.functions) do
        told[fn.name] = true
      end
      for name, value in pairs(require(module.name)) do
        local full = module.name .. "." .. name
        wrong[#wrong + 1] = type(value) == "function" and not told[full] and full or nil
      end
    end
  end
  table.sort(wrong)
  test.equal(wrong, {})
end)

test.case("a name that is nearly one is taken for it", function()
  local reference, nearest = doc.gather(), require("doc_text").nearest
  for name, meant in pairs {
    ["gatewya.units"] = "gateway.units", ["api.display_nam"] = "api.display_name",
    ["backend.tls.validate_certificate_chian"] = "backend.tls.validate_certificate_chain",
    ["ws.apsi"] = "ws.apis", ["workspaces.ensrue"] = "workspaces.ensure",
    ["ws.apis:ensrue"] = "ws.apis:ensure", ["workspcae"] = "workspace",
  } do
    test.equal(nearest(reference, name), meant)
  end
  test.equal(nearest(reference, "zzzzzzzzzzzz"), nil)
end)

test.case("a file that cannot be written is named", function()
  test.raises("/nowhere/page.html: No such file", require("doc_text").write,
              "/nowhere/page.html", "text")
end)
