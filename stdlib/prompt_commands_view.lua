--- Commands of the prompt that look: at values again and again, at requests, at where one is.
-- @module prompt_commands_view
local argument_of = require "prompt_argument"
local clock = require "clock"
local core_session = require "core.session"
local prompt_line = require "prompt_line"
local show = require "show"
local tasks = require "tasks"
local terminal = require "core.terminal"
local trail = require "core.trail"

local WATCH_EVERY, SHORTEST_WATCH = 5, 1 -- seconds
local MOST_REQUESTS = 100                -- lines of \log

-- --- \watch ---------------------------------------------------------------------------------

local WATCH_USAGE = "\\watch [EXPR] [EVERY]"

local function is_expression(text)
  return load("return " .. text, "=watch", "t", {}) ~= nil
end

-- Splits "gateways.list() 10s". What is an expression as a whole has no interval.
local function split_watch(argument)
  if argument:find "^%d[%w.]*$" then
    return "", argument
  end
  local text, every = argument:match "^(.-)%s+(%d[%w.]*)$"
  if every and not is_expression(argument) and is_expression(text) then
    return text, every
  end
  return argument, nil
end

local function read_every(text)
  local is_duration, seconds = pcall(clock.duration, tonumber(text) or text)
  if not is_duration or seconds < SHORTEST_WATCH then
    error(("%s: EVERY is at least %d s, such as 10s, got '%s'"):format(
      WATCH_USAGE, SHORTEST_WATCH, text), 0)
  end
  return seconds
end

-- A clock that runs 600 times as fast as people look would show 600 times as much.
local function usual_every()
  local factor = tonumber(core_session.info().clock:match "^([%d.]+)x$")
  return math.max(WATCH_EVERY, factor or 0)
end

-- The last expression that was typed and worked.
local function last_expression(shell)
  for i = #shell.lines, 1, -1 do
    local entry = shell.lines[i]
    if entry.ok and not entry.is_command and is_expression(entry.text) then
      return entry.text
    end
  end
  error(WATCH_USAGE .. ": there is no expression yet; give one", 0)
end

local function text_of(values, shell)
  local text = show.values(values, shell:options())
  return text == "" and "nil" or text
end

local function watch(shell, argument)
  local text, every = split_watch(argument)
  every = every and read_every(every) or usual_every()
  text = text == "" and last_expression(shell) or text
  local fn, has_value = prompt_line.compile(text, "watch", shell.env)
  if not fn then
    error(has_value, 0)
  elseif not has_value then
    error(WATCH_USAGE .. ": an expression expected, whose value can be watched", 0)
  end
  local heading = ("%%s  every %g s: %s"):format(every, (terminal.visible(text):gsub("%%", "%%%%")))
  local before
  while true do
    local shown = text_of(table.pack(fn()), shell)
    if shown ~= before then
      shell:say(heading:format(clock.utc():sub(12, 19)) .. "\n" .. shown)
      before = shown
    end
    tasks.sleep(every)
  end
end

-- --- \log -----------------------------------------------------------------------------------

local LOG_USAGE = "\\log [N]"

-- What tells a request from others: from the service or the resource group on, without its
-- version.
local function shorten(url)
  local short = url:gsub("^https?://", "")
    :gsub("^[^/]+/subscriptions/[^/]+/resource[gG]roups/", "")
    :gsub("^[^/]+/providers/Microsoft%.ApiManagement/service/", "")
    :gsub("api%-version=[^&]*&?", "", 1)
  return (short:gsub("[?&]$", ""))
end

local function columns_of(request)
  local answer = tostring(request.status or (request.error and "-" or "..."))
  return {number = tostring(request.number), method = request.method, answer = answer,
          ms = request.ms and ("%d ms"):format(request.ms) or "",
          url = shorten(request.url),
          more = (request.attempt > 1 and ("  attempt %d"):format(request.attempt) or "")
            .. (request.error and "  " .. terminal.visible(request.error) or "")}
end

