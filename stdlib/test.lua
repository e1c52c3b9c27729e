--- Say what a script must do, in files that `moongate test` runs.
--
-- Each test runs in an interpreter of its own, on a simulator of its own whose time jumps
-- when everything waits: no test sees another's world, and three hours pass in milliseconds.
-- The file is loaded anew for each of its tests; what its top level does, every test starts
-- from. `require "sim"` looks into the simulator and steers it.
-- @module test
local check = require "core.check"
local clock = require "clock"
local difference = require "difference"
local testing = require "testing"

local test = {}

local OPTIONS = {"faults", "seed", "timeout", "wall", "skip", "only"}

local show = difference.show

-- cases ----------------------------------------------------------------------------------

local function check_name(what, name)
  if type(name) ~= "string" or name == "" or name:find "%c" or not utf8.len(name) then
    check.fail(("%s: a name expected, one line of UTF-8, got %s"):format(what, show(name)))
  end
end

local function check_function(what, fn)
  if type(fn) ~= "function" then
    check.fail(("%s: a function expected, got %s"):format(what, type(fn)))
  end
end

local function check_options(what, given)
  local options = check.options(given, OPTIONS)
  if options.seed ~= nil and math.type(options.seed) ~= "integer" then
    check.fail(("%s: seed: a whole number expected, got %s"):format(what, show(options.seed)))
  elseif options.skip ~= nil and type(options.skip) ~= "boolean"
         and type(options.skip) ~= "string" then
    check.fail(("%s: skip: true or the reason expected, got %s"):format(what, show(options.skip)))
  end
  return options
end

local function seconds(what, name, duration)
  if duration == nil then
    return nil
  end
  local value = clock.duration(duration)
  if value == 0 then
    check.fail(("%s: %s: more than no time expected"):format(what, name))
  end
  return value
end

