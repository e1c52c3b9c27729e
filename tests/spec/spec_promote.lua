-- Promote: what is exported from one service, applied to another and exported from there, is
-- the same; a second time nothing is written; mistakes are told before anything is.
local arm = require "arm"
local entra = require "entra"
local env = require "env"
local extract = require "extract"
local folder = require "core.folder"
local gateways = require "gateways"
local onboarding = require "onboarding"
local rbac = require "rbac"
local resources = require "core.resources"
local scope = require "scope"
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

-- What the ledger has.
local function written()
  return sim.created() + sim.changed() + sim.deleted()
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
  local next_one = ws.apis:get "api-02":revise {description = "Adds more."}
  next_one:make_current()
  ws.apis:get "api-02":revise {description = "Not yet."}.policy:set(POLICY)
  ws.tags:ensure("fast", {}):add(ws.apis:get "api-01")
  for i = 1, subscriptions do
    ws.subscriptions:ensure(("s-%02d"):format(i), {
      scope = ws.products:get(("product-%02d"):format(i % (apis // 2) + 1))})
  end
  return ws
end

-- A service in another resource group.
local function second_service()
  arm.request {method = "PUT", path = scope.subscription() .. "/resourceGroups/rg-second",
               query = {["api-version"] = "2021-04-01"}, body = {location = "westeurope"}}
  return services.ensure("second", {resource_group = "rg-second",
                                    location = "westeurope", sku = "Premium", capacity = 1,
                                    publisher_email = "api@contoso.example",
                                    publisher_name = "Contoso"})
end

test.case("what is promoted is the same, and a second time nothing is written", function()
  local first, again = fresh "first", fresh "again"
  build(20, 50)
  local second = second_service()
  local options = {service = second.name, resource_group = "rg-second", secrets = SECRETS}
  local report = extract.write(first)
  equal(report.workspaces, 1)
  ok(not files_of(first):find("s3cret", 1, true), "a secret is in the folder")
  local made = onboarding.apply(first, options)
  -- the first revision of api-02 is there with it, and gets what is in its own folder
  equal({made.created, made.changed}, {154, 1})
  extract.write(again, {service = second.name, resource_group = "rg-second"})
  equal(files_of(again), files_of(first))
  local key = resources.get("named value", second.id .. "/workspaces/payments", "erp-key")
  equal(key:reveal(), "s3cret")
  local before, sent = written(), sim.requests().by_class.arm_writes
  made = onboarding.apply(first, options)
  equal({made.created, made.changed, made.deleted}, {0, 0, 0})
  equal(written(), before)
  -- the values of the two named values are read by POST
  equal(sim.requests().by_class.arm_writes - sent, 2)
  clean(first)
  clean(again)
end)

test.case("an apply that is stopped in the middle is completed by another", function()
  local first, again = fresh "first", fresh "again"
  build(6, 10)
  extract.write(first)
  local second = second_service()
  local options = {service = second.name, resource_group = "rg-second", secrets = SECRETS}
  local task = tasks.spawn(onboarding.apply, first, options)
  while sim.created "/service/second/" < 20 do
    ok(task:status() == "waiting" or task:status() == "ready", task:status())
    tasks.sleep(0.01)
  end
  task:cancel()
  local made = onboarding.apply(first, options)
  ok(made.created > 0 and made.unchanged > 0,
     ("%d created, %d unchanged"):format(made.created, made.unchanged))
  extract.write(again, {service = second.name, resource_group = "rg-second"})
  equal(files_of(again), files_of(first))
  for _, row in ipairs(sim.ledger()) do
    ok(row.created <= 1, row.id)
  end
  clean(first)
  clean(again)
end)

-- What `build` does not make, with what refers to what.
local function build_more(ws)
  local logger = ws.loggers:ensure("insights", {
    logger_type = "applicationInsights", credentials = {instrumentationKey = "{{region}}"}})
  local api, product = ws.apis:get "api-01", ws.products:get "product-01"
  ws.diagnostics:ensure("applicationinsights", {logger = logger})
  api.diagnostics:ensure("applicationinsights", {logger = logger})
  ws.notifications:get("BCC").emails:ensure("ops@contoso.example")
  product:add(ws.groups:ensure("devs", {display_name = "Devs"}))
  ws.schemas:ensure("invoice", {schema_type = "json", document = {type = "object"}})
  ws.backends:ensure("all", {
    type = "Pool", pool = {services = {{id = ws.backends:get "erp".id, weight = 1}}}})
  ws.tags:get "fast":add(product)
  ws.tags:get "fast":add(api.operations:get "list")
  ws.apis:ensure("graph", {path = "graph", type = "graphql",
                           service_url = "https://graph.contoso.example"})
end

test.case("what refers to other things comes after them, and goes before them", function()
  local first, again, none = fresh "first", fresh "again", fresh "none"
  local ws = build(2, 2)
  extract.write(none)
  build_more(ws)
  local second = second_service()
  local there = {service = second.name, resource_group = "rg-second"}
  local options = {service = second.name, resource_group = "rg-second", secrets = SECRETS}
  extract.write(first)
  onboarding.apply(first, options)
  extract.write(again, there)
  equal(files_of(again), files_of(first))
  local made = onboarding.apply(first, options)
  equal({made.created, made.changed}, {0, 0})
  options.prune = true
  equal(onboarding.apply(none, options).deleted, 11)
  extract.write(again, there)
  equal(files_of(again), files_of(none))
  for _, path in ipairs {first, again, none} do
    clean(path)
  end
end)

test.case("gateways and who has which role come along", function()
  local first, again = fresh "first", fresh "again"
  local ws = workspaces.ensure("payments", {})
  local team, gw = entra.ensure "team-payments", gateways.ensure("gw-payments", {})
  gw:attach(ws)
  rbac.assign {principal = team, role = "API Management Workspace Contributor", scope = ws}
  rbac.assign {principal = team, role = "Reader", scope = gw}
  extract.write(first)
  contains(read(first, "gateways/gw-payments/gateway.lua"), 'workspaces = {\n    "payments",')
  contains(read(first, "workspaces/payments/access.lua"), 'principal = "team-payments"')
  equal(onboarding.apply(first).created, 0)
  gw:detach(ws)
  equal(rbac.unassign {principal = team, role = "Reader", scope = gw}, 1)
  equal(onboarding.apply(first).created, 2)
  extract.write(again)
  equal(files_of(again), files_of(first))
  folder.write(first, "workspaces/payments/access.lua",
               "return {{principal = 'nobody', role = 'Reader', type = 'Group'}}")
  folder.write(first, "gateways/gw-payments/gateway.lua", "return {unitz = 2}")
  local failure = raises("InvalidEstate", onboarding.apply, first)
  contains(failure.message, "'nobody'")
  contains(failure.message, "did you mean 'units'")
  clean(first)
  clean(again)
end)

test.case("the revision that is current in the folder becomes current", function()
  local path = fresh "revisions"
  local ws = workspaces.ensure("payments", {})
  local api = make_api(ws, 1)
  extract.write(path)
  api:revise():make_current()
  equal(ws.apis:get("api-01").revision_number, "2")
  equal(onboarding.apply(path).changed, 1)
  equal(ws.apis:get("api-01").revision_number, "1")
  equal(onboarding.apply(path).changed, 0)
  equal(onboarding.apply(path, {prune = true}).deleted, 1)
  equal(#ws.apis:list(), 1)
  clean(path)
end)

test.case("texts come back as they are, whatever is in them", function()
  local path = fresh "texts"
  local ws = workspaces.ensure("payments", {})
  local texts = {"${service} costs $5, $${x} ${", "ends in\na bracket]", "[[\n]]", "\nfirst",
                 "tab\t and \\n, \"both\" 'quotes'", "zurück\r\n"}
  for i, text in ipairs(texts) do
    ws.groups:ensure("g" .. i, {display_name = "g" .. i, description = text})
  end
  extract.write(path)
  for i in ipairs(texts) do
    ws.groups:update("g" .. i, {description = "other"})
  end
  equal(onboarding.apply(path).changed, #texts)
  for i, text in ipairs(texts) do
    equal(ws.groups:get("g" .. i).description, text)
  end
  clean(path)
end)

test.case("a workspace that the folder does not have is told with the near name", function()
  local path = fresh "unknown"
  workspaces.ensure("payments", {})
  extract.write(path)
  contains(raises("InvalidEstate", onboarding.apply, path, {workspaces = {"paymens"}}).message,
           "did you mean 'payments'")
  folder.write(path, "estate.lua", "return {format = 2}")
  contains(raises("InvalidEstate", onboarding.apply, path).message, "format 2 is not known")
  clean(path)
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

test.case("what is in the way of an export is told", function()
  local path = fresh "way"
  workspaces.ensure("payments", {})
  extract.write(path)
  folder.write(path, "taken", "a file")
  raises("taken/a.lua", folder.write, path, "taken/a.lua", "x")
  raises("taken: Not a directory", extract.write, path .. "/taken")
  for _, out in ipairs {"../x", "/tmp/x", "a/../../x", "a//b", "", "./a", "a\0b"} do
    raises("is no path within the folder", folder.write, path, out, "x")
  end
  raises("No such file or directory", onboarding.apply, path .. "-none")
  clean(path)
  raises("there is no estate.lua", onboarding.apply, path)
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
  {"a loop", "workspaces/payments/tags/fast/tag.lua", "return {}, (function()\nwhile true do end"
   .. " end)()", "tag.lua:2: it computes"},
  {"too much", "workspaces/payments/tags/fast/tag.lua", "local s = 'x' for _ = 1, 40 do s = s .. s"
   .. " end return {s}", "not enough memory"},
  {"a function", "workspaces/payments/tags/fast/tag.lua", "return {display_name = function() end}",
   "a function is no data"},
  {"a circle", "workspaces/payments/tags/fast/tag.lua", "local t = {} t.t = t return t",
   "at most 32 deep"},
  {"a method", "workspaces/payments/tags/fast/tag.lua", "return {display_name = ('x'):rep(3)}",
   "tag.lua:1"},
  {"an unknown variable", "workspaces/payments/tags/fast/tag.lua",
   "return {display_name = '${nothing}'}", "no variable 'nothing'"},
}

for _, mistake in ipairs(MISTAKES) do
  test.case("before anything is written it is told: " .. mistake[1], function()
    local path = fresh "mistake"
    small(path)
    folder.write(path, mistake[2], mistake[3])
    local before = written()
    local failure = raises("InvalidEstate", onboarding.apply, path, {secrets = SECRETS})
    contains(failure.message, mistake[4])
    equal(written(), before)
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

test.case("a certificate comes from its file, opened before anything is written", function()
  local path = fresh "certificate"
  local ws = workspaces.ensure("payments", {})
  ws.certificates:ensure("client", {file = "tests/spec/client.p12", password = "only-for-tests"})
  extract.write(path)
  local secrets = {PAYMENTS_CERTIFICATES_CLIENT_FILE = "tests/spec/client.p12",
                   PAYMENTS_CERTIFICATES_CLIENT_PASSWORD = "only-for-tests"}
  local function apply()
    return onboarding.apply(path, {secrets = secrets})
  end
  equal(apply().changed, 0)
  secrets.PAYMENTS_CERTIFICATES_CLIENT_FILE = "tests/spec/other.p12"
  contains(raises("InvalidEstate", apply).message, "the password does not open it")
  secrets.PAYMENTS_CERTIFICATES_CLIENT_PASSWORD = ""
  equal(apply().changed, 1)
  equal(apply().changed, 0)
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
