-- The examples of the functions' doc comments, each on a simulator of its own.
local doc = require "doc"
local test = require "test"

-- Examples that a test cannot run, and why.
local LEFT_OUT = {
  ["apis:import"] = "reads a file",
  ["onboarding.read_csv"] = "reads a file",
  ["test.after_each"] = "belongs at the top of a file of tests",
  ["test.before_each"] = "belongs at the top of a file of tests",
  ["test.case"] = "belongs at the top of a file of tests",
  ["test.each"] = "belongs at the top of a file of tests",
  ["test.fail"] = "fails",
  ["test.world"] = "belongs at the top of a file of tests",
}

-- What examples may use without saying where it comes from.
local function prelude()
  local env = {}
  for _, name in ipairs {"clock", "dns", "entra", "gateways", "networks", "onboarding", "rbac",
                         "show", "sim", "tasks", "test", "workspaces"} do
    env[name] = require(name)
  end
  env.ws = env.workspaces.ensure("payments", {})
  env.gw = env.gateways.ensure("gw-7", {network = "none"})
  env.team = env.entra.ensure "api-team-payments"
  env.api = env.ws.apis:ensure("invoices", {display_name = "Invoices", path = "invoices"})
  env.named_value = env.ws.named_values:ensure("key", {display_name = "key", value = "v",
                                                       secret = true})
  env.next_one = env.api:revise {}
  env.product = env.ws.products:ensure("gold", {})
  env.subscription = env.ws.subscriptions:ensure("mobile", {scope = env.product})
  env.tag = env.ws.tags:ensure("finance", {})
  env.teams = env.onboarding.check {{team = "payments", display_name = "Payments",
                                     group = "api-team-payments"}}
  env.failure = {message = "gateway 'gw-7': no answer"}
  env.first, env.second = {etag = "1"}, {etag = "2"}
  env.work = env.tasks.yield
  function env.slow()
    env.tasks.sleep "1h"
  end
  function env.fast()
    return "fast"
  end
  return setmetatable(env, {__index = _G})
end

local examples = {}
for _, module in ipairs(doc.gather().modules) do
  for _, fn in ipairs(module.functions) do
    for i, example in ipairs(fn.is_verb and {} or fn.examples) do -- those: spec_doc_rows.lua
      examples[#examples + 1] = {name = fn.name, number = i, code = example}
    end
  end
end

test.each(examples, "the example {number} of {name} runs", function(row)
  local chunk = assert(load(row.code, "=" .. row.name, "t", prelude()))
  if LEFT_OUT[row.name] then
    test.skip(LEFT_OUT[row.name])
  end
  chunk()
end)