local function add(what, name, options, fn, arguments)
  local file = testing.file(what)
  if file.wanted and file.wanted ~= name then
    return
  end
  check_name(what, name)
  check_function(what, fn)
  options = check_options(what, options)
  if file.by_name[name] then
    check.fail(("%s: there is a test '%s' already, at %s"):format(what, name,
                                                                 file.by_name[name].where))
  end
  local where = testing.here()
  local case = {
    name = name, fn = fn, arguments = arguments, where = where,
    line = tonumber(where:match ":(%d+)$"), faults = options.faults, seed = options.seed,
    timeout = seconds(what, "timeout", options.timeout),
    wall = seconds(what, "wall", options.wall),
    skip = options.skip == true and "" or options.skip or nil, only = options.only and true or nil,
  }
  file.cases[#file.cases + 1] = case
  file.by_name[name] = case
end

--- Add a test.
-- @tparam string name a sentence; no two tests of a file have the same
-- @tparam[opt] table options
-- @tparam[opt] string|table options.faults what goes wrong during it, as `sim.fault` takes it
-- @tparam[opt] integer options.seed of the simulator; else it is made of `--seed` and the name
-- @tparam[opt="24h"] number|string options.timeout fails it after so much simulated time
-- @tparam[opt="60s"] number|string options.wall fails it after so much of the machine's time
-- @tparam[opt] boolean|string options.skip leaves it out: true, or the reason
-- @tparam[opt] boolean options.only leaves out all tests without it
-- @tparam function fn what it does; passes unless it raises
-- @usage test.case("a workspace is made once", function()
--   workspaces.ensure("payments", {})
--   test.equal(select(2, workspaces.ensure("payments", {})), "unchanged")
-- end)
function test.case(name, options, fn)
  if fn == nil then
    options, fn = nil, options
  end
  add("test.case", name, options, fn)
end

-- "adds {a} to {2}" with the row's fields; {} is the row itself.
local function format_name(format, row)
  return (format:gsub("{([%w_]*)}", function(key)
    local value = row
    if key ~= "" and type(row) == "table" then
      value = row[key]
      if value == nil then
        value = row[tonumber(key)]
      end
    end
    return type(value) == "string" and not value:find "%c" and value or show(value)
  end))
end

--- Add a test for each row of a table.
-- @tparam table rows a list of anything
-- @tparam string name_format the name, with `{field}` (or `{1}`) for what the row has there and
--   `{}` for the row itself
-- @tparam[opt] table options as for `test.case`
-- @tparam function fn gets the row and its place in the list
-- @usage test.each({{text = "90s", want = 90}, {text = "2m", want = 120}}, "{text} is {want} s",
--   function(row) test.equal(clock.duration(row.text), row.want) end)
function test.each(rows, name_format, options, fn)
  if fn == nil then
    options, fn = nil, options
  end
  if type(rows) ~= "table" then
    check.fail("test.each: a list of rows expected, got " .. type(rows))
  end
  check_name("test.each", name_format)
  for i, row in ipairs(rows) do
    add("test.each", format_name(name_format, row), options, fn, {row, i})
  end
end

--- Call a function before each test of the file.
-- @tparam function fn when it raises, the test has failed and is not begun
-- @usage test.before_each(function() sim.fault "throttle=0.1" end)
function test.before_each(fn)
  local file = testing.file "test.before_each"
  check_function("test.before_each", fn)
  file.before[#file.before + 1] = fn
end

--- Call a function after each test of the file, however that ended.
-- @tparam function fn when it raises, the test has failed
-- @usage test.after_each(function() test.equal(sim.requests().lost, 0) end)
function test.after_each(fn)
  local file = testing.file "test.after_each"
  check_function("test.after_each", fn)
  file.after[#file.after + 1] = fn
end

--- Say which world the tests of the file begin with.
-- Belongs above what uses the service.
-- @tparam string|table world what a world file holds, as a table; or the name of such a file,
--   from the folder of the test's
-- @raise failure `IOError` when it cannot be read; what `sim.load` raises
-- @usage test.world {service = "apim-test", groups = {{name = "api-team-a"}}}
function test.world(world)
  local file = testing.file "test.world"
  if type(world) == "string" then
    world = testing.read(file.folder .. world)
  elseif type(world) ~= "table" then
    check.fail("test.world: a table or a file's name expected, got " .. type(world))
  end
  require("sim").load(world)
end

-- assertions -----------------------------------------------------------------------------

local function indent(text)
  return (text:gsub("[^\n]+", "  %0"))
end

local function fail(format, ...)
  testing.fail(format:format(...))
end

-- "what: " in front of a message, when the caller said what it is about.
local function prefix(what)
  return what ~= nil and tostring(what) .. ": " or ""
end

--- Two values are the same; tables are compared by what they hold.
-- @param have what there is
-- @param want what there should be
-- @tparam[opt] string what begins the message of a failure, which tells each place that differs
-- @usage test.equal(gw.state, "Succeeded")
function test.equal(have, want, what)
  local lines = difference.describe(have, want)
  if lines then
    fail("%sthe values differ\n%s", prefix(what), indent(lines))
  end
end

--- Two values are not the same.
-- @tparam any have
-- @tparam any unwanted
-- @tparam[opt] string what said in front when it fails
-- @usage test.not_equal(first.etag, second.etag)
function test.not_equal(have, unwanted, what)
  if difference.is_same(have, unwanted) then
    fail("%sboth values are %s", prefix(what), show(have))
  end
end

--- A value is neither nil nor false.
-- @tparam any value
-- @tparam[opt] string what said in front when it fails
-- @treturn any the value
-- @usage local gw = test.ok(gateways.find "gw-7")
function test.ok(value, what)
  if not value then
    fail("%ssomething true expected, got %s", prefix(what), show(value))
  end
  return value
end

--- A text has another one in it; or a list an element that is the same as a value.
-- @tparam string|table have a text (or what `tostring` makes one of), or a list
-- @tparam any want
-- @tparam[opt] string what said in front when it fails
-- @usage test.contains(failure.message, "gw-7")
-- @usage test.contains({"a", "b"}, "b")
function test.contains(have, want, what)
  if type(have) == "table" and not (getmetatable(have) and type(want) == "string"
                                    and tostring(have):find(want, 1, true)) then
    for _, element in ipairs(have) do
      if difference.is_same(element, want) then
        return
      end
    end
    fail("%sa list with %s expected, got\n  %s", prefix(what), show(want), show(have))
  elseif type(have) ~= "table" and not tostring(have):find(tostring(want), 1, true) then
    fail("%sa text with %s expected, got\n  %s", prefix(what), show(want), show(have))
  end
end

--- A text matches a Lua pattern.
-- @tparam string have
-- @tparam string pattern
-- @tparam[opt] string what said in front when it fails
-- @treturn any what the pattern captures
-- @usage local host = test.matches(gw.hostname, "^(gw%-7%-%x+)%.")
function test.matches(have, pattern, what)
  local found = table.pack(tostring(have):match(pattern))
  if found[1] == nil then
    fail("%sa text that matches %s expected, got\n  %s", prefix(what), show(pattern), show(have))
  end
  return table.unpack(found, 1, found.n)
end

--- A number is as good as another.
-- @tparam number have
-- @tparam number want
-- @tparam[opt=1e-9] number within how far they may be apart
-- @tparam[opt] string what said in front when it fails
-- @usage test.near(clock.elapsed(), 3 * 3600, 1200)
function test.near(have, want, within, what)
  within = within or 1e-9
  if type(have) ~= "number" or type(want) ~= "number" then
    fail("%snumbers expected, got %s and %s", prefix(what), show(have), show(want))
  elseif not (math.abs(have - want) <= within) and have ~= want then
    fail("%s%s is not within %s of %s", prefix(what), have, within, want)
  end
end

-- Whether a text has another in it or matches it as a pattern, which it need not be.
local function text_matches(text, wanted)
  if text:find(wanted, 1, true) then
    return true
  end
  local fine, found = pcall(string.find, text, wanted)
  return fine and found ~= nil
end

local function field_matches(have, want)
  return difference.is_same(have, want)
    or (type(have) == "string" and type(want) == "string" and text_matches(have, want))
end

-- nil, or what about the error is not as expected.
local function compare_raised(raised, want)
  if type(want) ~= "table" then
    local code = type(raised) == "table" and raised.code
    return code ~= want and not text_matches(tostring(raised), tostring(want))
      and ("an error with %s expected, got\n  %s"):format(show(want), tostring(raised)) or nil
  elseif type(raised) ~= "table" then
    return ("a failure expected, got the error\n  %s"):format(tostring(raised))
  end
  local lines = {}
  for name, value in pairs(want) do
    if not field_matches(raised[name], value) then
      lines[#lines + 1] = ("  .%s  have %s\n%swant %s"):format(
        name, show(raised[name]), (" "):rep(#tostring(name) + 5), show(value))
    end
  end
  table.sort(lines)
  return #lines > 0 and ("the failure differs\n%s\nit is\n  %s"):format(
    table.concat(lines, "\n"), tostring(raised)) or nil
end

--- A function raises, and what it should.
-- @tparam string|table want the code of a failure; or a text that the message has in it, or a
--   Lua pattern that it matches; or a table of a failure's fields, whose texts may be such
-- @tparam function fn
-- @param ... arguments for `fn`
-- @return what was raised
-- @usage local failure = test.raises("ResourceNotFound", workspaces.get, "nope")
-- @usage test.raises({status = 404}, function() workspaces.get "nope" end)
function test.raises(want, fn, ...)
  check_function("test.raises", fn)
  local fine, raised = pcall(fn, ...)
  if fine then
    fail("an error with %s expected, nothing was raised", show(want))
  elseif testing.is_verdict(raised) then
    error(raised, 0) -- an assertion inside failed, or the test is skipped
  end
  local wrong = compare_raised(raised, want)
  if wrong then
    fail("%s", wrong)
  end
  return raised
end

--- Fail the test.
-- @tparam[opt] string message why
-- @usage test.fail "nobody should get here"
function test.fail(message)
  fail("%s", message == nil and "test.fail was called" or tostring(message))
end

--- Leave the test out from here on; at the top level of a file, all of its tests.
-- @tparam[opt] string reason
-- @usage test.skip "needs a world with two services"
function test.skip(reason)
  testing.skip(reason == nil and "" or tostring(reason))
end

return test