local function widest(rows, name)
  local width = 0
  for _, row in ipairs(rows) do
    width = math.max(width, #row[name])
  end
  return width
end

-- One line a request; URLs are cut in their middle to what room there is.
local function format_requests(requests, columns)
  local rows = {}
  for i, request in ipairs(requests) do
    rows[i] = columns_of(request)
  end
  local form = ("%%%ds  %%-%ds  %%-%ds  %%%ds  "):format(
    widest(rows, "number"), widest(rows, "method"), widest(rows, "answer"), widest(rows, "ms"))
  for i, row in ipairs(rows) do
    local head = form:format(row.number, row.method, row.answer, row.ms)
    local room = math.max(columns - #head - terminal.width(row.more), 20)
    rows[i] = head .. terminal.cut(row.url, room) .. row.more
  end
  return table.concat(rows, "\n")
end

-- Commands that ask the service for something.
local ASKS = {edit = true, fg = true, load = true, wait = true, watch = true}

-- The mark of the line whose requests are asked for: the last one that may have asked anything.
local function mark_of_last(shell)
  for i = #shell.lines, 1, -1 do
    local entry = shell.lines[i]
    if entry.mark and not (entry.is_command and not ASKS[entry.text:match "^%s*\\([%w-]+)"]) then
      return entry.mark
    end
  end
  return 0
end

local function list_requests(shell)
  local requests, gone = trail.since(mark_of_last(shell))
  if #requests == 0 then
    shell:say(gone == 0 and "no request since the last line began"
              or ("%d requests, none of them kept any more"):format(gone))
    return
  end
  local left_out = math.max(#requests - MOST_REQUESTS, 0)
  if left_out + gone > 0 then
    shell:say(("%d earlier ones are left out"):format(left_out + gone))
  end
  shell:say(format_requests(table.move(requests, left_out + 1, #requests, 1, {}),
                            (terminal.size())))
end

local function log(shell, argument)
  local number = argument_of.number(argument, LOG_USAGE)
  if not number then
    list_requests(shell)
    return
  end
  local details = trail.details(number)
  if not details then
    local requests = trail.since(0)
    error(#requests == 0 and LOG_USAGE .. ": no request is kept"
          or ("%s: no request %d; kept are %d to %d"):format(
            LOG_USAGE, number, requests[1].number, requests[#requests].number), 0)
  end
  shell:say(details)
end

-- --- \conninfo ------------------------------------------------------------------------------

local function target_of(info)
  if info.sim then
    return "the simulator in this process"
  end
  return info.endpoint or info.cloud
end

local function conninfo(shell, argument)
  argument_of.none(argument, "\\conninfo")
  local info = core_session.info()
  local rows = {
    {"profile", info.profile and info.profile .. (info.is_production and " (production)" or "")},
    {"target", target_of(info)},
    {"tenant", info.tenant},
    {"subscription", info.subscription},
    {"resource group", info.resource_group},
    {"service", info.service},
    {"credential", info.credential or (not info.sim and "each in turn" or nil)},
    {"signed in by", info.signed_in_by or "nobody has signed in yet"},
    {"writes", info.read_only and "refused (\\read-only off allows them)" or "allowed"},
    {"clock", info.clock},
    {"store", info.store},
    {"run", info.run},
  }
  local lines = {}
  for _, row in ipairs(rows) do
    if row[2] then
      lines[#lines + 1] = ("%-15s %s"):format(row[1], terminal.visible(row[2]))
    end
  end
  shell:say(table.concat(lines, "\n"))
end

return {
  watch = {usage = WATCH_USAGE, run = watch, is_ended_by_interrupt = true,
           help = "shows EXPR whenever it changes; Ctrl-C ends it",
           details = "Without EXPR it is the last one that was typed. It looks EVERY so often, "
                     .. "such as 10s: by default each 5 s, on a clock that runs N times as fast "
                     .. "each N s."},
  log = {usage = LOG_USAGE, run = log,
         help = "requests of the last line, or all about one of them",
         details = "Commands that ask the service for nothing do not count as lines. N is the "
                   .. "number in front of a request."},
  conninfo = {usage = "\\conninfo", run = conninfo, help = "who you are here, and where"},
}
