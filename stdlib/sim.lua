--- Look into the simulator of a test, and steer it.
--
-- Works where the simulator is inside the process: under `moongate test`, where each test has
-- one of its own, and under `moongate run --sim`; elsewhere `require "sim"` raises. Nothing
-- here is a request: no fault strikes it, and it is counted nowhere.
-- @module sim
local check = require "core.check"
local clock = require "clock"
local core = require "core.sim"
local json = require "json"
local tasks = require "core.tasks"

local profile = core.profile() -- raises where there is no simulator

local sim = {
  endpoint = profile.endpoint, -- "http://127.0.0.1:41723": for other clients
  profile = profile,           -- of the world as it is now
}

-- The answer of a control, as text; what it refuses is raised.
local function control_text(method, path, body)
  local status, text = core.control(method, "/_sim/" .. path, body)
  if status >= 400 then
    local refusal = json.decode(text).error
    error(check.failure {
      code = refusal.code, status = status, operation = "sim: " .. path,
      message = refusal.message,
    }, 0)
  end
  return text
end

local function control(method, path)
  return json.decode(control_text(method, path))
end

--- Let time pass.
-- The other tasks go on meanwhile, and so does what the simulated service does. When the call
-- returns, all that happens up to then has happened: requests that are on their way then have
-- their answers, too.
-- @tparam number|string duration seconds, or text such as `"90s"`, `"3h"`
-- @raise a message when it is not a duration
-- @usage sim.advance "3h"
function sim.advance(duration)
  tasks.sleep(duration)
  core.settle()
  control("GET", "clock") -- what is due happens now, not at the next request
end

--- The simulated service's time.
-- @treturn number seconds since 1970
-- @usage print(clock.utc(sim.now()))
function sim.now()
  return clock.parse(control("GET", "clock").now)
end

