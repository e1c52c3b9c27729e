--- Answers of the status page: the headers that all of them have, and the forms of their bodies.
-- @module jobs_page_answers
local json = require "json"

local answers = {}

-- The page is one document with one script and one style, all from here; nothing else is loaded,
-- no text can become code (Trusted Types), nobody may frame it.
local POLICY = table.concat({
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
  "img-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  "require-trusted-types-for 'script'", "trusted-types 'none'"}, "; ")

local HEADERS = {
  ["Content-Security-Policy"] = POLICY,
  ["X-Content-Type-Options"] = "nosniff",
  ["X-Frame-Options"] = "DENY",
  ["Referrer-Policy"] = "no-referrer",
  ["Cross-Origin-Opener-Policy"] = "same-origin",
  ["Cross-Origin-Resource-Policy"] = "same-origin",
  ["Cross-Origin-Embedder-Policy"] = "require-corp",
  ["Permissions-Policy"] = "camera=(), display-capture=(), geolocation=(), microphone=(), "
    .. "payment=(), usb=()",
  ["Cache-Control"] = "no-store",
}

--- The headers of an answer: those of all, with others added.
-- @tparam string kind the Content-Type
-- @tparam[opt] table more by name
-- @treturn table
function answers.headers(kind, more)
  local headers = {["Content-Type"] = kind}
  for name, value in pairs(HEADERS) do
    headers[name] = value
  end
  for name, value in pairs(more or {}) do
    headers[name] = value
  end
  return headers
end

--- Answer by text of any kind.
function answers.send(request, status, kind, body, more)
  request:answer(status, answers.headers(kind, more), body)
end

--- Answer by JSON.
-- @tparam userdata request
-- @tparam integer status
-- @tparam table|string value what is encoded, or JSON already
-- @tparam[opt] table more headers
function answers.json(request, status, value, more)
  local body = type(value) == "string" and value or json.encode(value)
  answers.send(request, status, "application/json", body, more)
end

--- Answer by what is wrong.
function answers.problem(request, status, message, more)
  answers.json(request, status, {error = message}, more)
end

--- Answer by nothing.
function answers.nothing(request, more)
  local headers = answers.headers("text/plain", more)
  headers["Content-Type"] = nil
  request:answer(204, headers, "")
end

return answers
