--- What the store has of runs, and words for it: for `moongate runs`.
-- @module shelf
local check = require "core.check"
local clock = require "clock"
local core = require "core.runs"
local json = require "json"
local tasks = require "tasks"
local timeline = require "timeline"

local shelf = {}

local CHUNK = 1 << 20 -- bytes of a journal that are read at once
local AT_ONCE = 16 -- runs that are looked at

-- --- what there is ---------------------------------------------------------------------------

--- The name of a text of a run: `runs/ID/run.json`.
function shelf.path(id, name)
  return ("runs/%s/%s"):format(id, name)
end

-- What members are, where they are there at all: others can write there, too.
local TYPES = {
  ["run.json"] = {script = "string", arguments = "table", started = "string", settings = "table"},
  ["end.json"] = {fence = "number", attempt = "number", status = "string", exit_code = "number",
                  ended = "string", error = "string", summary = "table"},
}

local function has_types(tree, types)
  for name, wanted in pairs(types) do
    if tree[name] ~= nil and type(tree[name]) ~= wanted then
      return false
    end
  end
  return true
end

-- A JSON text of a run; nil when there is none, nil and why when it is none.
local function read_json(id, name)
  local text = core.get(shelf.path(id, name))
  if not text then
    return nil
  end
  local ok, tree = pcall(json.decode, text)
  if not ok or type(tree) ~= "table" or not has_types(tree, TYPES[name]) then
    return nil, ("%s is not what moongate writes there"):format(name)
  end
  return tree
end

-- The state of a run: `running`, what its end says, `died` without one, or `damaged`.
local function state_of(own)
  if own.lease.is_held then
    return "running"
  elseif own.why then
    return "damaged"
  elseif own.finish and own.finish.fence == own.lease.fence then
    return own.finish.status or "damaged"
  end
  return "died"
end

-- When a run began, as its id says; nil when it has a name of its own.
local function time_in_id(id)
  local parts = {id:match "^(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d)%-%x%x%x%x$"}
  return #parts == 6 and clock.parse(("%s-%s-%sT%s:%s:%sZ"):format(table.unpack(parts))) or nil
end

--- What is known of a run without its journal: `manifest` and `finish`, which are nil when they
-- are absent, `lease`, `state`, `started` and `ended` in seconds since 1970, and `why` it is
-- damaged.
-- @tparam string id
-- @treturn table
-- @raise failure what the store refuses
function shelf.look(id)
  local own = {id = id}
  own.manifest, own.why = read_json(id, "run.json")
  if not own.manifest then
    own.why = own.why or "run.json is missing"
  end
  own.lease = core.look(shelf.path(id, "journal.jsonl"))
  local finish, wrong = read_json(id, "end.json") -- after the lease, which is given back last
  own.finish, own.why = finish, own.why or wrong
  own.state = state_of(own)
  own.started = own.manifest and clock.parse(own.manifest.started or "") or time_in_id(id)
  own.ended = own.state ~= "running" and finish and clock.parse(finish.ended or "") or nil
  return own
end

--- The same of a run that must be there.
-- @raise failure `RunNotFound`
function shelf.find(id)
  local own = shelf.look(id)
  if own.manifest or #core.list(shelf.path(id, "")) > 0 then
    return own
  end
  error(check.failure {code = "RunNotFound", message = ("there is no run '%s' in %s"):format(
    id, core.label())})
end

