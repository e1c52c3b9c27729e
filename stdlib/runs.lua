--- The runs that a store has: `moongate runs`.
-- @module runs
local check = require "core.check"
local clock = require "clock"
local core = require "core.runs"
local json = require "json"
local run = require "run"
local tasks = require "tasks"
local timeline = require "timeline"

local runs = {}

local CHUNK = 1 << 20 -- bytes of a journal that are read at once
local AT_ONCE = 16 -- runs that are looked at

local function fail(code, message)
  return check.failure {code = code, message = message}
end

local function complain(failure)
  local cure = failure.cure and ("; %s"):format(failure.cure) or ""
  io.stderr:write(("moongate runs: %s%s\n"):format((core.visible(failure.message)), cure))
end

-- --- what the store has of a run ------------------------------------------------------------

local function path(id, name)
  return ("runs/%s/%s"):format(id, name)
end

-- A JSON text of a run; nil when there is none, nil and why when it is none.
local function read_json(id, name)
  local text = core.get(path(id, name))
  local ok, tree = pcall(json.decode, text or "null")
  if not ok or (text and type(tree) ~= "table") then
    return nil, ("%s is not what moongate writes there"):format(name)
  end
  return text and tree
end

-- The state of a run: `running`, what its end says, `died` without one, or `damaged`.
local function state_of(own)
  if own.why then
    return "damaged"
  elseif own.lease.is_held then
    return "running"
  elseif own.finish and own.finish.fence == own.lease.fence then
    return own.finish.status or "damaged"
  end
  return "died"
end

-- What is known of a run without its journal.
local function look(id)
  local own = {id = id}
  own.manifest, own.why = read_json(id, "run.json")
  if not own.manifest then
    own.why = own.why or "run.json is missing"
  end
  local finish, wrong = read_json(id, "end.json")
  own.finish, own.why = finish, own.why or wrong
  own.lease = core.look(path(id, "journal.jsonl"))
  own.state = state_of(own)
  own.started = own.manifest and clock.parse(own.manifest.started or "")
  return own
end

-- The same of a run that must be there.
local function find(id)
  local own = look(id)
  if own.manifest or #core.list(path(id, "")) > 0 then
    return own
  end
  error(fail("RunNotFound", ("there is no run '%s' in %s"):format(id, core.label())))
end

-- Hands the records of a journal to the timeline. Returns how many bytes at its end are torn,
-- and the failure that it is damaged behind what was read.
local function read_journal(id, own)
  local reader, offset = core.reader(), 0
  repeat
    local bytes, size = core.get(path(id, "journal.jsonl"), offset, CHUNK)
    if not bytes then
      break
    end
    local records, failure = core.read(reader, bytes)
    for _, record in ipairs(records) do
      timeline.add(own, record)
    end
    if failure then
      return 0, failure
    end
    offset = offset + #bytes
  until #bytes == 0 or offset >= size
  return core.rest(reader)
end

-- --- words -----------------------------------------------------------------------------------

