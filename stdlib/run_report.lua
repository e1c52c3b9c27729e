--- A run as one page of HTML that needs nothing else: `moongate runs report`.
-- @module run_report
local clock = require "clock"
local timeline = require "timeline"

local report = {}

local STYLE = [[
:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--soft:#666;--line:#ddd;
--created:#2a7d46;--changed:#2563a8;--deleted:#7a4a9c;--unchanged:#8a8a8a;--failed:#c0392b;
--open:#c98500}
@media (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#161616;--soft:#aaa;--line:#444;
--created:#4fb477;--changed:#6aa5ea;--deleted:#b98ad8;--unchanged:#999;--failed:#f0776a;
--open:#f0b840}}
body{margin:0 auto;max-width:75rem;padding:1rem;color:var(--ink);background:var(--paper);
font:1rem/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
h2{margin-top:2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{color:var(--soft)}
dd{margin:0}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem}
th,td{text-align:left;vertical-align:top;padding:.2rem .6rem;border-bottom:1px solid var(--line)}
th{position:sticky;top:0;background:var(--paper)}
pre{white-space:pre-wrap;font-size:.85rem;border:1px solid var(--line);padding:.5rem}
svg{width:100%;min-width:50rem;height:auto}
text{fill:var(--ink);font:11px system-ui,sans-serif}
.tick{stroke:var(--line)}.attempt{stroke:var(--failed);stroke-dasharray:4 3}
.sent{opacity:.5}.s0{opacity:.65}.s1{opacity:.8}.s2{opacity:1}
.key span{margin-right:1.2rem}
.created{fill:var(--created);color:var(--created)}.changed{fill:var(--changed);color:var(--changed)}
.deleted{fill:var(--deleted);color:var(--deleted)}
.unchanged{fill:var(--unchanged);color:var(--unchanged)}
.failed{fill:var(--failed);color:var(--failed)}.open{fill:var(--open);color:var(--open)}
]]

-- SHA-256 of the style, as a policy names it. tests/runs.sh compares the two.
local STYLE_HASH = "sha256-eW/aWDw5TANo0YYwi9WPKziCOvzqyIu3Axcy6ne57eU="

local ESCAPES = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}

-- Text as HTML; control characters, which a page may not hold, become U+FFFD.
local function escape(text)
  return (tostring(text):gsub('[&<>"]', ESCAPES):gsub("[%c\127]", function(c)
    return (c == "\n" or c == "\t") and c or "\u{fffd}"
  end))
end

local function span(seconds)
  return clock.format(math.max(0, seconds))
end

local function moment(seconds)
  return (clock.utc(seconds):gsub("T", " "):gsub("Z$", ""))
end

-- --- what became of a step -------------------------------------------------------------------

local KINDS = {created = "created", changed = "changed", deleted = "deleted",
               unchanged = "unchanged", absent = "unchanged"}

-- The class of its end.
local function class_of(step)
  if step.state == "failed" then
    return "failed"
  elseif step.state ~= "done" then
    return "open"
  end
  return KINDS[step.outcome] or "changed"
end

local function describe_end(step)
  if step.state == "failed" then
    return ("failed: %s"):format(step.code or "?")
  end
  return step.outcome or (step.state == "answered" and "under way") or "no answer is known"
end

-- --- the picture -----------------------------------------------------------------------------

local WIDTH, LEFT, ROW, TOP = 1000, 230, 16, 24 -- units of the picture
local LABEL_START, LABEL_END = 15, 18 -- characters that are shown of one that is too long
local NARROWEST = 2 -- a bar of what was over at once
local TICKS = 6
local STEPS = {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
               86400, 172800, 604800} -- seconds between ticks

-- One row for each resource, in the order they came: its steps.
local function rows_of(steps)
  local rows, by_id = {}, {}
  for _, step in ipairs(steps) do
    local key = step.kind and step.id:lower() or step
    local row = by_id[key]
    if not row then
      row = {label = timeline.subject(step)}
      by_id[key] = row
      rows[#rows + 1] = row
    end
    row[#row + 1] = step
  end
  return rows
end

-- Cut in the middle: the end of a name tells more than that.
local function shorten(text)
  local length = utf8.len(text)
  if not length or length <= LABEL_START + LABEL_END + 1 then
    return text
  end
  return text:sub(1, utf8.offset(text, LABEL_START + 1) - 1) .. "\u{2026}"
    .. text:sub(utf8.offset(text, -LABEL_END))
end

-- The parts of a step's bar: from each record about it to the next.
local function segments(step, last)
  local list = {}
  for i, record in ipairs(step.history) do
    local following = step.history[i + 1]
    local to = following and following.time or step.ended or last
    local what = record.what
    if what == "intent" or what == "answer" or what == "state" then
      list[#list + 1] = {from = record.time, to = to, class = what == "intent" and "sent" or
                           ("s%d"):format(math.min(2, #list - 1)),
                         text = what == "intent" and "sent" or record.state or "answered"}
    end
  end
  return list
end

local function draw_step(out, step, y, x_of, last)
  local class = class_of(step)
  for _, part in ipairs(segments(step, last)) do
    local x, to = x_of(part.from), x_of(part.to)
    out[#out + 1] = ('<rect class="%s %s" x="%.1f" y="%d" width="%.1f" height="%d">'
      .. '<title>%s: %s, %s from %s</title></rect>'):format(
        class, part.class, x, y, math.max(NARROWEST, to - x), ROW - 5,
        escape(timeline.subject(step)), escape(part.text), span(part.to - part.from),
        moment(part.from))
  end
  if step.state == "done" and step.outcome == "unchanged" then
    out[#out + 1] = ('<rect class="unchanged" x="%.1f" y="%d" width="%d" height="%d"/>'):format(
      x_of(step.began), y, NARROWEST, ROW - 5)
  end
end

local function draw_axis(out, first, last, x_of, height)
  local distance = STEPS[#STEPS]
  for i = #STEPS, 1, -1 do
    if (last - first) / STEPS[i] <= TICKS then
      distance = STEPS[i]
    end
  end
  for at = 0, last - first, distance do
    local x = x_of(first + at)
    out[#out + 1] = ('<line class="tick" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>'
      .. '<text x="%.1f" y="12">%s</text>'):format(x, x, TOP - 6, height, x + 2, span(at))
  end
end

local function draw_attempts(out, attempts, x_of, height)
  for _, attempt in ipairs(attempts) do
    local x = x_of(attempt.began)
    out[#out + 1] = ('<line class="attempt" x1="%.1f" x2="%.1f" y1="%d" y2="%d">'
      .. '<title>attempt %d began %s</title></line>'):format(
        x, x, TOP - 8, height, attempt.number, moment(attempt.began))
  end
end

-- The picture of a timeline as SVG.
local function draw(line, now_open)
  local rows = rows_of(line.steps)
  local first = line.attempts[1] and line.attempts[1].began or line.steps[1].began
  local last = math.max(now_open, line.last, first + 1)
  local height = TOP + #rows * ROW + 4
  local out = {('<svg viewBox="0 0 %d %d" role="img" aria-label="timeline">'):format(
    WIDTH, height)}
  local function x_of(time)
    return LEFT + (WIDTH - LEFT - 10) * (time - first) / (last - first)
  end
  draw_axis(out, first, last, x_of, height)
  for i, row in ipairs(rows) do
    local y = TOP + (i - 1) * ROW
    out[#out + 1] = ('<text x="0" y="%d">%s<title>%s</title></text>'):format(
      y + 10, escape(shorten(row.label)), escape(row.label))
    for _, step in ipairs(row) do
      draw_step(out, step, y, x_of, last)
    end
  end
  draw_attempts(out, line.attempts, x_of, height)
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n")
end

-- --- the parts of the page -------------------------------------------------------------------

local function add_fact(out, name, text)
  if text and text ~= "" then
    out[#out + 1] = ("<dt>%s</dt><dd>%s</dd>"):format(name, escape(text))
  end
end

local function add_facts(out, data)
  local own, line = data.run, data.line
  local finish = own.state ~= "running" and own.finish or {}
  local counts = timeline.count(line)
  out[#out + 1] = "<dl>"
  add_fact(out, "State", own.state)
  add_fact(out, "Script", data.command_line)
  add_fact(out, "Began", own.started and moment(own.started) .. " UTC")
  add_fact(out, "Ended", own.ended and ("%s UTC, after %s"):format(
    moment(own.ended), span(own.ended - (own.started or own.ended))))
  add_fact(out, "Carried by", data.holder)
  add_fact(out, "Attempts", #line.attempts)
  add_fact(out, "Steps", ("%d: %d done, %d under way, %d without an answer, %d failed"):format(
    #line.steps, counts.done, counts.answered, counts.intended, counts.failed))
  add_fact(out, "Error", own.why or finish.error)
  add_fact(out, "Damage", data.damage)
  add_fact(out, "Torn tail", data.torn > 0 and ("%d bytes"):format(data.torn))
  out[#out + 1] = "</dl>"
end

local function add_attempts(out, attempts)
  out[#out + 1] = '<h2>Attempts</h2><div class="wide"><table><tr><th>No.<th>Began (UTC)'
    .. '<th>Took<th>Host<th>Process<th>End</tr>'
  for _, attempt in ipairs(attempts) do
    out[#out + 1] = ("<tr><td>%d<td>%s<td>%s<td>%s<td>%s<td>%s</tr>"):format(
      attempt.number, moment(attempt.began),
      attempt.ended and span(attempt.ended - attempt.began) or "", escape(attempt.host or "?"),
      escape(attempt.pid or "?"),
      escape(attempt.status or "no end is written"))
  end
  out[#out + 1] = "</table></div>"
end

local function add_failures(out, steps)
  local failed = {}
  for _, step in ipairs(steps) do
    if step.state == "failed" then
      failed[#failed + 1] = ("<li><strong>%s</strong>: %s%s: %s (request id %s)</li>"):format(
        escape(timeline.subject(step)), escape(step.code or "?"),
        step.status and (" %d"):format(step.status) or "", escape(step.message or ""),
        escape(step.request_id or "none"))
    end
  end
  if #failed > 0 then
    out[#out + 1] = "<h2>Failures</h2><ul>" .. table.concat(failed, "\n") .. "</ul>"
  end
end

local function add_steps(out, steps)
  out[#out + 1] = '<h2>Steps</h2><div class="wide"><table><tr><th>Step<th>What<th>End<th>Began'
    .. '<th>Took<th>Request id<th>Client request id<th>Resource</tr>'
  for _, step in ipairs(steps) do
    out[#out + 1] = ('<tr><td>%d<td>%s<td class="%s">%s<td>%s<td>%s<td>%s<td>%s<td>%s</tr>')
      :format(step.number, escape((step.kind and step.verb .. " " or "") .. timeline.subject(step)),
              class_of(step), escape(describe_end(step)), moment(step.began),
              step.ended and span(step.ended - step.began) or "", escape(step.request_id or ""),
              escape(step.request or ""), escape(step.id))
  end
  out[#out + 1] = "</table></div>"
end

-- What an event of the log says in a line, or nil.
local function describe_event(event)
  local kind = event.event
  if kind == "operation.finished" then
    local failure = type(event.failure) == "table" and (": %s: %s"):format(
      tostring(event.failure.code), tostring(event.failure.message)) or ""
    return ("%s %s '%s'%s"):format(event.outcome or "?", event.kind or "", event.name or "?",
                                   failure)
  elseif kind == "operation.started" then
    return ("%s %s '%s'"):format(event.verb or "?", event.kind or "", event.name or "?")
  elseif kind == "run.started" then
    return ("run began: %s"):format(event.script or "?")
  elseif kind == "run.finished" then
    return ("run %s%s"):format(event.status or "?", event.error and ": " .. event.error or "")
  end
  return kind ~= "operation.state" and event.text or nil
end

local function add_log(out, events)
  local lines = {}
  for _, event in ipairs(events) do
    local text = describe_event(event)
    if text then
      lines[#lines + 1] = ("%-12s  %s"):format((event.time or ""):sub(12, 23),
                                               (text:gsub("\n$", "")))
    end
  end
  if #lines > 0 then
    out[#out + 1] = "<h2>The end of the log</h2>\n<pre>"
      .. escape(table.concat(lines, "\n")) .. "</pre>"
  end
end

-- What the colours mean.
local KEY = '<p class="key">' .. ("created changed deleted unchanged failed open"):gsub(
  "%a+", '<span class="%0">%0</span>') .. "<span>dashed: an attempt begins</span></p>"

--- The page.
-- @tparam table data `run` (as `shelf.look` gives it), `line` (a timeline), `events` of the end of
--   the log, `now` (seconds since 1970), `torn` (bytes), `damage` (text or nil), `command_line`
--   and `holder` (text or nil)
-- @treturn string HTML, which loads nothing and runs nothing
function report.page(data)
  local line, title = data.line, "run " .. escape(data.run.id)
  local is_open = #timeline.open(line) > 0
  local out = {
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
    ('<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
      .. "'%s'; base-uri 'none'; form-action 'none'\">"):format(STYLE_HASH),
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    ("<title>%s</title>\n<style>%s</style></head><body>\n<h1>%s</h1>"):format(
      title, STYLE, title)}
  add_facts(out, data)
  if #line.steps > 0 then
    out[#out + 1] = "<h2>Timeline</h2>\n" .. KEY .. '\n<div class="wide">'
    out[#out + 1] = draw(line, is_open and data.now or line.last)
    out[#out + 1] = "</div>"
  end
  add_attempts(out, line.attempts)
  add_failures(out, line.steps)
  add_steps(out, line.steps)
  add_log(out, data.events)
  out[#out + 1] = "</body></html>\n"
  return table.concat(out, "\n")
end

return report
