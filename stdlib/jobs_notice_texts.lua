--- What somebody is told of a job, in the form that each way of telling has.
--
-- A note is `{id=, job=, event=, key=, at=, host=, entry=}`: what the store has of it. Errors are
-- others' words: they are cut, and whatever they hold is text and no markup, link or mention.
-- @module jobs_notice_texts
local clock = require "clock"
local json = require "json"

local texts = {}

local MOST_ERROR = 1000 -- characters
local MOST_WORD = 200 -- of every other text
local CARD = "application/vnd.microsoft.card.adaptive"

-- --- words -------------------------------------------------------------------------------------

-- UTF-8 without control characters but for line feeds, cut to so many characters.
local function clean(text, most)
  text = tostring(text):gsub("\r\n?", "\n"):gsub("[\0-\8\11-\31\127]", " ")
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", "?")
  end
  if utf8.len(text) > most then
    text = text:sub(1, utf8.offset(text, most) - 1) .. "…"
  end
  return text
end

-- What an entry of a slot tells; numbers are as they are, words are cut.
local MEMBERS = {key = MOST_WORD, slot = true, status = MOST_WORD, exit_code = true,
                 run = MOST_WORD, host = MOST_WORD, late = true, began = true, ended = true,
                 duration = true, attempts = true, error = MOST_ERROR, reason = MOST_WORD,
                 count = true}

--- What is kept of a slot's entry: what is told, fit for the store.
-- @tparam table entry
-- @treturn table
function texts.entry(entry)
  local kept = {}
  for name, most in pairs(MEMBERS) do
    local value = entry[name]
    if most == true then
      local number = tonumber(value)
      kept[name] = number and (math.tointeger(number) or math.floor(number * 1000 + 0.5) / 1000)
    elseif value ~= nil then
      kept[name] = clean(value, most)
    end
  end
  return kept
end

local function line(value)
  return (clean(value, MOST_WORD):gsub("[\n\t]", " "))
end

local function moment(at)
  return (clock.utc(at):gsub("%.%d+Z$", "Z"))
end

local function plural(count, one)
  return ("%d %s%s"):format(count, one, count == 1 and "" or "s")
end

local HEADLINES = {
  failure = function(entry)
    local how = entry.status == "timed out" and "timed out" or "failed"
    return entry.again and ("still fails: it %s again"):format(how) or how
  end,
  recovery = function()
    return "succeeded again"
  end,
  lateness = function(entry)
    local what = entry.status == "missed" and ("missed %s"):format(plural(entry.count or 1, "slot"))
      or ("began %s late"):format(clock.format(entry.late or 0))
    local others = entry.others or 0
    return others > 0 and ("%s, and %s late before"):format(what, plural(others, "slot")) or what
  end,
}

--- One line that says what happened: `job 'nightly' failed`.
function texts.headline(note)
  return ("job '%s' %s"):format(line(note.job), HEADLINES[note.event](note.entry))
end

-- The same with why, for where there is one line alone: `job 'nightly' failed: no answer in 30 s`.
local function summary(note)
  local why = note.event == "failure" and (note.entry.error or ""):match "[^\n]+"
  return why and ("%s: %s"):format(texts.headline(note), line(why)) or texts.headline(note)
end

