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
