-- The examples that are made from the rows, each kind's on a simulator of its own.
local doc = require "doc"
local sim = require "sim"
local test = require "test"

-- Examples that a test cannot run, and why.
local LEFT_OUT = {
  ["certificate.data"] = "takes the bytes of a certificate's file",
  ["notification create"] = "the service has all of them from the start",
}

-- Kinds without verbs of their own, and what scripts call for them.
local WITHOUT_VERBS = {
  ["resource group"] = "scripts are run in one that is there",
  ["role definition"] = "rbac.ensure_role", ["role assignment"] = "rbac.assign",
  ["deny assignment"] = "rbac.denials", permission = "rbac.can", lock = "arm.request",
}

local function run(code, name, env)
  return assert(load(code, "=" .. name, "t", env))()
end

-- Runs all examples of a kind. Each finds one that is there; what makes one, a new world.
local function run_examples(kind, wrong)
  local env = setmetatable({print = function() end}, {__index = function(_, name)
    return _G[name] or error("the setting has no " .. name, 0)
  end})
  local ensure
  local function start()
    sim.reset()
    run((kind.setting:gsub("%f[^%z\n]local ", "")), kind.name .. ": setting", env)
  end
  local function try(name, code, makes)
    if LEFT_OUT[name] then
      return
    end
    local function attempt()
      if ensure and not makes then
        run(ensure, name .. ": one", env)
      end
      run(code, name, env)
    end
    if makes then
      start()
    end
    local fine, why = pcall(attempt)
    if not fine and not makes then -- what others have set may be there to stay
      start()
      fine, why = pcall(attempt)
    end
    if not fine then
      wrong[#wrong + 1] = ("%s: %s\n    %s"):format(name, code, tostring(why))
    end
  end
  start()
  for _, verb in ipairs(kind.verbs) do
    ensure = verb.name == kind.prefix .. "ensure" and verb.examples[1] or ensure
  end
  for _, verb in ipairs(kind.verbs) do
    local name = verb.name:match "[%w_]+$"
    try(kind.name .. " " .. name, verb.examples[1], name == "create")
    if name == "delete" then
      start() -- some leave a name that is taken for a while
    end
  end
  local function try_fields(fields, path, is_new)
    for _, field in ipairs(fields) do
      if field.example then
        try(path .. "." .. field.name, field.example, is_new or field.immutable)
      end
      try_fields(field.items or {}, path .. "." .. field.name, is_new or field.immutable)
    end
  end
  try_fields(kind.fields, kind.name)
end

local kinds = doc.gather().kinds

test.each(kinds, "the examples of {name} run", function(kind)
  if not kind.prefix then
    test.ok(WITHOUT_VERBS[kind.name], "nothing leads to it")
    return
  end
  local wrong = {}
  run_examples(kind, wrong)
  test.ok(#wrong == 0, table.concat(wrong, "\n"))
end)

test.case("every verb and every writable property has an example", function()
  local verbs, properties = 0, 0
  for _, kind in ipairs(kinds) do
    for _, verb in ipairs(kind.verbs) do
      test.equal(#verb.examples, 1, verb.name)
      test.contains(verb.examples[1], verb.name)
      verbs = verbs + 1
    end
    local function look(fields, path, is_writable)
      for _, field in ipairs(fields) do
        local is_it = is_writable and not field.read_only
        test.equal(field.example ~= nil, is_it, path .. "." .. field.name)
        properties = properties + (field.example and 1 or 0)
        look(field.items or {}, path .. "." .. field.name, is_it)
      end
    end
    look(kind.fields, kind.name, kind.prefix ~= nil and kind.operations.put)
  end
  test.ok(verbs > 400 and properties > 400, ("%d verbs, %d properties"):format(verbs, properties))
end)

test.case("the faces show them", function()
  local reference = doc.gather()
  local example = 'ws.apis:update("invoices", {subscription_required = true})'
  local function is_in(text)
    test.contains(text, example)
  end
  is_in((require("doc_json").render(doc.gather()):gsub('\\"', '"')))
  for _, page in ipairs(require("doc_html").render(reference)) do
    if page.name == "kind-api.html" then
      is_in((page.text:gsub("&quot;", '"')))
    end
  end
end)
