-- The module test: what its assertions say, and what files of tests may do.
local sim, tasks, test = require "sim", require "tasks", require "test"
local gateways, workspaces = require "gateways", require "workspaces"

-- The message of an assertion that has to fail.
local function message_of(fn, ...)
  local fine, verdict = pcall(fn, ...)
  test.ok(not fine, "the assertion fails")
  test.equal(verdict.status, "failed")
  return verdict.message
end

-- equal ----------------------------------------------------------------------------------

test.each({
  {1, 1.0}, {"a", "a"}, {nil, nil}, {{}, {}}, {0 / 0, 0 / 0},
  {{a = {b = {1, 2}}}, {a = {b = {1, 2}}}},
}, "{1} and {2} are the same", function(row)
  test.equal(row[1], row[2])
  message_of(test.not_equal, row[1], row[2])
end)

test.each({
  {have = 1, want = 2, says = "the values differ\n  have 1\n  want 2"},
  {have = "1", want = 1, says = 'the values differ\n  have "1"\n  want 1'},
  {have = "a\n", want = "a", says = 'the values differ\n  have "a\\n"\n  want "a"'},
  {have = {a = 1}, want = {a = 1, b = {2}}, says = "the values differ\n  .b  have nil\n      want {2}"},
  {have = {units = 1, tags = {"x", "y"}}, want = {units = 3, tags = {"x", "z"}},
   says = 'the values differ\n  .tags[2]  have "y"\n            want "z"\n'
     .. "  .units    have 1\n            want 3"},
  {have = {["a b"] = 1}, want = {["a b"] = 2},
   says = 'the values differ\n  ["a b"]  have 1\n           want 2'},
  {have = ("x"):rep(80) .. "a" .. ("y"):rep(80), want = ("x"):rep(80) .. "b" .. ("y"):rep(80),
   says = 'the values differ\n  from byte 81 on\n'
     .. '  have ..."' .. ("x"):rep(20) .. "a" .. ("y"):rep(39) .. '"...\n'
     .. '  want ..."' .. ("x"):rep(20) .. "b" .. ("y"):rep(39) .. '"...'},
  {have = "a\nb\nc\nd", want = "a\nX\nd",
   says = 'the values differ\n  from line 2 on\n  have "b"\n  have "c"\n  want "X"'},
  {have = "a\nb\n", want = "a\n",
   says = 'the values differ\n  from line 2 on\n  have "b"\n  want no line here'},
}, "equal tells how {have} and {want} differ", function(row)
  test.equal(message_of(test.equal, row.have, row.want), row.says)
  test.not_equal(row.have, row.want)
end)

test.case("equal tells ten differences and counts the rest", function()
  local a, b = {}, {}
  for i = 1, 25 do
    a[i], b[i] = i, -i
  end
  local message = message_of(test.equal, a, b)
  test.contains(message, "[10]  have 10")
  test.contains(message, "and 15 more differences")
  test.ok(not message:find("[11]", 1, true))
end)

test.case("equal says what it is about", function()
  test.equal(message_of(test.equal, 1, 2, "units"), "units: the values differ\n  have 1\n  want 2")
end)

test.case("equal compares circles", function()
  local a, b = {1}, {1}
  a.self, b.self = a, b
  test.equal(a, b)
  b[1] = 2
  test.equal(message_of(test.equal, a, b), "the values differ\n  [1]  have 1\n       want 2")
end)

-- the others -----------------------------------------------------------------------------

test.case("ok gives the value", function()
  test.equal(test.ok(7), 7)
  test.equal(message_of(test.ok, nil), "something true expected, got nil")
  test.equal(message_of(test.ok, false, "there"), "there: something true expected, got false")
end)

test.case("contains looks into texts, lists, and what has a text", function()
  test.contains("abc", "b")
  test.contains({{1}, {2}}, {2})
  test.contains(workspaces.create("payments", {}), "workspace 'payments'")
  test.equal(message_of(test.contains, "abc", "x"), 'a text with "x" expected, got\n  "abc"')
  test.equal(message_of(test.contains, {1, 2}, 3), "a list with 3 expected, got\n  {1, 2}")
  test.contains(message_of(test.contains, {"abc"}, "b"), 'a list with "b" expected')
end)

test.case("matches gives what the pattern captures", function()
  test.equal({test.matches("gw-7.example", "^gw%-(%d)%.(%w+)$")}, {"7", "example"})
  test.contains(message_of(test.matches, "abc", "^b"), 'a text that matches "^b" expected')
end)

