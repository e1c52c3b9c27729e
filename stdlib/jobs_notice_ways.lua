--- The ways to tell somebody: a webhook, Teams, Slack, a mail, a command.
--
-- Each tries once and says what came of it: "delivered", "again" (later may be better) or "never".
-- What is said of that names no URL, no password and no secret.
-- @module jobs_notice_ways
local check = require "core.check"
local texts = require "jobs_notice_texts"

local ways = {}

local TRY_AGAIN = 75 -- EX_TEMPFAIL of sysexits.h: what a command says that wants to be run again

-- Failures of the program's own arguments: another try finds the same.
local HOPELESS = {InvalidAddress = true, InvalidSecret = true}

-- Calls the way out. Nil, a verdict and a reason when it fails.
local function call(fn, ...)
  local results = table.pack(pcall(fn, ...))
  if results[1] then
    return table.unpack(results, 2, results.n)
  end
  local failure = results[2]
  if not check.is_failure(failure) then
    return nil, "never", tostring(failure)
  end
  return nil, HOPELESS[failure.code] and "never" or "again",
    ("%s: %s"):format(failure.code, failure.message)
end

-- A value of the job, or of the variable that it names. Nil and why when that is not set.
local function value_of(own, value, variable)
  if value or not variable then
    return value
  end
  local found = own.env(variable)
  if found == nil or found == "" then
    return nil, ("the variable %s is not set"):format(variable)
  end
  return found
end

-- --- by HTTP -----------------------------------------------------------------------------------

-- RFC 9110, 15: what of all refusals may pass.
local function judge_http(status)
  if status >= 200 and status < 300 then
    return "delivered"
  end
  return (status == 408 or status == 429 or status >= 500) and "again" or "never"
end

local function post(own, target, headers, body)
  local url, missing = value_of(own, target.url, target.url_env)
  if not url then
    return "again", missing
  end
  headers[#headers + 1] = "Content-Type: application/json"
  local status, verdict, why = call(own.post.http, {url = url, headers = headers, body = body})
  if not status then
    return verdict, why
  end
  return judge_http(status), ("status %d"):format(status), why -- of http(): seconds to wait
end

-- As Standard Webhooks has it: the id stays the same, the time is that of this try.
function ways.webhook(own, target, note)
  local secret, missing = value_of(own, nil, target.secret_env)
  if missing then
    return "again", missing
  end
  local body = texts.webhook(note)
  local stamp = ("%d"):format(own.now() // 1)
  local headers = {"webhook-id: " .. note.id, "webhook-timestamp: " .. stamp}
  if secret then
    local signature, verdict, why = call(own.post.sign, secret,
      ("%s.%s.%s"):format(note.id, stamp, body))
    if not signature then
      return verdict, why
    end
    headers[#headers + 1] = "webhook-signature: " .. signature
  end
  return post(own, target, headers, body)
end

function ways.teams(own, target, note)
  return post(own, target, {}, texts.teams(note))
end

function ways.slack(own, target, note)
  return post(own, target, {}, texts.slack(note))
end

-- --- by mail -----------------------------------------------------------------------------------

-- RFC 5321, 4.2.1
local function judge_mail(status)
  if status >= 200 and status < 300 then
    return "delivered"
  end
  return status >= 500 and "never" or "again"
end

local function mail_to(own, target, note, receiver, password)
  local subject, text = texts.mail(note)
  local status, verdict, why = call(own.post.mail, {
    server = target.server, user = target.user, password = password, from = target.from,
    to = target.to, receiver = receiver, subject = subject, text = text, id = note.id,
    at = note.at})
  if not status then
    return verdict, why, true
  end
  return judge_mail(status), ("status %d"):format(status)
end

-- Each receiver gets a mail of his own, so that a refusal of one keeps it from nobody else;
-- `progress.left` are those who may still get it.
function ways.mail(own, target, note, progress)
  local password, missing = value_of(own, nil, target.password_env)
  if missing then
    return "again", missing
  end
  local left, refused, refusal, reason = {}, progress.refused or 0, progress.refusal, nil
  local is_away
  for _, receiver in ipairs(progress.left or target.to) do
    local verdict, why
    if not is_away then
      verdict, why, is_away = mail_to(own, target, note, receiver, password)
    end
    if verdict == "never" then
      refused, refusal, is_away = refused + 1, why, nil
    elseif verdict ~= "delivered" then
      left[#left + 1], reason = receiver, why or reason
    end
  end
  progress.left, progress.refused, progress.refusal = left, refused, refusal
  if #left > 0 then
    return "again", reason
  elseif refused > 0 then
    return "never", ("%d of %d receivers: %s"):format(refused, #target.to, refusal)
  end
  return "delivered"
end

-- --- by a command ------------------------------------------------------------------------------

function ways.command(own, target, note)
  local code, verdict, why = call(own.post.command,
    {words = target.command, environment = texts.environment(note)})
  if not code then
    return verdict, why
  elseif code == 0 then
    return "delivered"
  end
  return code == TRY_AGAIN and "again" or "never", ("exit code %d"):format(code)
end

return ways
