--- What the status page tells of a run: its facts, its operations and the end of its log, all from
-- the store.
--
-- An operation is `{n=, v=, attempt=, verb=, kind=, name=, target=, began=, ended=, state=,
-- percent=, outcome=, error=, states={{at=, state=}..}}`; `v` grows with each change of it. A line
-- of the log is `{n=, at=, level=, text=}`. Times are seconds since 1970.
-- @module jobs_page_run
local clock = require "clock"
local core = require "core.runs"
local json = require "json"
local shelf = require "shelf"
local tasks = require "tasks"

local run = {}

local CHUNK = 1 << 20 -- bytes of the events that are read at once
local MOST_BYTES = 256 << 20 -- of them that are looked at
local MOST_LINES = 500 -- of the log that are kept
local LONGEST_LINE = 4000 -- bytes of one
local MOST_OPERATIONS = 2000 -- that are told; those that go on first
local LONGEST_ID = 63

--- Whether the text can be the id of a run.
function run.is_id(id)
  return #id <= LONGEST_ID and id:find "^[%w_-][%w._-]*$" ~= nil
end

-- --- events ----------------------------------------------------------------------------------

local Reader = {}
Reader.__index = Reader

--- What reads the events of a run, from its first on.
-- @tparam string id
-- @treturn table
function run.reader(id)
  return setmetatable({id = id, offset = 0, rest = "", operations = {}, numbers = {}, attempt = 0,
                       log = {}, lines = 0, version = 0, changed = {}}, Reader)
end

local function shorten(text)
  if #text <= LONGEST_LINE then
    return text
  end
  return text:sub(1, (utf8.offset(text, 0, LONGEST_LINE) or LONGEST_LINE) - 1) .. "\u{2026}"
end

