--- Any request to Azure Resource Manager, for what has no binding of its own.
--
--     local answer = arm.get("/subscriptions/.../resourceGroups/rg", {["api-version"] = "2025-04-01"})
--
-- Requests go the way of all others: signed, retried, and long-running operations are waited
-- for.
-- @module arm
local core = require "core.arm"

local arm = {}

--- Send a request and wait for what it begins.
-- @tparam table request `method` (GET), `path` or `url` (absolute; only of the endpoints of
--   the run), `query`, `headers`, `body` (a table is sent as JSON), `wait` (true),
--   `final_state_via`
-- @treturn table `status`, `headers` (names in lower case), `body` (decoded), `text`
-- @raise failure
function arm.request(request)
  return core.request(request)
end

local function verb(method)
  return function(path, query, body)
    return core.request {method = method, path = path, query = query, body = body}
  end
end

--- GET: `arm.get(path, query)`; answers as `arm.request`.
arm.get = verb "GET"

--- PUT: `arm.put(path, query, body)`.
arm.put = verb "PUT"

--- PATCH: `arm.patch(path, query, body)`.
arm.patch = verb "PATCH"

--- POST: `arm.post(path, query, body)`.
arm.post = verb "POST"

--- DELETE: `arm.delete(path, query)`.
arm.delete = verb "DELETE"

return arm
