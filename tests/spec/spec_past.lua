-- Stepping into a run: which step is meant, and what names mean in a frame.
local core = require "core.past"
local past = require "past"
local past_frame = require "past_frame"
local test = require "test"

local function steps(...)
  local list = {}
  for number, state in ipairs {...} do
    list[number] = {number = number, state = state, verb = "ensure", kind = "workspace", id = "/w"}
  end
  return list
end

local function chosen(list, word)
  local step = past.choose(list, word)
  return step and step.number
end

test.case("it stops where the run ended", function()
  test.equal(chosen(steps("done", "done")), 2)
  test.equal(chosen(steps("done", "intended", "done", "answered")), 2)
  test.equal(chosen(steps("failed", "done", "failed", "done")), 3)
  test.equal(chosen(steps("failed", "done", "answered"), "failed"), 3)
  local list = steps("intended", "failed", "answered")
  list[2].is_latest = true
  test.equal(chosen(list), 2)
  test.equal(chosen {}, nil)
end)

test.case("a step is meant by its number, or is the last", function()
  test.equal(chosen(steps("done", "failed", "done"), "last"), 3)
  test.equal(chosen(steps("done", "failed", "done"), "1"), 1)
  test.equal(chosen({}, "last"), nil)
  for _, word in ipairs {"4", "0", "-1", "1.5", "x", ""} do
    test.raises("the run has no step", function() past.choose(steps("done"), word) end)
  end
end)

-- A task that failed in a function `inner` that the main chunk had called.
local function failed_place()
  return {failure = {frames = {
    {chunk = "@stdlib/collection.lua", source = "stdlib/collection.lua", line = 9, name = "get",
     what = "Lua", variables = {}},
    {chunk = "@a.lua", source = "a.lua", line = 3, name = "inner", what = "Lua", variables = {
      {name = "x", value = 1, kind = "local", slot = 1},
      {name = "x", value = 2, kind = "local", slot = 2},
      {name = "empty", kind = "local", slot = 3},
      {name = "x", value = 3, kind = "upvalue", slot = 1},
      {name = "outer", value = 4, kind = "upvalue", slot = 2}}},
    {chunk = "@a.lua", source = "a.lua", line = 7, what = "main", variables = {}}}}}
end

test.case("one stands in the innermost frame of the script", function()
  local frames = past_frame.list(failed_place())
  test.equal(past_frame.first_own(frames), 2)
  test.equal(past_frame.first_own {frames[1]}, 1)
  test.equal(past_frame.describe(frames[2]), "a.lua:3 in inner")
  test.equal(past_frame.describe(frames[3]), "a.lua:7 in the main chunk")
end)

test.case("a name means the local declared last, then an upvalue, then what the line has", function()
  local place, index = failed_place(), 2
  local env = {x = "env", other = "env", empty = "env"}
  local scope = past_frame.scope(env, function() return place, index end)
  test.equal(scope.x, 2)
  test.equal(scope.outer, 4)
  test.equal(scope.other, "env")
  test.equal(scope.empty, nil)
  local names = past_frame.names(env, place, index)
  test.equal(rawget(names, "x"), 2)
  test.equal(names.other, "env")
  index = 3
  test.equal(scope.x, "env")
  place = nil
  test.equal(scope.x, "env")
end)

test.case("what is assigned is the line's own where the frame has no such name", function()
  local place, env = failed_place(), {}
  local scope = past_frame.scope(env, function() return place, 2 end)
  scope.new = 5
  test.equal(env.new, 5)
  test.raises("'x' is of a task that has failed", function() scope.x = 5 end)
  scope._, scope._7 = "result", "result"
  test.equal(rawget(scope, "_7"), "result")
  test.equal(env._, nil)
end)

test.case("outside of such a session nothing can be looked at", function()
  test.equal(core.is_open(), false)
  test.raises("no run is stepped into", function() core.frames(1) end)
  test.raises("no run is stepped into", function() past.enter {} end)
end)
