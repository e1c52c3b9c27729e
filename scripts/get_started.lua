-- Get started with a workspace: a first API, a product, its policy, and keys to call it with.
--
--   moongate run --sim get_started --workspace payments
--
--   api           invoices: 2 operations
--   product       starter: 1 API, at most 5 calls in a minute
--   subscription  first-caller: call with the header Ocp-Apim-Subscription-Key
--
-- A second run writes nothing. Keys are printed with --show-key only.
local args = require "args"
local workspaces = require "workspaces"

local EXAMPLE = [[
{"openapi": "3.0.1",
 "info": {"title": "Invoices", "version": "1.0"},
 "servers": [{"url": "https://invoices.example.com"}],
 "paths": {
   "/invoices": {
     "get": {"operationId": "list-invoices", "summary": "List invoices",
             "responses": {"200": {"description": "A list of invoices"}}}},
   "/invoices/{id}": {
     "get": {"operationId": "get-invoice", "summary": "Get an invoice",
             "parameters": [{"name": "id", "in": "path", "required": true,
                             "schema": {"type": "string"}}],
             "responses": {"200": {"description": "The invoice"}}}}}}]]

local POLICY = [[
<policies>
  <inbound>
    <base />
    <rate-limit calls="%d" renewal-period="60" />
  </inbound>
  <backend><base /></backend>
  <outbound><base /></outbound>
  <on-error><base /></on-error>
</policies>]]

local options = args.parse({
  purpose = "Gives a workspace a first API, a product with a limit of calls, and a subscription.",
  {name = "workspace", value = "NAME", default = "get-started", help = "made when it is missing"},
  {name = "api", value = "NAME", default = "invoices", help = "what the API is called"},
  {name = "import", value = "FILE|URL", help = "its document; an example when it is not given"},
  {name = "calls", value = "N", type = "integer", min = 1, max = 100000, default = 5,
   help = "calls in a minute that the product allows"},
  {name = "show-key", help = "print the primary key"},
}, ...)

local workspace = workspaces.ensure(options.workspace, {})
local api = workspace.apis:ensure(options.api, {
  path = options.api, import = options.import or {text = EXAMPLE}})
local product = workspace.products:ensure("starter", {
  display_name = "Starter", subscription_required = true, state = "published"})
product:add(api)
product.policy:set(POLICY:format(options.calls))
local subscription = workspace.subscriptions:ensure("first-caller", {scope = product})

local function say(what, text, ...)
  print(("%-13s %s"):format(what, text:format(...)))
end

local apis = #product.api_links:list()
say("api", "%s: %d operations", api.name, #api.operations:list())
say("product", "%s: %d API%s, at most %d calls in a minute", product.name, apis,
    apis == 1 and "" or "s", options.calls)
say("subscription", "%s: call with the header Ocp-Apim-Subscription-Key", subscription.name)
if options.show_key then
  say("key", "%s", subscription:keys().primary)
end
