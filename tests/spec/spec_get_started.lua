-- The ready script for a first API.
local ledger = require "ledger"
local test = require "test"
local workspaces = require "workspaces"

local equal, contains = test.equal, test.contains

local file = assert(io.open "scripts/get_started.lua")
local source = file:read "a"
file:close()

-- What it prints, run with these arguments.
local function run(...)
  local lines = {}
  local env = setmetatable({print = function(text)
    lines[#lines + 1] = text
  end}, {__index = _G})
  assert(load(source, "=get_started", "t", env))(...)
  return table.concat(lines, "\n")
end

test.case("it does what its head says, and nothing the second time", function()
  local head = {}
  for line in source:match "%-%-\n(%-%-   api.-)%-%-\n":gmatch "%-%-   ([^\n]*)\n" do
    head[#head + 1] = line
  end
  equal(run("--workspace", "payments"), table.concat(head, "\n"))
  local _, writes = ledger.during(function()
    run("--workspace", "payments")
  end)
  equal(writes, 0)
  local product = workspaces.get "payments".products:get "starter"
  equal(product.apis:list()[1].name, "invoices")
  contains(product.policy:get().value, 'calls="5"')
end)

test.case("it takes a document of one's own", function()
  contains(run("--workspace", "w", "--api", "bills", "--import", "tests/spec/invoices.yaml",
               "--calls", "9"), "bills: 2 operations")
end)
