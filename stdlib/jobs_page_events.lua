--- The stream of events of the status page (server-sent events, WHATWG HTML 9.2).
--
-- All who look get `job` with the row of a job that changed, or `reload` when too much did at once
-- or they have missed something; who looks at a run gets `run` with what is new of it, too. Changes
-- within a fraction of a second are told together. A run has one reader, however many look at it,
-- and none when nobody does.
-- @module jobs_page_events
local answers = require "jobs_page_answers"
local core = require "core.page"
local json = require "json"
local log = require "log"
local run = require "jobs_page_run"
local tasks = require "tasks"
local view = require "jobs_page_view"

local events = {}

local Hub = {}
Hub.__index = Hub

local GATHER = 0.2 -- seconds in which changes are told together
local HEARTBEAT = 15 -- seconds
local RETRY = 3000 -- milliseconds until a browser comes again
local KEPT = 256 -- events for those who come again
local MOST_ROWS = 100 -- jobs that are told of at once; else all is to be loaded anew
local PAUSE = 1 -- seconds between two looks at a run
local LOOKS = 10 -- of them between two looks at its lease
local MOST_NEWS = 64 << 10 -- bytes about a run that are told at once; else it is to be loaded anew

--- @tparam table page
function events.new(page)
  local own = setmetatable({page = page, boot = core.secret():sub(1, 8), number = 0, kept = {},
                            streams = {}, dirty = {}, dirty_count = 0, runs = {}, tasks = {}}, Hub)
  page.dispatcher:on_change(function(name, what)
    own:note(name, what)
  end)
  return own
end

-- Spawns a task that ends with the hub.
local function spawn(own, name, fn, ...)
  own.tasks[name] = tasks.spawn(function(...)
    local ending <close> = setmetatable({}, {__close = function()
      own.tasks[name] = nil
    end})
    fn(own, ...)
  end, ...)
end

-- --- sending ---------------------------------------------------------------------------------

--- At which event the stream is.
function Hub:mark()
  return ("%s-%d"):format(self.boot, self.number)
end

local function drop(own, stream)
  own.streams[stream] = nil
  for _, watch in pairs(own.runs) do
    watch.streams[stream] = nil
  end
end

local function send(own, stream, text)
  if not stream:send(text) then
    drop(own, stream)
  end
end

-- JSON has no line breaks of its own.
local function format(kind, data)
  return ("event: %s\ndata: %s\n\n"):format(kind, data)
end

-- To all, and to those who come again.
local function tell_all(own, kind, data)
  own.number = own.number + 1
  local text = ("id: %s\n%s"):format(own:mark(), format(kind, data))
  own.kept[own.number] = text
  own.kept[own.number - KEPT] = nil
  for stream in pairs(own.streams) do
    send(own, stream, text)
  end
end

-- --- changes of jobs -------------------------------------------------------------------------

local function flush(own)
  tasks.sleep(GATHER)
  local dirty, count = own.dirty, own.dirty_count
  own.dirty, own.dirty_count = {}, 0
  if count > MOST_ROWS or dirty[""] then
    return tell_all(own, "reload", "{}")
  end
  for name in pairs(dirty) do
    local row = own.page.dispatcher:job(name)
    if row then
      tell_all(own, "job", view.row(row))
    else
      tell_all(own, "reload", "{}")
    end
  end
end

-- Flushes until nothing has changed meanwhile.
local function flush_all(own)
  repeat
    flush(own)
  until own.dirty_count == 0
end

--- Something happened to a job. Returns at once.
-- @tparam ?string name nil: to all of them
-- @tparam string what
function Hub:note(name, what)
  if self.is_closed then
    return
  elseif not next(self.streams) then
    self.number, self.kept = self.number + 1, {} -- whoever comes again has missed it
    return
  end
  local key = what == "reloaded" and "" or name or ""
  if not self.dirty[key] then
    self.dirty[key], self.dirty_count = true, self.dirty_count + 1
  end
  if not self.tasks.flush then
    spawn(self, "flush", flush_all)
  end
end