--- All runs, `{id=, started=}`, the newest first. Only those whose id does not tell when they
-- began are looked into.
function shelf.list()
  local list = {}
  for _, entry in ipairs(core.list "runs/") do
    local id = entry.name:match "^runs/(.*)/$"
    list[#list + 1] = id and {id = id} -- what is no folder is none of ours
  end
  tasks.map(list, function(row)
    row.started = time_in_id(row.id)
    if not row.started then
      local manifest = tasks.try(read_json, row.id, "run.json")
      row.started = manifest and clock.parse(manifest.started or "") or 0
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

--- Look at many runs, several at once. The state of one that cannot be looked at is `unknown`.
-- @tparam table list of `{id=}`
-- @tparam[opt] function fn called with what `look` gives, to add to it
-- @treturn table what `look` gives of each
function shelf.look_at(list, fn)
  return tasks.map(list, function(row)
    local own, failure = tasks.try(function()
      local seen = shelf.look(row.id)
      if fn then
        fn(seen)
      end
      return seen
    end)
    return own or {id = row.id, state = "unknown", why = failure.message,
                   started = time_in_id(row.id), lease = {fence = 0}}
  end, {limit = AT_ONCE})
end

-- Reads a journal in chunks, each of whose records are handed to `take`. Returns the failure that
-- it is damaged behind what was read.
local function read_lines(id, reader, take)
  local offset = 0
  repeat
    local bytes, size = core.get(shelf.path(id, "journal.jsonl"), offset, CHUNK)
    if not bytes then
      break
    end
    local records, failure = core.read(reader, bytes)
    for _, record in ipairs(records) do
      take(record)
    end
    if failure then
      return failure
    end
    offset = offset + #bytes
  until #bytes == 0 or offset >= size
end

--- The timeline of a run's journal.
-- @tparam string id of the run
-- @treturn table
-- @treturn integer how many bytes at its end are a torn tail
-- @treturn ?table the failure that it is damaged behind what was read
-- @raise failure what the store refuses
function shelf.read_journal(id)
  local reader, line = core.reader(), timeline.new()
  local damage = read_lines(id, reader, function(record)
    timeline.add(line, record)
  end)
  return line, damage and 0 or core.rest(reader), damage
end

--- The same of its steps that are not over, at a small part of the cost.
-- @treturn table
-- @treturn ?table the failure that it is damaged behind what was read
function shelf.read_open(id)
  local reader, line = core.reader(true), timeline.new()
  local damage = read_lines(id, reader)
  local records, last = core.open(reader)
  for _, record in ipairs(records) do
    timeline.add(line, record)
  end
  line.last = clock.parse(last)
  return line, damage
end

-- --- words -----------------------------------------------------------------------------------

--- The script and its arguments in one line.
function shelf.command_line(manifest)
  local words = {manifest.script or "?"}
  for _, word in ipairs(manifest.arguments or {}) do
    words[#words + 1] = tostring(word)
  end
  return table.concat(words, " ")
end

--- A time that passed, for people: "01:12".
function shelf.span(seconds)
  return clock.format(math.max(0, seconds))
end

--- A moment, for people: "2026-11-25 10:36:00".
function shelf.moment(seconds)
  return (clock.utc(seconds):gsub("T", " "):gsub("%.%d+Z$", ""))
end

--- Who carries a run, or did last; nil when nobody ever did.
function shelf.describe_holder(own)
  local holder = own.lease.holder
  if not holder then
    return nil
  end
  return ("process %s on host '%s', since %s"):format(
    tostring(holder.pid or "?"), tostring(holder.host or "?"), tostring(holder.since or "?"))
end

--- What a run waits for: "gateway 'gw-a' Activating 01:12, and 3 more"; empty when it waits for
-- nothing.
-- @tparam table open steps that are not over
-- @tparam number now seconds since 1970
function shelf.describe_waiting(open, now)
  local first = open[1]
  if not first then
    return ""
  end
  local state = first.service_state or (first.state == "intended" and "no answer yet" or "sent")
  local more = #open > 1 and (", and %d more"):format(#open - 1) or ""
  return ("%s %s %s%s"):format(timeline.subject(first), state, shelf.span(now - first.began),
                               more)
end

--- Print rows of text in columns. What a terminal is too narrow for is cut.
-- @tparam table rows lists of text
-- @tparam[opt] table widest by column, how wide it may be on a terminal
function shelf.print_table(rows, widest)
  local columns, widths, cells = core.columns(), {}, {}
  for i, row in ipairs(rows) do
    cells[i] = {}
    for j, text in ipairs(row) do
      local visible, width = core.visible(text, columns and widest and widest[j] or nil)
      cells[i][j] = {text = visible, width = width}
      widths[j] = math.max(widths[j] or 0, width)
    end
  end
  for _, row in ipairs(cells) do
    local line = {}
    for j, cell in ipairs(row) do
      line[j] = cell.text .. (" "):rep(widths[j] - cell.width)
    end
    local text = table.concat(line, "  "):gsub(" +$", "")
    print((columns and core.visible(text, columns - 1) or text))
  end
end

--- Say something on stderr.
function shelf.tell(format, ...)
  io.stderr:write((core.visible(format:format(...))), "\n")
end

--- Say on stderr what could not be done.
function shelf.complain(failure)
  shelf.tell("moongate runs: %s%s", failure.message,
             failure.cure and "; " .. failure.cure or "")
end

--- Say on stderr that the end of a journal is torn.
function shelf.tell_torn(id, bytes)
  if bytes > 0 then
    shelf.tell("the end of the journal of %s, %d bytes, is not whole: a crash came while it was "
      .. "written", id, bytes)
  end
end

return shelf
