-- Promote: what is exported from one service, applied to another and exported from there, is
-- the same; a second time nothing is written; mistakes are told before anything is.
local core = require "core.resources"
local env = require "env"
local extract = require "extract"
local folder = require "core.folder"
local onboarding = require "onboarding"
local services = require "services"
local sim = require "sim"
local tasks = require "tasks"
local test = require "test"
local workspaces = require "workspaces"

local contains, equal, ok, raises = test.contains, test.equal, test.ok, test.raises

local OPENAPI = [[
openapi: 3.0.1
info: {title: %s, version: '1.0'}
servers: [{url: https://%s.contoso.example}]
paths:
  /things:
    get:
      operationId: list
      parameters: [{name: page, in: query, schema: {type: integer, default: 1}}]
      responses:
        '200': {description: All, content: {application/json: {schema: {$ref:
          '#/components/schemas/Thing'}}}}
  /things/{id}:
    get: {operationId: get-one, responses: {'200': {description: One}}}
components: {schemas: {Thing: {type: object}}}
]]
local POLICY = "<policies>\n  <inbound>\n    <base />\n    <set-header name=\"x\""
  .. " exists-action=\"override\">\n      <value>@(context.Request.Headers[\"a\"] + \"&\")</value>"
  .. "\n    </set-header>\n  </inbound>\n</policies>"

local SECRETS = {PAYMENTS_NAMED_VALUES_ERP_KEY_VALUE = "s3cret"}

local function fresh(name)
  local path = ("%s/%s-%d"):format(env.get "XDG_STATE_HOME" or "/tmp", name, math.random(1 << 40))
  folder.make(path)
  return path
end

local function read(path, file)
  local handle = assert(io.open(path .. "/" .. file))
  local text = handle:read "a"
  handle:close()
  return text
end

local function files_of(path)
  local list, texts = folder.list(path), {}
  table.sort(list)
  for i, file in ipairs(list) do
    texts[i] = file .. "\n" .. read(path, file)
  end
  return table.concat(texts, "\n")
end

local function clean(path)
  for _, file in ipairs(folder.list(path)) do
    folder.remove(path, file)
  end
end

local function make_api(ws, i)
  local name = ("api-%02d"):format(i)
  local api = ws.apis:ensure(name, {
    path = name, import = {text = OPENAPI:format(name, name), format = "openapi"}})
  api.policy:set(POLICY)
  api.operations:get("list").policy:set(POLICY)
  return api
end

-- A workspace with `apis` APIs, half as many products, and subscriptions.
local function build(apis, subscriptions)
  local ws = workspaces.ensure("payments", {display_name = "Payments", description = "All of\nit"})
  ws.policy:set(POLICY)
  ws.named_values:ensure("region", {value = "eu"})
  ws.named_values:ensure("erp-key", {secret = true, value = "s3cret"})
  ws.backends:ensure("erp", {url = "https://erp.contoso.example", protocol = "http"})
  ws.policy_fragments:ensure("log", {value = "<fragment>\n  <base />\n</fragment>",
                                     description = "Logs."})
  local set = ws.version_sets:ensure("things", {versioning_scheme = "Segment"})
  local list = {}
  for i = 1, apis do
    list[i] = i
  end
  tasks.map(list, function(i)
    local api = make_api(ws, i)
    if i % 2 == 0 then
      local product = ws.products:ensure(("product-%02d"):format(i // 2),
                                         {subscription_required = true})
      product:add(api)
      product.policy:set(POLICY)
    end
  end, {limit = 8})
  ws.apis:update("api-01", {version = "v1", version_set = set})
  ws.tags:ensure("fast", {}):add(ws.apis:get "api-01")
  for i = 1, subscriptions do
    ws.subscriptions:ensure(("s-%02d"):format(i), {
      scope = ws.products:get(("product-%02d"):format(i % (apis // 2) + 1))})
  end
  return ws
end

local function second_service()
  return services.ensure("second", {location = "westeurope", sku = "Premium", capacity = 1,
                                    publisher_email = "api@contoso.example",
                                    publisher_name = "Contoso"})
end

test.case("what is promoted is the same, and a second time nothing is written", function()
  local first, again = fresh "first", fresh "again"
  build(20, 50)
  local second = second_service()
  local report = extract.write(first)
  equal(report.workspaces, 1)
  ok(not files_of(first):find("s3cret", 1, true), "a secret is in the folder")
  local made = onboarding.apply(first, {service = second.name, secrets = SECRETS})
  equal({made.created, made.changed}, {149, 0})
  extract.write(again, {service = second.name})
  equal(files_of(again), files_of(first))
  equal(core.get("named value", second.id .. "/workspaces/payments", "erp-key"):reveal(), "s3cret")
  local before = #sim.log()
  made = onboarding.apply(first, {service = second.name, secrets = SECRETS})
  equal({made.created, made.changed, made.deleted}, {0, 0, 0})
  -- reading a secret to compare it is a POST
  for i, request in ipairs(sim.log()) do
    if i > before and request.method ~= "GET" and request.method ~= "HEAD" then
      contains(request.path, "/listValue")
    end
  end
  clean(first)
  clean(again)
end)

test.case("an export replaces an earlier one, and no other folder", function()
  local path = fresh "export"
  local ws = workspaces.ensure("payments", {})
  ws.tags:ensure("old", {})
  extract.write(path)
  ok(files_of(path):find("tags/old/tag.lua", 1, true))
  ws.tags:delete "old"
  extract.write(path)
  ok(not files_of(path):find("tags/old/tag.lua", 1, true))
  clean(path)
  folder.write(path, "mine.txt", "mine")
  contains(raises("IOError", extract.write, path).message, "no export")
  folder.remove(path, "mine.txt")
end)

test.case("an unknown workspace is told with the near name", function()
  workspaces.ensure("payments", {})
  raises("did you mean 'payments'", extract.write, fresh "near", {workspaces = {"paymens"}})
end)

local function small(path)
  local ws = workspaces.ensure("payments", {display_name = "Payments"})
  ws.tags:ensure("fast", {})
  ws.named_values:ensure("erp-key", {secret = true, value = "s3cret"})
  ws.backends:ensure("erp", {url = "https://erp.contoso.example", protocol = "http"})
  extract.write(path)
  return ws
end

local MISTAKES = {
  {"a table that is none", "workspaces/payments/tags/fast/tag.lua", "return {", "tag.lua:1"},
  {"no table", "workspaces/payments/tags/fast/tag.lua", "return 1", "it returns no table"},
  {"an unknown field", "workspaces/payments/tags/fast/tag.lua", "return {dispaly_name = 'x'}",
   "dispaly_name"},
  {"a limit", "workspaces/payments/tags/fast/tag.lua",
   "return {display_name = '" .. ("x"):rep(161) .. "'}", "at most 160"},
  {"a way out", "workspaces/payments/tags/fast/tag.lua", "return require 'run'", "tag.lua:1"},
  {"a missing file", "workspaces/payments/products/p/policy.xml", "<policies />",
   "the file of the product 'p' is missing"},
  {"a policy", "workspaces/payments/policy.xml", "<policies>\n<inbound>", "line 2"},
  {"an unknown place", "workspaces/payments/things/a.lua", "return {}", "nothing is known"},
  {"a missing reference", "workspaces/payments/subscriptions/s.lua",
   "return {display_name = 's', scope = '${service}/workspaces/payments/products/none'}",
   "is not in the folder"},
  {"an unknown variable", "workspaces/payments/tags/fast/tag.lua",
   "return {display_name = '${nothing}'}", "no variable 'nothing'"},
}

for _, mistake in ipairs(MISTAKES) do
  test.case("before anything is written it is told: " .. mistake[1], function()
    local path = fresh "mistake"
    small(path)
    folder.write(path, mistake[2], mistake[3])
    local before = sim.requests().by_class.arm_writes
    local failure = raises("InvalidEstate", onboarding.apply, path, {secrets = SECRETS})
    contains(failure.message, mistake[4])
    equal(sim.requests().by_class.arm_writes, before)
    clean(path)
  end)
end

test.case("all secrets that are missing are named at once", function()
  local path = fresh "secrets"
  local ws = small(path)
  ws.named_values:ensure("two", {secret = true, value = "x"})
  extract.write(path)
  local failure = raises("InvalidEstate", onboarding.apply, path)
  contains(failure.message, "PAYMENTS_NAMED_VALUES_ERP_KEY_VALUE")
  contains(failure.message, "PAYMENTS_NAMED_VALUES_TWO_VALUE")
  clean(path)
end)

test.case("an environment overrides what differs there", function()
  local path = fresh "overrides"
  local ws = small(path)
  local report = onboarding.apply(path, {secrets = SECRETS, overrides = {
    variables = {stage = "test"},
    ["workspaces/payments/backends/erp"] = {url = "https://${stage}.contoso.example"},
  }})
  equal(report.changed, 1)
  equal(ws.backends:get("erp").url, "https://test.contoso.example")
  local failure = raises("InvalidEstate", onboarding.apply, path, {secrets = SECRETS, overrides = {
    ["workspaces/payments/backends/erb"] = {url = "https://x.example"}}})
  contains(failure.message, "did you mean 'workspaces/payments/backends/erp")
  clean(path)
end)

test.case("pruning deletes what the folder does not have", function()
  local path = fresh "prune"
  local ws = small(path)
  ws.tags:ensure("more", {})
  ws.products:ensure("more", {})
  equal(onboarding.apply(path, {secrets = SECRETS}).deleted, 0)
  equal(onboarding.apply(path, {secrets = SECRETS, prune = true}).deleted, 2)
  ok(not ws.tags:exists "more")
  ok(ws.tags:exists "fast")
  clean(path)
end)
