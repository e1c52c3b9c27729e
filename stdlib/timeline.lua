--- What the journal of a run tells, as a timeline of its steps.
--
-- A step is a write of the run: `{number=, n=, verb=, kind=, id=, name=, action=, method=, state=,
-- began=, ended=, history=}`, where `number` counts them from 1 on, `n` is the line that it began
-- with, `state` is one of `intended`, `answered`, `done` and `failed`, times
-- are seconds since 1970 on the run's clock, and `history` has what is worth keeping of the
-- records about it, each with `what` it says (the journal's word), `time` and `attempt`.
-- @module timeline
local clock = require "clock"

local timeline = {}

local function name_of(id)
  return id:match "([^/]+)/*$" or id
end

-- The step that a record begins or is about.
local function step_of(own, record)
  local step = own.by_number[record.step or record.n]
  if step or record.step then
    return step
  end
  step = {
    number = #own.steps + 1, n = record.n, nth = record.nth or 1, verb = record.verb or "?", kind = record.kind,
    id = record.id or "", name = name_of(record.id or "?"), began = record.time, history = {},
  }
  own.by_number[record.n] = step
  own.steps[#own.steps + 1] = step
  return step
end

local function on_intent(step, record)
  step.state = "intended"
  step.action, step.method, step.request = record.action, record.method, record.request
  step.answer, step.url, step.location, step.service_state = nil, nil, nil, nil
  step.ended, step.code = nil, nil
end

local function on_answer(step, record)
  step.state, step.answer = "answered", record
  step.url, step.location = record.url, record.location
  step.service_state, step.request_id = record.state, record.request_id
end

local function on_state(step, record)
  step.service_state, step.percent = record.state or step.service_state, record.percent
end

local function on_done(step, record)
  step.state, step.ended = "done", record.time
  step.outcome = record.outcome or "unchanged"
end

local function on_failed(step, record)
  step.state, step.ended = "failed", record.time
  step.code, step.message, step.status = record.code, record.message, record.status
  step.request_id = record.request_id or step.request_id
end

-- By what a record says: what it does to its step, and the members that are kept of it.
local KINDS = {
  intent = {on_intent, {"action", "method", "request"}},
  answer = {on_answer, {"status", "state", "url", "location", "request_id"}},
  state = {on_state, {"state", "percent"}},
  done = {on_done, {"outcome"}},
  unchanged = {on_done, {}},
  failed = {on_failed, {"code", "status", "message", "request_id"}},
}

local function on_begin(own, record)
  own.attempts[#own.attempts + 1] = {
    number = #own.attempts + 1, began = record.time, host = record.host, pid = record.pid}
end

local function on_end(own, record)
  local attempt = own.attempts[#own.attempts]
  if attempt then
    attempt.ended, attempt.status, attempt.exit_code = record.time, record.status,
      record.exit_code
  end
end

--- A timeline without a record.
-- @treturn table the timeline: `steps` in the order they began, `attempts`, and `last`, the time
--   of its last record
function timeline.new()
  return {steps = {}, by_number = {}, attempts = {}}
end

--- Take in a record of the journal.
-- @tparam table own a timeline
-- @tparam table record the next record
function timeline.add(own, record)
  local what = record["do"]
  local kind = KINDS[what]
  record.time = clock.parse(record.at or "") or own.last or 0
  own.last = record.time
  if what == "begin" then
    on_begin(own, record)
  elseif what == "end" then
    on_end(own, record)
  end
  local step = kind and step_of(own, record)
  if step then
    local kept = {what = what, time = record.time, attempt = #own.attempts}
    for _, name in ipairs(kind[2]) do
      kept[name] = record[name]
    end
    kind[1](step, kept)
    step.history[#step.history + 1] = kept
  end
end

--- The steps that are not over: those that the service works on, then those whose answer is
-- not known, each in the order they began.
-- @tparam table own a timeline
-- @treturn table list of steps
function timeline.open(own)
  local open, unanswered = {}, {}
  for _, step in ipairs(own.steps) do
    if step.state == "answered" then
      open[#open + 1] = step
    elseif step.state == "intended" then
      unanswered[#unanswered + 1] = step
    end
  end
  return table.move(unanswered, 1, #unanswered, #open + 1, open)
end

--- How a step is called: `gateway 'gw-payments'`, or `POST '/...'` without a kind.
-- @tparam table step
-- @treturn string its name, as the journal has it
function timeline.subject(step)
  local nth = step.nth > 1 and (" #%d"):format(step.nth) or ""
  if step.kind then
    return ("%s '%s'%s"):format(step.kind, step.name, nth)
  end
  return ("%s '%s'%s"):format(step.verb, step.name, nth)
end

--- How many steps are in each state.
-- @tparam table own a timeline
-- @treturn table counts by state
function timeline.count(own)
  local counts = {intended = 0, answered = 0, done = 0, failed = 0}
  for _, step in ipairs(own.steps) do
    counts[step.state] = counts[step.state] + 1
  end
  return counts
end

return timeline