local function add_line(own, at, level, text)
  own.lines = own.lines + 1
  own.log[#own.log + 1] = {n = own.lines, at = at, level = level,
                           text = shorten((text:gsub("\n$", "")))}
  if #own.log > 2 * MOST_LINES then
    own.log = table.move(own.log, #own.log - MOST_LINES + 1, #own.log, 1, {})
  end
end

local function touch(own, operation)
  own.version = own.version + 1
  operation.v = own.version
  own.changed[operation.n] = operation
end

-- The operation that an event is about, which may be its first: one that had nothing to do comes
-- without a start.
local function operation_of(own, event, at)
  local key = event.operation
  local operation = key and own.numbers[key]
  if not operation then
    operation = {n = #own.operations + 1, attempt = own.attempt, verb = event.verb,
                 kind = event.kind, name = event.name, target = event.target, began = at,
                 states = json.array {}}
    own.operations[operation.n] = operation
    own.numbers[key or operation] = operation
  end
  return operation
end

local function on_state(own, event, at)
  local operation = operation_of(own, event, at)
  if event.state and event.state ~= operation.state then
    operation.state = event.state
    operation.states[#operation.states + 1] = {at = at, state = event.state}
  end
  operation.percent = event.percent
  touch(own, operation)
end

local function on_finish(own, event, at)
  local operation = operation_of(own, event, at)
  local failure = type(event.failure) == "table" and event.failure or nil
  operation.ended, operation.outcome = at, event.outcome
  operation.error = failure and ("%s: %s"):format(failure.code, failure.message)
  touch(own, operation)
end

-- An attempt begins: what the one before has left open is not known to go on.
local function on_begin(own, event, at)
  own.attempt = own.attempt + 1
  for _, operation in pairs(own.numbers) do
    if not operation.ended then
      operation.ended, operation.outcome = at, "left open"
      touch(own, operation)
    end
  end
  own.numbers = {}
  add_line(own, at, "run", "began: " .. tostring(event.script))
end

local function on_end(own, event)
  own.has_finished = true
  add_line(own, own.last, "run", ("%s%s"):format(
    tostring(event.status), event.error and ": " .. event.error or ""))
end

local KINDS = {
  ["run.started"] = on_begin,
  ["operation.started"] = function(own, event, at)
    touch(own, operation_of(own, event, at))
  end,
  ["operation.state"] = on_state,
  ["operation.finished"] = on_finish,
  ["task.failed"] = function(own, event, at) add_line(own, at, "error", event.text) end,
  output = function(own, event, at) add_line(own, at, "output", event.text) end,
  log = function(own, event, at) add_line(own, at, event.level, event.text) end,
  ["run.finished"] = on_end,
}

-- Takes a line of the events. One that is none was not written by moongate, and is told as it is.
local function take(own, line)
  local ok, event = pcall(json.decode, line)
  local kind = ok and type(event) == "table" and KINDS[event.event]
  if not kind then
    add_line(own, own.last, "error", "not an event: " .. line)
    return
  end
  own.last = clock.parse(tostring(event.time or "")) or own.last
  local well, why = pcall(kind, own, event, own.last)
  if not well then
    add_line(own, own.last, "error", ("an event that makes no sense (%s): %s"):format(why, line))
  end
end

local function take_lines(own, bytes)
  local text, at = own.rest .. bytes, 1
  for line, next_at in text:gmatch "([^\n]*)\n()" do
    take(own, line)
    at = next_at
  end
  own.rest = text:sub(at)
end

--- Read what is new. Waits.
-- @treturn boolean whether something was
-- @raise failure what the store refuses
function Reader:read()
  local from = self.offset
  repeat
    local bytes, size = core.get(shelf.path(self.id, "events.jsonl"), self.offset, CHUNK)
    if not bytes or #bytes == 0 or self.offset >= MOST_BYTES then
      break
    end
    self.offset = self.offset + #bytes
    take_lines(self, bytes)
    tasks.yield()
  until self.offset >= size
  return self.offset > from
end

--- What has changed since this was last asked.
-- @tparam integer line of the log that is known
-- @treturn table `operations` and `log`
function Reader:news(line)
  local operations, log = {}, {}
  for _, operation in pairs(self.changed) do
    operations[#operations + 1] = operation
  end
  for _, entry in ipairs(self.log) do
    log[#log + 1] = entry.n > line and entry or nil
  end
  self.changed = {}
  table.sort(operations, function(a, b) return a.n < b.n end)
  return {operations = json.array(operations), log = json.array(log)}
end

-- The newest of them, and of the older ones only those that go on.
local function choose(list)
  if #list <= MOST_OPERATIONS then
    return list
  end
  local chosen = {}
  for i, operation in ipairs(list) do
    if not operation.ended or i > #list - MOST_OPERATIONS then
      chosen[#chosen + 1] = operation
    end
  end
  return chosen
end

--- All that is known.
-- @treturn table `operations`, how many were left out as `omitted`, and the end of the `log`
function Reader:all()
  local operations = choose(self.operations)
  return {
    operations = json.array(operations), omitted = #self.operations - #operations,
    log = json.array(table.move(self.log, math.max(1, #self.log - MOST_LINES + 1), #self.log, 1,
                                {})),
  }
end

-- --- facts -----------------------------------------------------------------------------------

--- The facts of a run, without its events. Waits.
-- @treturn ?table nil when it is not there
function run.facts(id)
  local seen = shelf.look(id)
  if not seen.manifest and #core.list(shelf.path(id, "")) == 0 then
    return nil
  end
  local manifest, finish = seen.manifest or {}, seen.state ~= "running" and seen.finish or {}
  return {
    id = id, state = seen.state, script = manifest.script,
    arguments = json.array(manifest.arguments or {}), started = seen.started, ended = seen.ended,
    error = seen.why or finish.error, exit_code = finish.exit_code, attempt = finish.attempt,
    holder = seen.state == "running" and seen.lease.holder or nil, now = clock.now(),
  }
end

--- All that is told of a run: its facts, operations and the end of its log. Waits.
-- @tparam table own the page
-- @tparam string id
-- @treturn ?table nil when there is no such run
function run.look(own, id)
  local state = run.is_id(id) and run.facts(id)
  if not state then
    return nil
  end
  local reader = own.events:reader(id)
  if not reader then
    reader = run.reader(id)
    reader:read()
  end
  for key, value in pairs(reader:all()) do
    state[key] = value
  end
  return state
end

--- A part of the log, from a byte of the events on. Waits.
-- @tparam string id
-- @tparam integer from where a line begins
-- @tparam integer most bytes
-- @treturn ?table `log`, `from`, `to`: where the next part begins, and `size`; nil when there is no
--   such run
function run.read_log(id, from, most)
  if not run.is_id(id) then
    return nil
  end
  local bytes, size = core.get(shelf.path(id, "events.jsonl"), from, most)
  if not bytes then
    return run.facts(id) and {log = json.array {}, from = from, to = from, size = 0}
  end
  local reader = run.reader(id)
  take_lines(reader, bytes)
  return {log = json.array(reader.log), from = from, to = from + #bytes - #reader.rest,
          size = size}
end

return run
