-- The simulator's own controls, from a script that goes by the same clock.
local arm = require "arm"
local clock = require "clock"
local gateways = require "gateways"
local spec = require "spec"
local tasks = require "tasks"
local workspaces = require "workspaces"

local function control(method, name, body)
  return arm.request({method = method, path = "/_sim/" .. name, body = body,
                      repeatable = true}).body
end

spec.test("time that is moved is the script's too, and operations end on the way", function()
  local before = clock.now()
  local operation = gateways.create("gw-clock", {wait = false})
  repeat
    tasks.sleep "1s" -- until it is on its way
  until gateways.exists "gw-clock"
  control("POST", "clock", {advance = "4h"})
  spec.equal(clock.now() - before >= 4 * 3600, true)
  operation:wait()
  spec.equal(clock.now() - before < 4.5 * 3600, true)
  spec.equal(gateways.get("gw-clock").state, "Succeeded")
end)

spec.test("a timer that fell due while time was moved fires", function()
  local woken = tasks.spawn(function()
    tasks.sleep "1h"
    return clock.now()
  end)
  control("POST", "clock", {advance = "2h"})
  spec.equal(type(woken:join()), "number")
end)

spec.test("the log tells what this script has asked", function()
  local since = control("GET", "log?limit=0").last
  workspaces.create "w-logged"
  local seen = {}
  for _, entry in ipairs(control("GET", "log?since=" .. since).requests) do
    spec.equal(entry.principal, "contoso-automation")
    seen[entry.method] = entry.status
  end
  spec.equal(seen.PUT, 201)
end)

spec.test("a world can be put back to where it was", function()
  local before = arm.get("/_sim/world").text
  workspaces.create "w-gone"
  control("PUT", "world", before)
  spec.equal(workspaces.exists "w-gone", false)
  spec.equal(workspaces.exists "w-logged", true)
end)

spec.test("a reset world is empty again", function()
  control("POST", "reset")
  spec.equal(#workspaces.list(), 0)
  spec.equal(#control("GET", "ledger").resources, 0)
end)

spec.finish()
