--- Who may see and do what on the status page.
--
-- Whoever knows the token can open a session: a cookie that scripts cannot read, and a second
-- secret that must come with each request that does something. Sessions live in memory, so they
-- end with the program.
-- @module jobs_page_access
local clock = require "clock"
local core = require "core.page"
local json = require "json"
local tasks = require "tasks"

local access = {}

local Access = {}
Access.__index = Access

local SHORTEST_TOKEN = 16 -- characters
local SESSION = 12 * 3600 -- seconds without a request
local MOST_SESSIONS = 64
local SLOWDOWN = 1 -- seconds that a wrong token waits for its answer
local MOST_TRIES = 4 -- wrong tokens that wait at a time

--- @tparam table options `token` or nil, `names` or nil, `address`, `is_public`
function access.new(options)
  local token = options.token
  if token and #token < SHORTEST_TOKEN then
    error(("the token of the page has %d characters; %d at least are needed"):format(
      #token, SHORTEST_TOKEN), 0)
  end
  local own = {token = token, is_public = options.is_public, sessions = {}, tries = 0,
               cookie = "moongate_" .. options.address:match "%d+$",
               names = {localhost = true, [options.address:match "^(.*):%d+$"] = true}}
  for _, name in ipairs(options.names or {}) do
    own.names[name:lower()] = true
  end
  return setmetatable(own, Access)
end

-- --- hosts -----------------------------------------------------------------------------------

-- An address cannot be made to lead elsewhere, as a name can.
local function is_address(host)
  return host:find "^%d+%.%d+%.%d+%.%d+$" or host:find "^%[[%x:.]+%]$"
end

--- Whether the request is for this host.
function Access:knows_host(request)
  local host = (request.headers.host or ""):lower():gsub(":%d*$", "")
  return self.names[host] or is_address(host) and true or false
end

-- --- sessions --------------------------------------------------------------------------------

local function cookie_of(request, name)
  for key, value in (request.headers.cookie or ""):gmatch "([^=;%s]+)=([^;%s]*)" do
    if key == name then
      return value
    end
  end
end

local function drop_old(own, now)
  local count, oldest = 0, nil
  for key, session in pairs(own.sessions) do
    if now - session.used > SESSION then
      own.sessions[key] = nil
    else
      count = count + 1
      oldest = (not oldest or session.used < own.sessions[oldest].used) and key or oldest
    end
  end
  if count >= MOST_SESSIONS then
    own.sessions[oldest] = nil
  end
end

--- The session of a request, or nil.
function Access:session(request)
  local cookie = cookie_of(request, self.cookie)
  local session = cookie and self.sessions[core.digest(cookie)]
  if session and clock.now() - session.used <= SESSION then
    session.used = clock.now()
    return session
  end
end

-- Whether the token is right. A wrong one waits, and few can wait at a time; nil when they are too
-- many.
local function try_token(own, token)
  if own.tries >= MOST_TRIES then
    return nil
  elseif own.token and core.equal(own.token, token) then
    return true
  end
  own.tries = own.tries + 1
  local ending <close> = setmetatable({}, {__close = function()
    own.tries = own.tries - 1
  end})
  tasks.sleep(SLOWDOWN)
  return false
end

local function set_cookie(own, request, value, age)
  local secure = request.headers["x-forwarded-proto"] == "https" and "; Secure" or ""
  return {["Set-Cookie"] = ("%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s"):format(
    own.cookie, value, age, secure)}
end

--- Open a session for whoever has the token.
-- @treturn ?table the session; nil when the token is wrong, false when there are too many tries
-- @treturn ?table headers
function Access:open(request, token)
  local is_right = try_token(self, token)
  if is_right == nil then
    return false
  elseif not is_right then
    return nil
  end
  local now, secret = clock.now(), core.secret()
  drop_old(self, now)
  local session = {csrf = core.secret(), used = now, id = core.digest(secret):sub(1, 8)}
  self.sessions[core.digest(secret)] = session
  return session, set_cookie(self, request, secret, SESSION)
end

--- End the session of a request.
-- @treturn table headers
function Access:leave(request)
  local cookie = cookie_of(request, self.cookie)
  if cookie then
    self.sessions[core.digest(cookie)] = nil
  end
  return set_cookie(self, request, "", 0)
end

-- --- what is allowed -------------------------------------------------------------------------

local function bearer_of(request)
  return (request.headers.authorization or ""):match "^[Bb]earer +(%S+) *$"
end

--- Whether a request may read; else the status and why not.
function Access:may_read(request)
  if self.is_public or self:session(request) then
    return true
  end
  local bearer = bearer_of(request)
  local is_right = bearer and try_token(self, bearer)
  if is_right then
    return true
  elseif bearer and is_right == nil then
    return false, 429, "too many wrong tokens at a time"
  end
  return false, 401, "sign in with the token first"
end

-- Browsers say where a request comes from; old ones only in Origin.
local function is_same_origin(request)
  local site, origin = request.headers["sec-fetch-site"], request.headers.origin
  if site and site ~= "same-origin" then
    return false
  end
  return not origin or origin:gsub("^https?://", "") == request.headers.host
end

--- Whether the request is of this page, as far as the browser says.
function Access:is_own(request)
  return is_same_origin(request)
end

--- Whether the body is said to be JSON, which no form of a foreign page can send; then its value.
function Access:read_json(request)
  local kind = (request.headers["content-type"] or ""):lower():match "^[^;%s]*"
  if kind ~= "application/json" then
    return false, 415, "the body must be application/json"
  end
  local ok, value = pcall(json.decode, request.body)
  if not ok or type(value) ~= "table" then
    return false, 400, "the body is not a JSON object"
  end
  return true, value
end

--- Whether a request may do something. Then who does it; else false, the status and why not.
function Access:may_act(request)
  if not self.token then
    return false, 403, "the page is read-only: it was started without a token"
  end
  local bearer = bearer_of(request)
  if bearer then
    local is_right = try_token(self, bearer)
    if is_right then
      return "the page, by token"
    elseif is_right == nil then
      return false, 429, "too many wrong tokens at a time"
    end
    return false, 401, "the token is wrong"
  end
  if not is_same_origin(request) then
    return false, 403, "the request comes from another page"
  end
  local session = self:session(request)
  if not session then
    return false, 401, "sign in with the token first"
  elseif not core.equal(session.csrf, request.headers["x-csrf-token"] or "") then
    return false, 403, "X-CSRF-Token is not that of the session"
  end
  return "the page, session " .. session.id
end

return access
