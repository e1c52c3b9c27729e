-- Requests that have no binding of their own.
local arm, run = require "arm", require "run"
local test = require "test"

local VERSION = {["api-version"] = "2024-05-01"}
local scope = run.scope()
local group = ("/subscriptions/%s/resourceGroups/%s"):format(scope.subscription,
                                                             scope.resource_group)
local service = group .. "/providers/Microsoft.ApiManagement/service/" .. scope.service

test.case("an answer has status, header fields, body and text", function()
  local answer = arm.get(service, VERSION)
  test.equal(answer.status, 200)
  test.equal(answer.body.name, scope.service)
  test.contains(answer.headers["content-type"], "application/json")
  test.contains(answer.text, '"name"')
end)

local gateway = group .. "/providers/Microsoft.ApiManagement/gateways/gw-raw"

local function put_gateway()
  return arm.put(gateway, VERSION, {
    location = "westeurope", sku = {name = "WorkspaceGatewayPremium", capacity = 1},
    properties = {virtualNetworkType = "None"},
  })
end

test.case("a table is sent as JSON, and a long-running operation is waited for", function()
  local answer = put_gateway()
  test.equal(answer.body.properties.provisioningState, "Succeeded")
  test.ok(require("clock").elapsed() > 9000)
end)

test.case("wait = false gives the first answer", function()
  put_gateway()
  local answer = arm.request {
    method = "PATCH", path = gateway, query = VERSION, body = {sku = {capacity = 2}},
    wait = false,
  }
  test.ok(answer.status == 200 or answer.status == 202)
  test.ok(answer.headers["azure-asyncoperation"] or answer.headers.location)
end)

test.case("a refusal is a failure with the service's code", function()
  local failure = test.raises("ResourceNotFound", arm.get, service .. "/workspaces/nope", VERSION)
  test.equal(failure.status, 404)
  test.ok(failure.request_id)
  test.equal(failure.retryable, false)
end)

test.case("a token never goes to another host", function()
  test.raises("HostNotAllowed", arm.request, {url = "http://127.0.0.2:9/subscriptions"})
  test.raises("HostNotAllowed", arm.request, {url = "https://management.azure.com.evil.example/"})
end)

test.case("a wrong request is refused before it is sent", function()
  local function wrong(request, text)
    test.raises(text, arm.request, request)
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

test.case("a mistyped option of a list is told with the near name", function()
  test.raises("did you mean 'items'?", arm.each, "/subscriptions", {itms = "value"})
end)