-- What there is to say in labels and values, in this order.
local function facts(note)
  local entry, list = note.entry, {}
  local function add(label, value)
    list[#list + 1] = value ~= nil and {label = label, value = line(value)} or nil
  end
  add("Slot", entry.slot and moment(entry.slot))
  add("Run", entry.run)
  add("Exit code", entry.exit_code)
  add("Attempts", entry.attempts)
  add("Late", entry.late and entry.late > 0 and clock.format(entry.late) or nil)
  add("Began", entry.began and moment(entry.began))
  add("Ended", entry.ended and moment(entry.ended))
  add("Took", entry.duration and clock.format(entry.duration))
  add("Host", entry.host or note.host)
  add("Reason", entry.reason)
  return list
end

local function error_of(note)
  local text = note.entry.error
  return text and text ~= "" and clean(text, MOST_ERROR) or nil
end

-- --- the forms -----------------------------------------------------------------------------------

--- The JSON of a webhook. Times are text, `late` and `duration` seconds; what is not known is not
-- there.
-- @treturn string
function texts.webhook(note)
  local entry = note.entry
  return json.encode {
    version = 1, id = note.id, event = note.event, job = note.job, at = moment(note.at),
    slot = entry.slot and moment(entry.slot), run = entry.run, status = entry.status,
    exit_code = entry.exit_code, attempts = entry.attempts, late = entry.late,
    began = entry.began and moment(entry.began), ended = entry.ended and moment(entry.ended),
    duration = entry.duration, host = entry.host or note.host, error = error_of(note),
    reason = entry.reason and line(entry.reason), count = entry.count, others = entry.others,
    again = entry.again, text = summary(note),
  }
end

-- Text that is shown as it is: a run knows no Markdown, unlike a text block.
local function rich(runs)
  for _, run in ipairs(runs) do
    run.type = "TextRun"
  end
  return {type = "RichTextBlock", inlines = json.array(runs)}
end

local COLORS = {failure = "Attention", recovery = "Good", lateness = "Warning"}

--- The message for Teams: an Adaptive Card in what the workflow "post to a channel when a webhook
-- request is received" takes.
-- @treturn string
function texts.teams(note)
  local body = {rich {{text = texts.headline(note), size = "Large", weight = "Bolder",
                       color = COLORS[note.event]}}}
  for _, fact in ipairs(facts(note)) do
    body[#body + 1] = rich {{text = fact.label .. ": ", weight = "Bolder"}, {text = fact.value}}
  end
  local err = error_of(note)
  if err then
    body[#body + 1] = rich {{text = err, fontType = "Monospace"}}
  end
  return json.encode {type = "message", attachments = json.array {{
    contentType = CARD, contentUrl = json.null,
    content = {["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json",
               type = "AdaptiveCard", version = "1.4", body = json.array(body)},
  }}}
end

local ESCAPES = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;"}

local function escape(text)
  return (text:gsub("[&<>]", ESCAPES))
end

-- Inside of code nothing but a backtick means anything.
local function code(text, fence)
  return fence .. escape((text:gsub("`", "'"))) .. fence
end

local function markdown(text)
  return {type = "section", text = {type = "mrkdwn", text = text, verbatim = true}}
end

--- The message for Slack.
-- @treturn string
function texts.slack(note)
  local lines = {}
  for _, fact in ipairs(facts(note)) do
    lines[#lines + 1] = ("*%s:* %s"):format(fact.label, code(fact.value, "`"))
  end
  local blocks = {
    {type = "header", text = {type = "plain_text", emoji = false, text = texts.headline(note)}},
    markdown(table.concat(lines, "\n")),
  }
  local err = error_of(note)
  if err then
    blocks[#blocks + 1] = markdown(code(err, "```"))
  end
  return json.encode {text = escape(texts.headline(note)), mrkdwn = false, unfurl_links = false,
                      unfurl_media = false, blocks = json.array(blocks)}
end

--- The subject and the text of a mail.
-- @treturn string
-- @treturn string
function texts.mail(note)
  local lines = {texts.headline(note) .. ".", ""}
  for _, fact in ipairs(facts(note)) do
    lines[#lines + 1] = ("%-10s %s"):format(fact.label .. ":", fact.value)
  end
  local err = error_of(note)
  if err then
    lines[#lines + 1] = "\n" .. err
  end
  return "[moongate] " .. texts.headline(note), table.concat(lines, "\n") .. "\n"
end

--- What a command finds in its environment, `NAME=value`.
-- @treturn table
function texts.environment(note)
  local entry, list = note.entry, {}
  local function add(name, value)
    list[#list + 1] = ("MOONGATE_NOTICE%s=%s"):format(name, value == nil and "" or value)
  end
  add("", texts.webhook(note))
  add("_ID", note.id)
  add("_EVENT", note.event)
  add("_JOB", line(note.job))
  add("_SLOT", entry.slot and moment(entry.slot))
  add("_RUN", entry.run and line(entry.run))
  add("_STATUS", entry.status)
  add("_EXIT_CODE", entry.exit_code)
  add("_ERROR", error_of(note))
  add("_TEXT", summary(note))
  return list
end

return texts
