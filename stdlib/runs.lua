--- The runs that a store has: `moongate runs`.
-- @module runs
local clock = require "clock"
local core = require "core.runs"
local folder = require "core.folder"
local json = require "json"
local report = require "run_report"
local run = require "run"
local shelf = require "shelf"
local tasks = require "tasks"
local timeline = require "timeline"
local upkeep = require "upkeep"

local runs = {cancel = upkeep.cancel, prune = upkeep.prune}

-- --- list ------------------------------------------------------------------------------------

-- States in which a run may still wait for something.
local UNFINISHED = {running = true, interrupted = true, died = true}

-- Adds the steps that a run may still wait for.
local function add_open(own)
  own.open = {}
  if UNFINISHED[own.state] then
    local line, damage = shelf.read_open(own.id)
    own.why = damage and damage.message
    own.open, own.last = timeline.open(line), line.last
  end
end

-- As far as the run's own clock is ahead of ours, it counts.
local function now_of(own)
  return math.max(clock.now(), own.last or 0)
end

local function row_of(own)
  return {own.id, own.state, own.manifest and shelf.command_line(own.manifest) or "?",
          own.started and shelf.span(clock.now() - own.started) or "?",
          own.why or shelf.describe_waiting(own.open, now_of(own))}
end

local HEADING = {"RUN", "STATE", "SCRIPT", "AGE", "WAITING ON"}
local WIDEST = {[3] = 32} -- columns

local function holder_of(own)
  return own.state == "running" and own.lease.holder or nil
end

-- What all of json's forms say of a run.
local function summary_of(own)
  local manifest, finish = own.manifest or {}, own.state ~= "running" and own.finish or {}
  return {
    id = own.id, state = own.state, script = manifest.script,
    arguments = json.array(manifest.arguments or {}),
    started = manifest.started, ended = finish.ended, exit_code = finish.exit_code,
    attempt = finish.attempt, error = own.why or finish.error, summary = finish.summary,
    holder = holder_of(own),
  }
end

local function step_for_json(step)
  return {verb = step.verb, kind = step.kind, name = step.name, id = step.id, nth = step.nth,
          state = step.state, action = step.action, method = step.method,
          outcome = step.outcome, service_state = step.service_state, percent = step.percent,
          began = clock.utc(step.began), ended = step.ended and clock.utc(step.ended),
          url = step.url or step.location, code = step.code, message = step.message,
          client_request_id = step.request, request_id = step.request_id}
end

local function print_list_json(list, total)
  local rows = {}
  for i, own in ipairs(list) do
    rows[i] = summary_of(own)
    rows[i].waiting_on = {}
    for j, step in ipairs(own.open or {}) do
      rows[i].waiting_on[j] = step_for_json(step)
    end
    json.array(rows[i].waiting_on)
  end
  print(json.encode {runs = json.array(rows), total = total})
end

-- What could not be looked at makes the list less than it says.
local function code_of(list)
  for _, own in ipairs(list) do
    if own.state == "unknown" then
      return 1
    end
  end
  return 0
end