-- {throttle = 0.1, lro_fail = {"gw-1", "gw-2"}} -> "lro-fail=gw-1,lro-fail=gw-2,throttle=0.1"
local function faults_text(rules)
  local parts = {}
  for name, values in pairs(rules) do
    for _, value in ipairs(type(values) == "table" and values or {values}) do
      parts[#parts + 1] = ("%s=%s"):format(tostring(name):gsub("_", "-"), value)
    end
  end
  table.sort(parts)
  return table.concat(parts, ",")
end

--- Say what shall go wrong from now on, in place of what was said before.
-- @tparam string|table rules as `--sim-faults` takes them, `"throttle=0.1,lro-fail=gw-7"`; or
--   a table, `{throttle = 0.1, lro_fail = "gw-7"}`, with a list for a name that comes more
--   than once
-- @raise failure when they make no sense
-- @usage sim.fault {reset_after = "#3"}
function sim.fault(rules)
  if type(rules) ~= "string" and type(rules) ~= "table" then
    check.fail("sim.fault: a text or table of faults expected, got " .. type(rules))
  end
  control_text("POST", "faults", type(rules) == "table" and faults_text(rules) or rules)
end

--- Nothing goes wrong any more.
-- @usage sim.clear_faults()
function sim.clear_faults()
  control_text("POST", "faults", "")
end

-- Whether an id has a text in it or matches it as a pattern; letters in any case.
local function id_matches(id, wanted)
  id, wanted = id:lower(), wanted:lower()
  return id:find(wanted, 1, true) ~= nil or id:find(wanted) ~= nil
end

--- How often resources were really created, changed and deleted.
-- The simulator counts by itself, whatever its answers said or became.
-- @tparam[opt] string id the end of a resource's id, such as `"/gateways/gw-7"`
-- @treturn table of one resource `{created=, changed=, deleted=}`, all 0 when it never was;
--   without `id` a list of them, which have `id`, too
-- @usage test.equal(sim.ledger "/gateways/gw-7", {created = 1, changed = 0, deleted = 0})
function sim.ledger(id)
  local rows = control("GET", "ledger").resources
  if id == nil then
    return rows
  end
  for _, row in ipairs(rows) do
    if row.id:sub(-#id):lower() == id:lower() then
      return {created = row.created, changed = row.changed, deleted = row.deleted}
    end
  end
  return {created = 0, changed = 0, deleted = 0}
end

local function count(what, pattern)
  local total = 0
  for _, row in ipairs(sim.ledger()) do
    if pattern == nil or id_matches(row.id, pattern) then
      total = total + row[what]
    end
  end
  return total
end

--- How many resources were created.
-- @tparam[opt] string pattern only those whose id has this text in it, or matches it as a Lua
--   pattern; in any case
-- @treturn integer
-- @usage test.equal(sim.created "/gateways/", 1)
function sim.created(pattern)
  return count("created", pattern)
end

--- How many changes of resources there were.
-- @tparam[opt] string pattern as for `sim.created`
-- @treturn integer
function sim.changed(pattern)
  return count("changed", pattern)
end

--- How many resources were deleted.
-- @tparam[opt] string pattern as for `sim.created`
-- @treturn integer
function sim.deleted(pattern)
  return count("deleted", pattern)
end

--- What came in and what was said to it, in numbers.
-- @treturn table with `requests`, `by_class`, `by_status`, `lost`, `throttled`, `faults`,
--   `writes`, `first_write` and `last_write`
-- @usage test.equal(sim.requests().throttled, 0)
function sim.requests()
  return control("GET", "requests")
end

--- The requests that the simulator got, one by one.
-- @treturn table a list, the oldest first, of tables with `number`, `time`, `method`, `target`
--   (path and query), `status`, `principal`, `fault` and `request_id`; `json.null` where there
--   is none
-- @usage for _, request in ipairs(sim.log()) do print(request.method, request.target) end
function sim.log()
  return control("GET", "log").requests
end

--- The whole simulated world, as `sim.load` takes it.
-- @treturn string JSON
-- @usage local before = sim.world()
function sim.world()
  return control_text("GET", "world")
end

local DEPTH = 32 -- of a world's tables, as in a world file

-- A copy in which empty tables are lists: no key of a world file means an empty object.
local function as_world(value, depth)
  if type(value) ~= "table" then
    return value
  elseif next(value) == nil and getmetatable(value) == nil then
    return json.array {}
  elseif depth > DEPTH then
    check.fail(("sim.load: a world whose tables lie too deep (limit %d)"):format(DEPTH))
  end
  local copy = {}
  for key, element in pairs(value) do
    copy[key] = as_world(element, depth + 1)
  end
  return copy
end

-- What was known of the world before is forgotten.
local function take_world()
  sim.profile = core.profile()
end

--- Put another world in place of this one.
-- Load it before anything uses the service: what scripts have in hand is of the old world.
-- @tparam string|table world what `sim.world` gave; or what a world file holds, as a table
--   or as its text (JSON, or Lua)
-- @raise failure when it makes no world, and then nothing has changed
-- @usage sim.load {groups = {{name = "api-team-a", members = {"ann@contoso.example"}}}}
function sim.load(world)
  if type(world) ~= "string" and type(world) ~= "table" then
    check.fail("sim.load: a world as text or table expected, got " .. type(world))
  end
  control_text("PUT", "world", type(world) == "table" and json.encode(as_world(world, 1)) or world)
  take_world()
end

--- Make it the world that it was when the test began, with nothing counted.
-- Time goes on, unless the world file says when it is.
-- @usage sim.reset()
function sim.reset()
  control_text("POST", "reset")
  take_world()
end

--- Do something as another principal.
-- All requests that are signed until it returns are, those of other tasks, too.
-- @tparam string who `"guest"`, who has no right until it gets one (`sim.profile.guest_id` is
--   its application), or `"owner"`, who tests are by default
-- @tparam function fn
-- @param ... arguments for `fn`
-- @return what `fn` returns
-- @raise what `fn` raises
-- @usage test.raises("AuthorizationFailed", sim.as, "guest", workspaces.get, "payments")
function sim.as(who, fn, ...)
  if who ~= "guest" and who ~= "owner" then
    check.fail(("sim.as: guest or owner expected, got %s"):format(tostring(who)))
  elseif type(fn) ~= "function" then
    check.fail("sim.as: a function expected, got " .. type(fn))
  end
  local before = core.act_as(who)
  local _ <close> = setmetatable({}, {__close = function()
    core.act_as(before)
  end})
  return fn(...)
end

return sim
