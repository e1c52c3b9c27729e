-- The simulator's own controls over HTTP, from a script that goes by the same clock.
local arm = require "arm"
local clock = require "clock"
local gateways = require "gateways"
local tasks = require "tasks"
local test = require "test"
local workspaces = require "workspaces"

local function control(method, name, body)
  return arm.request({method = method, path = "/_sim/" .. name, body = body,
                      repeatable = true}).body
end

test.case("time that is moved is the script's too, and operations end on the way", function()
  local before = clock.now()
  local operation = gateways.create("gw-clock", {wait = false})
  repeat
    tasks.sleep "1s" -- until it is on its way
  until gateways.exists "gw-clock"
  control("POST", "clock", {advance = "4h"})
  test.ok(clock.now() - before >= 4 * 3600, "the script's time has moved")
  operation:wait()
  test.ok(clock.now() - before < 4.5 * 3600, "the operation ended on the way")
  test.equal(gateways.get("gw-clock").state, "Succeeded")
end)

test.case("a timer that fell due while time was moved fires", function()
  local before = clock.now()
  local woken = tasks.spawn(function()
    tasks.sleep "1h"
    return clock.now()
  end)
  control("POST", "clock", {advance = "2h"})
  test.ok(woken:join() - before >= 2 * 3600, "it woke after the move")
end)

test.case("the log tells what this script has asked", function()
  workspaces.create "w-before"
  local since = control("GET", "log?limit=0").last
  workspaces.create "w-logged"
  local seen = {}
  for _, entry in ipairs(control("GET", "log?since=" .. since).requests) do
    test.equal(entry.principal, "contoso-automation")
    test.ok(not entry.target:find "w-before", "only what came later")
    seen[entry.method] = entry.status
  end
  test.equal(seen.PUT, 201)
end)

test.case("a world can be put back to where it was", function()
  workspaces.create "w-kept"
  local before = arm.get("/_sim/world").text
  workspaces.create "w-gone"
  control("PUT", "world", before)
  test.equal(workspaces.exists "w-gone", false)
  test.equal(workspaces.exists "w-kept", true)
end)

test.case("a reset world is empty again", function()
  workspaces.create "w-gone"
  test.equal(#control("GET", "ledger").resources, 1)
  control("POST", "reset")
  test.equal(#workspaces.list(), 0)
  test.equal(#control("GET", "ledger").resources, 0)
end)
