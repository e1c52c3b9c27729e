--- Any request to Azure Resource Manager or Microsoft Graph, for what has no binding of its own.
--
--     local answer = arm.get("/subscriptions/.../resourceGroups/rg", {["api-version"] = "2025-04-01"})
--     for item in arm.each("/subscriptions/.../resources", {query = {["api-version"] = "2025-04-01"}}) do
--       print(item.name)
--     end
--
-- Requests go the way of all others: guarded, paced, signed, retried; long-running operations
-- are waited for. Cookies are kept for the length of one operation.
-- @module arm
local check = require "core.check"
local core = require "core.arm"
local json = require "json"
local paging = require "paging"
local tasks = require "tasks"

local arm = {}

--- Send a request and wait for what it begins.
-- @tparam table request `method` (GET), `path` or `url` (absolute; of the endpoints of the run,
--   or of a host that --allow-net names, which sees no token), `query`, `headers`, `body` (a
--   table is sent as JSON, a string as it is), `wait` (true), `final_state_via` (`location`,
--   `azure-async-operation`, `operation-location` or `original-uri`), `timeout` (how long it may
--   take in all, `"24h"`; when it is over, the waiting ends, not the operation), `repeatable`
--   (a POST that may be sent twice), `graph` (the path is Microsoft Graph's)
-- @treturn table `status`, `headers` (names in lower case), `body` (decoded, if it is JSON),
--   `text`
-- @raise failure what the service refuses, by its code; `ConnectionFailed`, `Timeout`,
--   `ProtocolError`, `HostNotAllowed`, `GuardRefused`
function arm.request(request)
  return (core.request(request))
end

-- The request with its address, a path or an absolute URL, in the right place.
local function to(address, request)
  if type(address) ~= "string" then
    check.fail("a path or URL expected, got " .. type(address))
  end
  request[address:find "^%a+://" and "url" or "path"] = address
  return request
end

local function verb(method)
  return function(path, query, body)
    return (core.request(to(path, {method = method, query = query, body = body})))
  end
end

--- GET: `arm.get(path, query)`; answers as `arm.request`. An absolute URL may stand for the
-- path, here and below.
-- @tparam string path
-- @tparam[opt] table query
-- @treturn table the answer as of `arm.request`
arm.get = verb "GET"

--- PUT: `arm.put(path, query, body)`.
-- @tparam string path
-- @tparam[opt] table query
-- @tparam any body a table is sent as JSON
-- @treturn table the answer as of `arm.request`
arm.put = verb "PUT"

--- PATCH: `arm.patch(path, query, body)`.
-- @tparam string path
-- @tparam[opt] table query
-- @tparam any body a table is sent as JSON
-- @treturn table the answer as of `arm.request`
arm.patch = verb "PATCH"

--- POST: `arm.post(path, query, body)`.
-- @tparam string path
-- @tparam[opt] table query
-- @tparam any body a table is sent as JSON
-- @treturn table the answer as of `arm.request`
arm.post = verb "POST"

--- DELETE: `arm.delete(path, query)`.
-- @tparam string path
-- @tparam[opt] table query
-- @treturn table the answer as of `arm.request`
arm.delete = verb "DELETE"

--- HEAD: whether there is something.
-- @tparam string path
-- @tparam[opt] table query
-- @treturn ?table the answer as of `arm.request`, nil when the service says 404
function arm.head(path, query)
  local answer, failure = tasks.try(arm.request, to(path, {method = "HEAD", query = query}))
  if failure and failure.status ~= 404 then
    error(failure, 0)
  end
  return answer
end

local LIST_OPTIONS = {query = true, headers = true, body = true, method = true, items = true,
                      next = true, graph = true, keep_api_version = true, timeout = true,
                      repeatable = true, final_state_via = true}

local function check_options(options)
  if type(options) ~= "table" then
    check.fail("a table of options expected, got " .. type(options))
  end
  for name in pairs(options) do
    if not LIST_OPTIONS[name] then
      local names = {}
      for known in pairs(LIST_OPTIONS) do
        names[#names + 1] = known
      end
      table.sort(names)
      local near = check.nearest(tostring(name), names)
      check.fail(("unknown option '%s'%s"):format(
        tostring(name), near and ("; did you mean '%s'?"):format(near) or ""))
    end
  end
  return options
end

-- The items of a page; a body that is a list itself needs no name.
local function items_of(body, name)
  local items = body
  if type(body) == "table" and (name or body[1] == nil) then
    items = body[name or "value"]
    if items == nil and name == nil and next(body) == nil then
      items = body
    end
  end
  if type(items) ~= "table" then
    error(check.failure {code = "ProtocolError", retryable = false,
                         message = ("the page has no list '%s'"):format(name or "value")}, 0)
  end
  return items
end

-- Where the page after this one is, as the service says it, or nil.
local function find_link(name, answer)
  local link = answer.body[name or "nextLink"]
  if link == nil and name == nil and answer.headers.link then
    link = core.link_next(answer.headers.link) -- RFC 8288
  elseif link == json.null or link == "" then
    return nil
  end
  return link
end

-- The request for the page after this one and its key, or nil.
local function next_request(options, answer, url)
  local link
  if type(options.next) == "function" then
    link = options.next(answer.body, url)
    if type(link) == "table" then -- a request of its own; what it repeats is its author's care
      return link
    end
  elseif options.next ~= false then
    link = find_link(options.next, answer)
  end
  if link == nil then
    return nil
  elseif type(link) ~= "string" then
    error(check.failure {code = "ProtocolError", retryable = false,
                         message = "the link of the next page is no text"}, 0)
  end
  local next_url, key = core.next_url(url, link, options.keep_api_version)
  local _, own_key = core.next_url(url, url, options.keep_api_version)
  return {url = next_url, graph = options.graph, headers = options.headers,
          timeout = options.timeout}, key, own_key
end

--- Go through a list page by page, however long it is.
-- @tparam string path path or absolute URL of the first page
-- @tparam[opt] table options `query`, `headers`, `body`, `method` (GET) of the first request,
--   `items` (`"value"`, or the body itself if it is a list) and `next` (`"nextLink"`, or a Link
--   header): names of the members that hold the items and the link of the next page; `next` may be false (one page only) or a function
--   `next(body, url)` that gives a link, a request for `arm.request`, or nil; `graph`
--   (Microsoft Graph, where the link is `"@odata.nextLink"`); `keep_api_version` (each page is
--   asked with the api-version of the first); `timeout`, `repeatable`, `final_state_via`
-- @treturn function an iterator over the items
-- @raise failure `ProtocolError` when a link leads to another server or a page comes again
function arm.each(path, options)
  options = check_options(options or {})
  if options.graph and options.next == nil then
    local copy = {next = "@odata.nextLink"}
    for name, value in pairs(options) do
      copy[name] = value
    end
    options = copy
  end
  return paging.each(function(request)
    local answer, url = core.request(request)
    local items = items_of(answer.body, options.items)
    return items, next_request(options, answer, url)
  end, to(path, {method = options.method, query = options.query, headers = options.headers,
                 body = options.body, graph = options.graph, timeout = options.timeout,
                 repeatable = options.repeatable, final_state_via = options.final_state_via}))
end

--- The same as a list; arguments as for `arm.each`.
-- @tparam string path
-- @tparam[opt] table options
-- @treturn table
function arm.list(path, options)
  return paging.all(arm.each(path, options))
end

return arm