local function command_line(manifest)
  local words = {manifest.script or "?"}
  for _, word in ipairs(manifest.arguments or {}) do
    words[#words + 1] = tostring(word)
  end
  return table.concat(words, " ")
end

local function span(seconds)
  return clock.format(math.max(0, seconds))
end

-- "2026-11-25 10:36:00"
local function moment(seconds)
  return (clock.utc(seconds):gsub("T", " "):gsub("%.%d+Z$", ""))
end

-- "gateway 'gw-a' Activating 01:12, and 3 more"
local function describe_waiting(open, now)
  local first = open[1]
  if not first then
    return ""
  end
  local state = first.service_state or (first.state == "intended" and "no answer yet" or "sent")
  local more = #open > 1 and (", and %d more"):format(#open - 1) or ""
  return ("%s %s %s%s"):format(timeline.subject(first), state, span(now - first.began), more)
end

-- --- list ------------------------------------------------------------------------------------

-- When a run began, as its id says; nil when it has a name of its own.
local function time_in_id(id)
  local parts = {id:match "^(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d)%-%x%x%x%x$"}
  return #parts == 6 and clock.parse(("%s-%s-%sT%s:%s:%sZ"):format(table.unpack(parts))) or nil
end

-- All runs, `{id=, started=}`, the newest first. Only those whose id does not tell are looked
-- into.
local function list_ids()
  local list = {}
  for _, entry in ipairs(core.list "runs/") do
    list[#list + 1] = {id = entry.name:match "^runs/(.*)/$"}
  end
  tasks.map(list, function(row)
    row.started = time_in_id(row.id)
    if not row.started then
      local ok, manifest = pcall(read_json, row.id, "run.json")
      row.started = ok and manifest and clock.parse(manifest.started or "") or 0
    end
  end, {limit = AT_ONCE})
  table.sort(list, function(a, b)
    if a.started ~= b.started then
      return a.started > b.started
    end
    return a.id > b.id
  end)
  return list
end

-- States in which a run may still wait for something.
local UNFINISHED = {running = true, interrupted = true, died = true}

local function look_for_list(id)
  local own, failure = tasks.try(look, id)
  if not own then
    return {id = id, state = "damaged", why = failure.message, open = {}}
  end
  own.open = {}
  if UNFINISHED[own.state] then
    local line = timeline.new(true)
    local _, damage = read_journal(id, line)
    own.why = damage and damage.message
    own.open, own.last = timeline.open(line), line.last
  end
  return own
end

-- As far as the run's own clock is ahead of ours, it counts.
local function now_of(own)
  return math.max(clock.now(), own.last or 0)
end

local function waiting_of(own)
  return own.why or describe_waiting(own.open, now_of(own))
end

local function row_of(own)
  return {own.id, own.state, own.manifest and command_line(own.manifest) or "?",
          own.started and span(clock.now() - own.started) or "?", waiting_of(own)}
end

local HEADING = {"RUN", "STATE", "SCRIPT", "AGE", "WAITING ON"}
local WIDEST_SCRIPT = 32

-- Prints rows of text in columns; what is too wide for a terminal is cut.
local function print_table(rows)
  local columns, widths = core.columns(), {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      local cut = columns and i == 3 and WIDEST_SCRIPT or nil
      local text, width = core.visible(cell, cut)
      row[i] = {text = text, width = width}
      widths[i] = math.max(widths[i] or 0, width)
    end
  end
  for _, row in ipairs(rows) do
    local line = {}
    for i, cell in ipairs(row) do
      line[i] = cell.text .. (" "):rep(widths[i] - cell.width)
    end
    local text = table.concat(line, "  "):gsub(" +$", "")
    print((columns and core.visible(text, columns - 1) or text))
  end
end

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
          outcome = step.outcome, service_state = step.service_state,
          began = clock.utc(step.began), ended = step.ended and clock.utc(step.ended),
          url = step.url or step.location, code = step.code, message = step.message,
          client_request_id = step.request, request_id = step.request_id}
end

local function print_list_json(list, total)
  local rows = {}
  for i, own in ipairs(list) do
    rows[i] = summary_of(own)
    rows[i].waiting_on = {}
    for j, step in ipairs(own.open) do
      rows[i].waiting_on[j] = step_for_json(step)
    end
    json.array(rows[i].waiting_on)
  end
  print(json.encode {runs = json.array(rows), total = total})
end

function runs.list(options)
  local ids = list_ids()
  local total = #ids
  for i = (options.limit or total) + 1, total do
    ids[i] = nil
  end
  local list = tasks.map(ids, function(row) return look_for_list(row.id) end,
                         {limit = AT_ONCE})
  if options.json then
    print_list_json(list, total)
    return 0
  elseif total == 0 then
    io.stderr:write(("no runs in %s\n"):format((core.visible(core.label()))))
    return 0
  end
  local rows = {HEADING}
  for i, own in ipairs(list) do
    rows[i + 1] = row_of(own)
  end
  print_table(rows)
  if total > #list then
    io.stderr:write(("%d of %d runs; --all shows all\n"):format(#list, total))
  end
  return 0
end

-- --- show ------------------------------------------------------------------------------------

local function print_fact(name, text)
  if text and text ~= "" then
    print(("%-9s %s"):format(name, (core.visible(text))))
  end
end

local function describe_times(own)
  local finish = own.state ~= "running" and own.finish
  local ended = finish and clock.parse(finish.ended or "")
  local text = ("%s UTC, %s ago"):format(moment(own.started), span(clock.now() - own.started))
  if ended then
    text = ("%s; ended %s, after %s"):format(text, moment(ended), span(ended - own.started))
  end
  return text
end

local function describe_target(settings)
  local words = {}
  for _, name in ipairs {"endpoint", "cloud", "subscription", "resource_group", "service"} do
    if settings and settings[name] then
      words[#words + 1] = ("%s %s"):format(name:gsub("_", " "), settings[name])
    end
  end
  return table.concat(words, ", ")
end

local function describe_holder(own)
  local holder = own.lease.holder
  if not holder then
    return nil
  end
  return ("process %s on host '%s', since %s"):format(
    holder.pid and ("%d"):format(holder.pid) or "?", holder.host or "?",
    holder.since or "?")
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
    print_fact("script", command_line(own.manifest))
    print_fact("started", own.started and describe_times(own))
    print_fact("with", describe_target(own.manifest.settings))
  end
  print_fact(own.state == "running" and "carrier" or "last by", describe_holder(own))
  if own.state == "running" and core.get(path(own.id, "cancel.json"), 0, 0) then
    print_fact("cancel", "asked for")
  end
  print_fact("error", own.why or (own.state ~= "running" and own.finish and own.finish.error))
  print_fact("steps", describe_counts(line))
  print_fact("waiting", describe_waiting(timeline.open(line), now_of {last = line.last}))
end

local function print_attempts(line)
  print()
  for _, attempt in ipairs(line.attempts) do
    local how = attempt.status and
      ("%s after %s"):format(attempt.status, span(attempt.ended - attempt.began)) or
      "no end is written"
    print((core.visible(("attempt %d  %s  process %s on host '%s': %s"):format(
      attempt.number, moment(attempt.began), attempt.pid and ("%d"):format(attempt.pid) or "?",
      attempt.host or "?", how))))
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

local function print_step(step)
  local took = step.ended and (", %s"):format(span(step.ended - step.began)) or ""
  print()
  print((core.visible(("%s %s: %s%s"):format(
    step.kind and step.verb or "request", timeline.subject(step), step.outcome or step.state,
    took))))
  print((core.visible("  " .. step.id)))
  local last
  for _, record in ipairs(step.history) do
    local text = TELL[record["do"]](record)
    if record.attempt ~= last and record.attempt > 1 then
      text = ("%s (attempt %d)"):format(text, record.attempt)
    end
    last = record.attempt
    print((core.visible(("  %s  %s"):format(clock.utc(record.time):sub(12, 23), text))))
  end
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

local function tell_tail(id, torn)
  if torn > 0 then
    io.stderr:write(("the end of the journal of %s, %d bytes, is not whole: a crash came while "
      .. "it was written\n"):format(id, torn))
  end
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
    tree.steps[i].history = json.array {}
    for j, record in ipairs(step.history) do
      record.time, record.crc, record.v, record.key = nil, nil, nil, nil
      tree.steps[i].history[j] = record
    end
  end
  print(json.encode(tree))
end

function runs.show(options)
  local own, line = find(options.id), timeline.new()
  local torn, damage = read_journal(options.id, line)
  local steps = choose_steps(line, options.words)
  if options.json then
    print_show_json(own, line, steps)
  else
    print_facts(own, line)
    print_attempts(line)
    for _, step in ipairs(steps) do
      print_step(step)
    end
  end
  tell_tail(options.id, torn)
  if damage then
    complain(damage)
  elseif #steps == 0 and #line.steps > 0 then
    complain(fail("NotFound", "the run has no step of that name"))
  end
  return (damage or (#steps == 0 and #line.steps > 0)) and 1 or 0
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
    complain(failure)
    code = CODES[failure.code] or 1
  end
  run.exit(code)
end

return runs
