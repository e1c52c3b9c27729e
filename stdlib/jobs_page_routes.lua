--- The routes of the status page: which method and path is answered by what.
-- @module jobs_page_routes
local answers = require "jobs_page_answers"
local core = require "core.page"
local metrics = require "jobs_page_metrics"
local model = require "core.model"
local run = require "jobs_page_run"
local view = require "jobs_page_view"

local routes = {}

local MOST_HISTORY, HISTORY, COMING = 500, 100, 10
local MOST_REASON = 500  -- bytes, as of `moongate jobs pause --reason`
local LOG_CHUNK = 128 << 10 -- bytes of a run's log that are read at once

-- --- the page itself -------------------------------------------------------------------------

local ASSETS = {
  ["/"] = {"page.html", "text/html; charset=utf-8"},
  ["/page.css"] = {"page.css", "text/css; charset=utf-8"},
  ["/icon.svg"] = {"icon.svg", "image/svg+xml"},
}
for name in ("actions dom estate job jobs page run state"):gmatch "%a+" do
  ASSETS["/" .. name .. ".js"] = {name .. ".js", "text/javascript; charset=utf-8"}
end

-- Its text and its tag, once read.
local function asset_of(path)
  local asset = ASSETS[path]
  if asset and not asset.text then
    asset.text = model.source("engine/jobs/page/" .. asset[1])
    asset.tag = ('"%s"'):format(core.digest(asset.text):sub(1, 32))
  end
  return asset
end

local function get_asset(_, request)
  local asset = asset_of(request.path)
  local more = {ETag = asset.tag, ["Cache-Control"] = "no-cache"}
  if (request.headers["if-none-match"] or ""):find(asset.tag, 1, true) then
    more["Content-Type"] = nil
    request:answer(304, answers.headers(asset[2], more), "")
  else
    answers.send(request, 200, asset[2], asset.text, more)
  end
end

-- --- the state of the program ----------------------------------------------------------------

local function get_health(_, request)
  answers.send(request, 200, "text/plain; charset=utf-8", "alive\n")
end

local function get_readiness(own, request)
  local ready, reason = view.readiness(own.dispatcher:info())
  answers.send(request, ready and 200 or 503, "text/plain; charset=utf-8", reason .. "\n")
end

local function get_metrics(own, request)
  answers.send(request, 200, "text/plain; version=0.0.4; charset=utf-8",
               metrics.format(own.dispatcher:info(), own.dispatcher:jobs()))
end

-- --- jobs ------------------------------------------------------------------------------------

local function get_jobs(own, request)
  answers.json(request, 200, view.jobs(own.dispatcher, own.events:mark()))
end

-- The job's row; answers 404 when there is none.
local function find_job(own, request, name)
  local row = own.dispatcher:job(name)
  if not row then
    answers.problem(request, 404, "there is no such job")
  end
  return row
end

local function get_job(own, request, name)
  local row = find_job(own, request, name)
  if row then
    answers.json(request, 200, view.job(row, own.schedule, COMING))
  end
end

-- How many slots a query asks for, or nil.
local function read_most(query)
  local most = query == "" and HISTORY or math.tointeger(tonumber(query:match "^most=(%d+)$"))
  return most and most >= 1 and most <= MOST_HISTORY and most or nil
end

local function get_history(own, request, name)
  local most = read_most(request.query or "")
  if not most then
    answers.problem(request, 400, ("?most=N expected, N from 1 to %d"):format(MOST_HISTORY))
  elseif find_job(own, request, name) then
    answers.json(request, 200, view.history(own.records.history(name, most)))
  end
end

-- What is wrong with the body of an action, or nil.
local function find_mistake(what, body)
  for name in pairs(body) do
    if what ~= "pause" or name ~= "reason" then
      return ("%s takes no '%s'"):format(what, name)
    end
  end
  local reason = body.reason
  if reason ~= nil and (type(reason) ~= "string" or #reason > MOST_REASON
                        or not utf8.len(reason) or reason:find "%c") then
    return ("reason: a text of up to %d bytes without control characters expected")
      :format(MOST_REASON)
  end
end

local function act(own, request, name, by, what, body)
  local dispatcher = own.dispatcher
  if what == "run" then
    return {key = dispatcher:run_now(name, by)}
  elseif what == "pause" then
    dispatcher:pause(name, by, body.reason)
  else
    dispatcher:resume(name, by)
  end
  return {done = true}
end

local function post_action(own, request, name, what)
  local by, status, message = own.access:may_act(request)
  if not by then
    return answers.problem(request, status, message)
  end
  local ok, body, wrong = own.access:read_json(request)
  if not ok then
    return answers.problem(request, body, wrong)
  end
  local mistake = find_mistake(what, body)
  if mistake then
    return answers.problem(request, 400, mistake)
  end
  if find_job(own, request, name) then
    answers.json(request, what == "run" and 202 or 200, act(own, request, name, by, what, body))
  end