function runs.list(options)
  local ids = shelf.list()
  local total = #ids
  for i = (options.limit or total) + 1, total do
    ids[i] = nil
  end
  local list = shelf.look_at(ids, add_open)
  if options.json then
    print_list_json(list, total)
    return code_of(list)
  elseif total == 0 then
    shelf.tell("no runs in %s", core.label())
    return 0
  end
  local rows = {HEADING}
  for i, own in ipairs(list) do
    rows[i + 1] = row_of(own)
  end
  shelf.print_table(rows, WIDEST)
  if total > #list then
    shelf.tell("%d of %d runs; --all shows all", #list, total)
  end
  return code_of(list)
end

-- --- show ------------------------------------------------------------------------------------

local function print_fact(name, text)
  if text and text ~= "" then
    print(("%-9s %s"):format(name, (core.visible(text))))
  end
end

local function describe_times(own)
  local text = ("%s UTC, %s ago"):format(shelf.moment(own.started),
                                         shelf.span(clock.now() - own.started))
  if own.ended then
    text = ("%s; ended %s, after %s"):format(text, shelf.moment(own.ended),
                                             shelf.span(own.ended - own.started))
  end
  return text
end

local function describe_target(settings)
  local words = {}
  for _, name in ipairs {"endpoint", "cloud", "subscription", "resource_group", "service"} do
    if settings and settings[name] then
      words[#words + 1] = ("%s %s"):format(name:gsub("_", " "), tostring(settings[name]))
    end
  end
  return table.concat(words, ", ")
end

local function describe_counts(line)
  local counts, words = timeline.count(line), {}
  for _, row in ipairs {{"done", "done"}, {"answered", "under way"},
                        {"intended", "without an answer"}, {"failed", "failed"}} do
    if counts[row[1]] > 0 then
      words[#words + 1] = ("%d %s"):format(counts[row[1]], row[2])
    end
  end
  return ("%d%s%s"):format(#line.steps, #words > 0 and ": " or "", table.concat(words, ", "))
end

local function print_facts(own, line)
  print(("run %s: %s"):format(own.id, own.state))
  if own.manifest then
    print_fact("script", shelf.command_line(own.manifest))
    print_fact("started", own.started and describe_times(own))
    print_fact("with", describe_target(own.manifest.settings))
  end
  print_fact(own.state == "running" and "carrier" or "last by", shelf.describe_holder(own))
  if own.state == "running" and core.get(shelf.path(own.id, "cancel.json"), 0, 0) then
    print_fact("cancel", "asked for")
  end
  print_fact("error", own.why or (own.state ~= "running" and own.finish and own.finish.error))
  print_fact("steps", describe_counts(line))
  print_fact("waiting", shelf.describe_waiting(timeline.open(line), now_of {last = line.last}))
end

local function describe_end(attempt, is_carried)
  if attempt.status then
    return ("%s after %s"):format(attempt.status, shelf.span(attempt.ended - attempt.began))
  end
  return is_carried and "goes on" or "no end is written"
end

local function print_attempts(own, line)
  print()
  for i, attempt in ipairs(line.attempts) do
    local how = describe_end(attempt, own.state == "running" and i == #line.attempts)
    print((core.visible(("attempt %d  %s  process %s on host '%s': %s"):format(
      attempt.number, shelf.moment(attempt.began),
      tostring(attempt.pid or "?"), attempt.host or "?", how))))
  end
end

-- What each record of a step says, in words.
local TELL = {}

function TELL.intent(record)
  return ("intent    %s by %s, client request id %s"):format(
    record.action or "?", record.method or "?", record.request or "none")
end

function TELL.answer(record)
  return ("answer    %s%s, request id %s"):format(
    record.status and ("%d"):format(record.status) or "?",
    record.state and " " .. record.state or "", record.request_id or "none")
end

function TELL.state(record)
  return ("state     %s%s"):format(record.state or "?",
                                   record.percent and (" %d %%"):format(record.percent) or "")
end

function TELL.done(record)
  return ("done      %s"):format(record.outcome or "")
end

function TELL.unchanged()
  return "done      unchanged: nothing had to be written"
end

function TELL.failed(record)
  return ("failed    %s%s: %s, request id %s"):format(
    record.code or "?", record.status and (" (%d)"):format(record.status) or "",
    record.message or "", record.request_id or "none")
end

-- In one piece: a run may have a hundred thousand.
local function print_step(step)
  local took = step.ended and (", %s"):format(shelf.span(step.ended - step.began)) or ""
  local lines = {"", (core.visible(("step %d: %s %s: %s%s"):format(
    step.number, step.kind and step.verb or "request", timeline.subject(step),
    step.outcome or step.state, took))), (core.visible("  " .. step.id))}
  local attempt = 1
  for _, record in ipairs(step.history) do
    local text = TELL[record.what](record)
    if record.attempt > attempt then
      attempt = record.attempt
      text = ("%s (attempt %d)"):format(text, attempt)
    end
    lines[#lines + 1] = core.visible(("  %s  %s"):format(clock.utc(record.time):sub(12, 23), text))
  end
  print(table.concat(lines, "\n"))
end

-- The steps whose name, or kind and name, is one of the words; all without words.
local function choose_steps(line, words)
  if not words or #words == 0 then
    return line.steps
  end
  local wanted, chosen = {}, {}
  for _, word in ipairs(words) do
    wanted[word] = true
  end
  for _, step in ipairs(line.steps) do
    if wanted[step.name] or wanted[step.id] then
      chosen[#chosen + 1] = step
    end
  end
  return chosen
end

local function print_show_json(own, line, steps)
  local tree = summary_of(own)
  tree.settings = own.manifest and own.manifest.settings
  tree.steps, tree.attempts = json.array {}, json.array {}
  for i, attempt in ipairs(line.attempts) do
    tree.attempts[i] = {number = attempt.number, host = attempt.host, pid = attempt.pid,
                        began = clock.utc(attempt.began), status = attempt.status,
                        ended = attempt.ended and clock.utc(attempt.ended),
                        exit_code = attempt.exit_code}
  end
  for i, step in ipairs(steps) do
    tree.steps[i] = step_for_json(step)
    tree.steps[i].number = step.number
    tree.steps[i].history = json.array {}
    for j, record in ipairs(step.history) do
      record.at, record.time = clock.utc(record.time), nil
      tree.steps[i].history[j] = record
    end
  end
  print(json.encode(tree))
end

function runs.show(options)
  local own = shelf.find(options.id)
  local line, torn, damage = shelf.read_journal(options.id)
  local steps = choose_steps(line, options.words)
  if options.json then
    print_show_json(own, line, steps)
  else
    print_facts(own, line)
    print_attempts(own, line)
    for _, step in ipairs(steps) do
      print_step(step)
    end
  end
  shelf.tell_torn(options.id, torn)
  if damage then
    shelf.complain(damage)
  elseif #steps == 0 and #line.steps > 0 then
    shelf.complain {message = "the run has no step of that name"}
  end
  return (damage or (#steps == 0 and #line.steps > 0)) and 1 or 0
end

-- --- replay ----------------------------------------------------------------------------------

-- What `resume` does with a step whose answer is not known.
local function judge_intended(step)
  if step.verb == "once" then
    return "its end is not known: it fails, unless it may be done again", "unknown"
  elseif step.method == "DELETE" then
    return "would be sent again", "sent"
  elseif step.kind or step.method == "PUT" or step.method == "PATCH" then
    return "would be looked up: its answer is not known", "looked up"
  end
  return "its answer is not known: it fails, unless it may be sent again", "unknown"
end

-- What `resume` does with a step, in words, and the word that it is counted by.
local function judge(step)
  if step.state == "failed" then
    return ("would be sent again: it failed, %s"):format(step.code or "?"), "sent"
  elseif step.state == "intended" then
    return judge_intended(step)
  elseif step.state == "done" then
    return ("from the journal: %s"):format(step.outcome or "done"), "from the journal"
  end
  local method = step.kind and (step.verb == "delete" and "DELETE" or "PUT") or step.method
  if core.has_ended(method or "", step.answer) then
    return "from the journal: answered", "from the journal"
  end
  local url = step.url or step.location
  return url and "would adopt " .. url or "would wait until it is ready", "adopted"
end

local JUDGED = {"from the journal", "adopted", "looked up", "sent", "unknown"}

function runs.replay(options)
  local own = shelf.find(options.id)
  local line, torn, damage = shelf.read_journal(options.id)
  local rows, counts, words = {}, {}, {}
  for i, step in ipairs(line.steps) do
    local text, word = judge(step)
    rows[i] = {("%d"):format(step.n), step.kind and step.verb or "", timeline.subject(step), text}
    counts[word] = (counts[word] or 0) + 1
  end
  shelf.print_table(rows)
  for _, word in ipairs(JUDGED) do
    words[#words + 1] = counts[word] and ("%d %s"):format(counts[word], word)
  end
  print(("%d steps: %s"):format(#rows, #rows > 0 and table.concat(words, ", ") or "none"))
  if own.state == "succeeded" or own.state == "canceled" or own.state == "running" then
    shelf.tell("the run is %s: `moongate resume` would not begin it", own.state)
  end
  shelf.tell_torn(options.id, torn)
  if damage then
    shelf.complain(damage)
  end
  return damage and 1 or 0
end

-- --- report ----------------------------------------------------------------------------------

local LOG_BYTES = 64 << 10 -- of the end of the log

-- Members that a page tells of an event.
local EVENT_TEXTS = {"event", "time", "outcome", "kind", "name", "verb", "script", "status",
                     "error", "text"}

-- An event of a line, or nil: the first line may be cut, and others can write there, too.
local function read_event(line)
  local ok, event = pcall(json.decode, line)
  if not ok or type(event) ~= "table" then
    return nil
  end
  for _, name in ipairs(EVENT_TEXTS) do
    if event[name] ~= nil and type(event[name]) ~= "string" then
      return nil
    end
  end
  return event
end

-- The last events, as tables.
local function read_log_tail(id)
  local name, events = shelf.path(id, "events.jsonl"), {}
  local _, size = core.get(name, 0, 0)
  local offset = math.max(0, (size or 0) - LOG_BYTES)
  local text = size and core.get(name, offset, LOG_BYTES) or ""
  for line in text:gmatch "([^\n]*)\n" do
    events[#events + 1] = read_event(line)
  end
  return events
end

function runs.report(options)
  local own = shelf.find(options.id)
  local line, torn, damage = shelf.read_journal(options.id)
  local place, name = options.html:match "^(.*/)([^/]+)$"
  local page = report.page {
    run = own, line = line, events = read_log_tail(options.id), now = clock.now(),
    torn = torn, damage = damage and damage.message,
    command_line = own.manifest and shelf.command_line(own.manifest) or "?",
    holder = shelf.describe_holder(own),
  }
  folder.write(place or ".", name or options.html, page)
  shelf.tell_torn(options.id, torn)
  if damage then
    shelf.complain(damage)
  end
  print(("%s: %d steps, %d KiB"):format(options.html, #line.steps, (#page + 1023) >> 10))
  return damage and 1 or 0
end

-- --- the command -----------------------------------------------------------------------------

-- Exit codes of failures; of all others it is 1.
local CODES = {RunNotFound = 2}

--- What `moongate runs` does; ends the run with its exit code.
-- @tparam string action `list`, `show` ...
-- @tparam string options JSON: `id` of the run, and what the command line says
function runs.main(action, options)
  local code, failure = tasks.try(runs[action], json.decode(options))
  if not code then
    shelf.complain(failure)
    code = CODES[failure.code] or 1
  end
  run.exit(code)
end

return runs
