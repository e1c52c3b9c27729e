-- Requests that have no binding of their own.
local arm, run = require "arm", require "run"
local spec = require "spec"

local VERSION = {["api-version"] = "2024-05-01"}
local scope = run.scope()
local group = ("/subscriptions/%s/resourceGroups/%s"):format(scope.subscription,
                                                             scope.resource_group)
local service = group .. "/providers/Microsoft.ApiManagement/service/" .. scope.service

spec.test("an answer has status, header fields, body and text", function()
  local answer = arm.get(service, VERSION)
  spec.equal(answer.status, 200)
  spec.equal(answer.body.name, scope.service)
  spec.contains(answer.headers["content-type"], "application/json")
  spec.contains(answer.text, '"name"')
end)

spec.test("a table is sent as JSON, and a long-running operation is waited for", function()
  local answer = arm.put(group .. "/providers/Microsoft.ApiManagement/gateways/gw-raw", VERSION, {
    location = "westeurope", sku = {name = "WorkspaceGatewayPremium", capacity = 1},
    properties = {virtualNetworkType = "None"},
  })
  spec.equal(answer.body.properties.provisioningState, "Succeeded")
  spec.ok(require("clock").elapsed() > 9000)
end)

spec.test("wait = false gives the first answer", function()
  local answer = arm.request {
    method = "PATCH", path = group .. "/providers/Microsoft.ApiManagement/gateways/gw-raw",
    query = VERSION, body = {sku = {capacity = 2}}, wait = false,
  }
  spec.ok(answer.status == 200 or answer.status == 202)
  spec.ok(answer.headers["azure-asyncoperation"] or answer.headers.location)
end)

spec.test("a refusal is a failure with the service's code", function()
  local failure = spec.raises("ResourceNotFound", arm.get, service .. "/workspaces/nope", VERSION)
  spec.equal(failure.status, 404)
  spec.ok(failure.request_id)
  spec.equal(failure.retryable, false)
end)

spec.test("a token never goes to another host", function()
  spec.raises("HostNotAllowed", arm.request, {url = "http://127.0.0.2:9/subscriptions"})
  spec.raises("HostNotAllowed", arm.request, {url = "https://management.azure.com.evil.example/"})
end)

spec.test("a wrong request is refused before it is sent", function()
  local function wrong(request, text)
    spec.raises(text, arm.request, request)
  end
  wrong({path = "x"}, "does not begin with '/'")
  wrong({}, "either path or url")
  wrong({path = "/x", url = "http://a/"}, "either path or url")
  wrong({url = "/x"}, "not absolute")
  wrong({path = "/a b"}, "a space")
  wrong({path = "/x", method = "FETCH"}, "is not one of")
  wrong({path = "/x", metod = "GET"}, "did you mean 'method'?")
  wrong({path = "/x", headers = {["a b"] = "c"}}, "not a token")
  wrong({path = "/x", headers = {a = "b\r\nc: d"}}, "line end")
  wrong({path = "/x", headers = {Authorization = "x"}}, "set by the credential")
  wrong({path = "/x", query = {a = {}}}, "query")
  wrong({path = "/x", body = {a = print}}, "body")
  wrong({path = "/x", final_state_via = "there"}, "final_state_via")
end)

spec.test("a mistyped option of a list is told with the near name", function()
  spec.raises("did you mean 'items'?", arm.each, "/subscriptions", {itms = "value"})
end)

spec.finish()