end

-- --- runs ------------------------------------------------------------------------------------

local function get_run(own, request, id)
  local state = run.look(own, id)
  if state then
    answers.json(request, 200, state)
  else
    answers.problem(request, 404, "there is no such run in the store")
  end
end

local function get_log(own, request, id)
  local from = math.tointeger(tonumber((request.query or ""):match "^from=(%d+)$" or "0"))
  local part = from and run.read_log(id, from, LOG_CHUNK)
  if part then
    answers.json(request, 200, part)
  else
    answers.problem(request, 404, "there is no such run in the store")
  end
end

local function get_estate(own, request)
  answers.json(request, 200, own.estate and own.estate() or {
    absent = "no service is configured: moongate jobs start --profile NAME"})
end

-- --- sessions --------------------------------------------------------------------------------

local function describe_session(own, session)
  return {
    csrf = session and session.csrf or nil, can_sign_in = own.access.token ~= nil,
    may_read = own.access.is_public or session ~= nil,
  }
end

local function get_session(own, request)
  answers.json(request, 200, describe_session(own, own.access:session(request)))
end

local function post_session(own, request)
  local ok, body, wrong = own.access:read_json(request)
  if not own.access.token then
    return answers.problem(request, 403, "the page is read-only: it was started without a token")
  elseif not own.access:is_own(request) then
    return answers.problem(request, 403, "the request comes from another page")
  elseif not ok or type(body.token) ~= "string" then
    return answers.problem(request, ok and 400 or body, ok and "there is no token" or wrong)
  end
  local session, more = own.access:open(request, body.token)
  if session then
    answers.json(request, 200, describe_session(own, session), more)
  elseif session == false then
    answers.problem(request, 429, "too many wrong tokens at a time", {["Retry-After"] = "2"})
  else
    answers.problem(request, 401, "the token is wrong")
  end
end

local function delete_session(own, request)
  local session = own.access:session(request)
  if not own.access:is_own(request) then
    answers.problem(request, 403, "the request comes from another page")
  elseif session and not core.equal(session.csrf, request.headers["x-csrf-token"] or "") then
    answers.problem(request, 403, "X-CSRF-Token is not that of the session")
  else
    answers.nothing(request, own.access:leave(request))
  end
end

-- --- which is which --------------------------------------------------------------------------

local function get_events(own, request)
  own.events:open(request)
end

-- In order: a pattern, and by method what answers. `free` needs no right to read.
local ROUTES = {
  {"^/healthz$", free = true, GET = get_health},
  {"^/readyz$", free = true, GET = get_readiness},
  {"^/metrics$", GET = get_metrics},
  {"^/api/session$", free = true, GET = get_session, POST = post_session, DELETE = delete_session},
  {"^/api/jobs$", GET = get_jobs},
  {"^/api/jobs/([^/]+)$", GET = get_job},
  {"^/api/jobs/([^/]+)/history$", GET = get_history},
  {"^/api/jobs/([^/]+)/(run)$", free = true, POST = post_action},
  {"^/api/jobs/([^/]+)/(pause)$", free = true, POST = post_action},
  {"^/api/jobs/([^/]+)/(resume)$", free = true, POST = post_action},
  {"^/api/runs/([^/]+)$", GET = get_run},
  {"^/api/runs/([^/]+)/log$", GET = get_log},
  {"^/api/estate$", GET = get_estate},
  {"^/events$", GET = get_events},
}
for path in pairs(ASSETS) do
  ROUTES[#ROUTES + 1] = {"^" .. path:gsub("%.", "%%.") .. "$", free = true, GET = get_asset}
end

local function refuse_method(request, route)
  local allowed = {}
  for _, method in ipairs {"GET", "POST", "DELETE"} do
    allowed[#allowed + 1] = route[method] and method or nil
  end
  if route.GET then
    table.insert(allowed, 2, "HEAD")
  end
  answers.problem(request, 405, "the method is not for this path",
                  {Allow = table.concat(allowed, ", ")})
end

local function unescape(text)
  return text and text:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
end

local function answer_route(own, request, route, first, second)
  local method = request.method == "HEAD" and "GET" or request.method
  if not route[method] then
    return refuse_method(request, route)
  end
  if not route.free then
    local ok, status, message = own.access:may_read(request)
    if not ok then
      return answers.problem(request, status, message)
    end
  end
  return route[method](own, request, (unescape(first)), second)
end

--- Answer a request, whatever it is.
-- @tparam table own the page
-- @tparam userdata request
function routes.answer(own, request)
  if not own.access:knows_host(request) then
    return answers.problem(request, 421,
                           "this host is not known by that name: see --host-name")
  end
  local path = request.path
  for _, route in ipairs(ROUTES) do
    local first, second = path:match(route[1])
    if first then
      return answer_route(own, request, route, first, second)
    end
  end
  answers.problem(request, 404, "there is nothing here")
end

return routes