test.case("near bears a distance", function()
  test.near(0.1 + 0.2, 0.3)
  test.near(10, 12, 2)
  test.near(math.huge, math.huge)
  test.equal(message_of(test.near, 10, 13, 2), "10 is not within 2 of 13")
  test.equal(message_of(test.near, 0 / 0, 1, 2):match "is not within 2 of 1$", "is not within 2 of 1")
  test.equal(message_of(test.near, "1", 1), 'numbers expected, got "1" and 1')
end)

test.case("raises takes a code, a text, a pattern, and a table of fields", function()
  local failure = test.raises("ResourceNotFound", workspaces.get, "nope")
  test.equal(failure.status, 404)
  test.raises("was not found", workspaces.get, "nope")
  test.raises("'[%w./%-]+/nope'", workspaces.get, "nope")
  test.raises({code = "ResourceNotFound", status = 404, message = "/nope'"}, workspaces.get, "nope")
  test.raises("a bug", error, "a bug")
  test.raises("100%", error, "100%")
end)

test.case("raises says what was raised instead", function()
  test.equal(message_of(test.raises, "x", function() end),
             'an error with "x" expected, nothing was raised')
  test.equal(message_of(test.raises, "Conflict", error, "a bug"),
             'an error with "Conflict" expected, got\n  a bug')
  test.contains(message_of(test.raises, {code = "Conflict", status = 404}, workspaces.get, "nope"),
                'the failure differs\n  .code  have "ResourceNotFound"\n         want "Conflict"\nit is')
  test.equal(message_of(test.raises, {code = "Conflict"}, error, "a bug"),
             "a failure expected, got the error\n  a bug")
end)

test.case("an assertion inside raises fails the test, not the expectation", function()
  test.equal(message_of(test.raises, "have 1", function()
    test.equal(1, 2)
  end), "the values differ\n  have 1\n  want 2")
end)

test.case("fail fails", function()
  test.equal(message_of(test.fail, "here"), "here")
  test.equal(message_of(test.fail), "test.fail was called")
end)

test.case("a failure in another task comes through its join", function()
  local task = tasks.spawn(test.equal, 1, 2)
  test.equal(message_of(task.join, task), "the values differ\n  have 1\n  want 2")
end)

test.case("an assertion names its line", function()
  local line = debug.getinfo(1, "l").currentline
  local _, verdict = pcall(function()
    test.ok(false)
  end)
  test.matches(verdict.where, ("spec_test.lua:%d$"):format(line + 2))
  test.contains(verdict.frames, ("spec_test.lua:%d"):format(line + 2))
  test.ok(not verdict.frames:find "stdlib/", "no lines of the library")
end)

test.case("of a stack that overflowed the innermost lines are told", function()
  local function descend(depth)
    if depth == 0 then
      test.fail "at the bottom"
    end
    descend(depth - 1)
    return depth
  end
  local fine, verdict = pcall(descend, 150000)
  test.ok(not fine)
  local _, count = verdict.frames:gsub("[^\n]+", "")
  test.equal(count, 21)
  test.matches(verdict.frames, "\n%.%.%.$")
end)

-- files ----------------------------------------------------------------------------------

local log = {}

test.before_each(function()
  log[#log + 1] = "before"
end)

test.after_each(function()
  log[#log + 1] = "after"
  test.equal(log, {"before", "after"}) -- anew for each test
end)

test.case("tests belong at the top of a file", function()
  test.raises("test.case belongs at the top of a file", test.case, "inner", function() end)
  test.raises("test.each belongs at the top of a file", test.each, {1}, "{}", function() end)
  test.raises("test.before_each belongs at the top", test.before_each, function() end)
  test.raises("test.after_each belongs at the top", test.after_each, function() end)
end)

test.case("a skip ends the test", function()
  local fine, verdict = pcall(test.skip, "the reason")
  test.equal({fine, verdict.status, verdict.message}, {false, "skipped", "the reason"})
end)

test.each({"first", "second"}, "a test sees nothing of another: {}", function(name)
  test.equal(workspaces.list(), {})
  test.equal(GLOBAL, nil)
  GLOBAL = name
  workspaces.create(name, {})
end)

test.each({{7, "seven"}}, "each gives row and place", function(row, i)
  test.equal({row, i}, {{7, "seven"}, 1})
end)

test.case("a test has its faults from the start", {faults = {throttle = 1}, timeout = "30d"}, function()
  local task = tasks.spawn(workspaces.create, "x", {})
  sim.advance "1m"
  test.ok(sim.requests().throttled > 0)
  task:cancel()
end)

test.case("a seed makes the same durations", {seed = 7}, function()
  gateways.create("gw", {})
  test.equal(sim.now() > 0, true)
end)
