-- Lists and HEAD requests of the Azure SDK team's test server, through arm.each and arm.head.
--
--   CONFORMANCE_SERVER=http://localhost:3000 \
--     moongate test --allow-net localhost:3000 tests/spec/conformance_paging.lua
local arm, env, json = require "arm", require "env", require "json"
local test = require "test"

local base = env.require "CONFORMANCE_SERVER"

-- How many items a list has, and what ended it too early.
local function count(path, options)
  local items = 0
  local ok, failure = pcall(function()
    for _ in arm.each(base .. path, options) do
      items = items + 1
    end
  end)
  return items, not ok and failure or nil
end

local VALUES = {items = "values"}

local function fragment(body)
  return body["odata.nextLink"] and
    ("/paging/multiple/fragment/test_user/%s&api_version=1.6"):format(body["odata.nextLink"])
end

local function fragment_with_grouping(body)
  return body["odata.nextLink"] and
    ("/paging/multiple/fragmentwithgrouping/test_user/%s&api_version=1.6"):format(
      body["odata.nextLink"])
end

-- path, options, items, status of the failure (or true for one without)
local rows = {
  {"/paging/noitemname", nil, 1},
  {"/paging/emptynextlink", nil, 1},
  {"/paging/nullnextlink", {items = "values", next = false}, 1},
  {"/paging/single", VALUES, 1},
  {"/paging/single/getWithBodyParams", {items = "values", body = {name = "body"}}, 1},
  {"/paging/firstResponseEmpty/1", nil, 1},
  {"/paging/multiple", VALUES, 10},
  {"/paging/multiple/getWithQueryParams",
   {items = "values", query = {requiredQueryParameter = 100, queryConstant = true},
    next = function(body, url)
      return url:find("getWithQueryParams", 1, true)
        and "/paging/multiple/nextOperationWithQueryParams?queryConstant=true" or body.nextLink
    end}, 2},
  {"/paging/multiple/nextOperationWithQueryParams",
   {items = "values", query = {queryConstant = true}}, 1},
  {"/paging/multiple/duplicateParams/1", {items = "values", query = {["$filter"] = "foo"}}, 1},
  {"/paging/maxPageSize", VALUES, 0},
  {"/paging/multiple/odata", {items = "values", next = "odata.nextLink"}, 10},
  {"/paging/multiple/withpath/1", VALUES, 10},
  {"/paging/multiple/retryfirst", VALUES, 10},
  {"/paging/multiple/retrysecond", VALUES, 10},
  {"/paging/single/failure", VALUES, 0, 400},
  {"/paging/multiple/failure", VALUES, 1, 400},
  {"/paging/multiple/failureuri", VALUES, 1, true},
  {"/paging/multiple/fragment/test_user",
   {items = "values", query = {api_version = "1.6"}, next = fragment}, 10},
  {"/paging/multiple/fragmentwithgrouping/test_user",
   {items = "values", query = {api_version = "1.6"}, next = fragment_with_grouping}, 10},
  {"/paging/multiple/lro", {items = "values", method = "POST"}, 10},
  {"/paging/apiVersion/append/1", {items = "values", query = {["api-version"] = "1.0.0"}}, 1},
  {"/paging/apiVersion/replace/1",
   {items = "values", query = {["api-version"] = "1.0.0"}, keep_api_version = true}, 1},
  {"/paging/customurl/partialnextlink", VALUES, 2},
  {"/paging/customurl/partialnextlinkop",
   {items = "values", next = function(body)
      return body.nextLink and "/paging/customurl/" .. body.nextLink
    end}, 2},
}

for number, row in ipairs(rows) do
  test.case(("paging %d: %s"):format(number, row[1]), function()
    local items, failure = count(row[1], row[2])
    if row[4] == nil then
      test.ok(not failure, tostring(failure))
    elseif row[4] == true then
      test.ok(failure)
    else
      test.equal(failure and failure.status, row[4])
    end
    test.equal(items, row[3])
  end)
end

for status, is_there in pairs {[200] = true, [204] = true, [404] = false} do
  test.case(("head: %d is %s"):format(status, tostring(is_there)), function()
    test.equal(arm.head(("%s/http/success/%d"):format(base, status)) ~= nil, is_there)
  end)
  test.case(("head with exceptions: %d"):format(status), function()
    local request = {method = "HEAD", url = ("%s/http/success/%d"):format(base, status)}
    if is_there then
      test.equal(arm.request(request).status, status)
    else
      test.equal(test.raises("NotFound", arm.request, request).status, 404)
    end
  end)
end

test.case("the caller's own request id is sent", function()
  local id = "9C4D50EE-2D56-4CD3-8152-34347DC9F2B0"
  local answer = arm.request {
    url = base .. "/azurespecials/overwrite/x-ms-client-request-id/method/",
    headers = {["x-ms-client-request-id"] = id},
  }
  test.equal(answer.headers["x-ms-request-id"], "123")
end)

test.case("an OData filter is escaped", function()
  arm.request {
    url = base .. "/azurespecials/odata/filter",
    query = {["$filter"] = "id gt 5 and name eq 'foo'", ["$orderby"] = "id", ["$top"] = 10},
  }
end)