local function beat(own)
  while next(own.streams) do
    tasks.sleep(HEARTBEAT)
    for stream in pairs(own.streams) do
      send(own, stream, ": still here\n\n")
    end
  end
end

-- --- runs ------------------------------------------------------------------------------------

local function tell_watchers(own, watch, news)
  local text = format("run", json.encode(news))
  if #text > MOST_NEWS then
    text = format("run", json.encode {id = news.id, facts = news.facts, is_too_much = true,
                                      operations = json.array {}, log = json.array {}})
  end
  for stream in pairs(watch.streams) do
    send(own, stream, text)
  end
end

-- One look. Returns whether nothing more will come.
local function look_at_run(own, watch, with_facts)
  local reader, line = watch.reader, watch.reader.lines
  local is_new = reader:read()
  with_facts = with_facts or reader.has_finished
  if not is_new and not with_facts then
    return false
  end
  local news = reader:news(line)
  news.id, news.facts = reader.id, with_facts and run.facts(reader.id) or nil
  tell_watchers(own, watch, news)
  return with_facts and not is_new and (not news.facts or news.facts.state ~= "running")
end

local function follow(own, watch)
  local looks, is_over = 0, false
  local ending <close> = setmetatable({}, {__close = function()
    own.runs[watch.reader.id] = nil
  end})
  while next(watch.streams) and not is_over do
    local ok, failure = pcall(function()
      is_over = look_at_run(own, watch, looks % LOOKS == 0)
    end)
    if not ok then
      log.warning(("page: looking at run %s: %s"):format(watch.reader.id, tostring(failure)))
    end
    looks = looks + 1
    tasks.sleep(PAUSE)
  end
end

local function watch_run(own, id, stream)
  local watch = own.runs[id]
  if not watch then
    watch = {reader = run.reader(id), streams = {}}
    own.runs[id] = watch
    watch.streams[stream] = true
    spawn(own, "run " .. id, follow, watch)
  else
    watch.streams[stream] = true
  end
end

--- The reader of a run that somebody looks at, or nil.
function Hub:reader(id)
  local watch = self.runs[id]
  return watch and watch.reader.offset > 0 and watch.reader or nil
end

-- --- those who look --------------------------------------------------------------------------

-- What one has missed who comes again; or that all is to be loaded.
local function catch_up(own, stream, last)
  local boot, number = last:match "^(%x+)%-(%d+)$"
  number = math.tointeger(tonumber(number))
  if boot ~= own.boot or not number or number > own.number then
    return send(own, stream, format("reload", "{}"))
  end
  for i = number + 1, own.number do
    if not own.kept[i] then
      return send(own, stream, format("reload", "{}"))
    end
  end
  for i = number + 1, own.number do
    send(own, stream, own.kept[i])
  end
end

--- Open a stream for a request, or refuse it.
function Hub:open(request)
  local id = (request.query or ""):match "^run=([^&]*)$"
  if id and not run.is_id(id) then
    return answers.problem(request, 400, "that is not the id of a run")
  elseif request.method == "HEAD" then
    return answers.send(request, 200, "text/event-stream", "")
  end
  local last = request.headers["last-event-id"]
  local stream = not self.is_closed and request:stream(answers.headers(
    "text/event-stream", {["X-Accel-Buffering"] = "no"}))
  if not stream then
    return answers.problem(request, 503, "too many look at this page", {["Retry-After"] = "10"})
  end
  self.streams[stream] = true
  send(self, stream, ("retry: %d\nid: %s\n%s"):format(
    RETRY, last and last:match "^%x+%-%d+$" or self:mark(),
    format("hello", json.encode {at = self:mark()})))
  if last then
    catch_up(self, stream, last)
  end
  if id then
    watch_run(self, id, stream)
  end
  if not self.tasks.heartbeat then
    spawn(self, "heartbeat", beat)
  end
end

--- End all streams and readers.
function Hub:close()
  self.is_closed = true
  for _, task in pairs(self.tasks) do
    task:cancel()
  end
  for stream in pairs(self.streams) do
    stream:close()
  end
  self.streams, self.runs = {}, {}
end

return events
