--- The status page of `moongate jobs start --listen`: who may see and do what, and the routes.
--
-- A client that sends a cookie is a browser, and must prove that the request is of this page:
-- by where it comes from and by a token of its session. One that sends `Authorization: Bearer`
-- is a program. The Host header must be an address or a name that was given, so that no foreign
-- page can have its own name lead here (DNS rebinding).
-- @module jobs_page
local access = require "jobs_page_access"
local answers = require "jobs_page_answers"
local check = require "core.check"
local core = require "core.http_server"
local events = require "jobs_page_events"
local log = require "log"
local routes = require "jobs_page_routes"
local tasks = require "tasks"

local page = {}

local Page = {}
Page.__index = Page

-- Answers one request; what goes wrong in it is told on both sides, here with its reason.
local function serve_one(own, request)
  local closing <close> = request
  local ok, failure = pcall(routes.answer, own, request)
  if not ok then
    log.warning(("page: %s %s: %s"):format(request.method, request.path, tostring(failure)))
    answers.problem(request, 500, "it went wrong here; the program's log says why")
  end
end

local function accept_all(own)
  for request in own.server.accept, own.server do
    tasks.spawn(serve_one, own, request)
  end
end

local function check_reach(options, is_loopback)
  if not is_loopback and not options.token and not options.public then
    error(check.failure {code = "GuardRefused", message = (
      "others than this machine can come to %s: a token is needed, or that all may read")
      :format(options.listen), cure = "--token-file FILE, or --public"}, 0)
  end
end

--- Serve the page, in tasks of its own.
-- @tparam table dispatcher of the jobs
-- @tparam table options
-- @tparam string options.listen `"127.0.0.1:8280"`; port 0 takes a free one
-- @tparam[opt] string options.token whoever has it may run and pause jobs, and without it nobody;
--   at least 16 characters. Where others than this machine can come one needs it to read, too
-- @tparam[opt] boolean options.public reading takes no token, wherever one comes from
-- @tparam[opt] table options.names by which clients may call this host, besides its addresses and
--   `localhost`
-- @tparam[opt] table options.records the slots of the store: `history(name, most)`
-- @tparam[opt] table options.schedule the coming slots: `find`, `next` and `offset` as of core.jobs
-- @tparam[opt] function options.estate gives the table that the picture of the service is made of;
--   waits
-- @treturn table the page: `page.address`, and `page:close()`, which waits until the last answers
--   are sent
-- @raise failure `IOError` when one cannot listen there, `GuardRefused` when others could come
function page.serve(dispatcher, options)
  local server, address, is_loopback = core.listen(options.listen)
  local own = setmetatable({
    dispatcher = dispatcher, server = server, address = address, records = options.records,
    schedule = options.schedule, estate = options.estate,
    access = access.new {token = options.token, names = options.names, address = address,
                         is_public = options.public or is_loopback},
  }, Page)
  local reachable, failure = pcall(check_reach, options, is_loopback)
  if not reachable then
    server:close()
    error(failure, 0)
  end
  own.events = events.new(own)
  own.accepting = tasks.spawn(accept_all, own)
  return own
end

--- Accept nobody more, end what is followed, and wait until the last answers are sent.
function Page:close()
  self.events:close()
  self.server:close()
  self.accepting:join()
end

return page
